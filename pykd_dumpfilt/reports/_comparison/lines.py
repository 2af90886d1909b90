"""A comparison as lines of text: both sides below each other, with a mark under what differs."""

from typing import Iterator, List, Tuple, Union

from .._printable import printable
from .comparison import Comparison
from .hexdump import Elision, Row, Text

__all__ = ["comparison_lines"]

_MAX_ROWS = 6
_MAX_FIELDS = 8


def comparison_lines(shown: Comparison, max_rows: int = _MAX_ROWS) -> Iterator[str]:
    """What is compared, what ``-`` and ``+`` stand for, and the rows: one that is equal on both sides is one
    line, one that differs is two and a line of marks. At most ``max_rows`` rows, the first ones."""
    yield f"{printable(shown.caption)}: {printable(shown.missing or shown.summary)}"
    if shown.missing:
        return
    yield f"  - {printable(shown.left)}"
    yield f"  + {printable(shown.right)}"
    rows, rest = _cut(shown, max_rows)
    width = max([len(f"{one.offset:08x}") for one in rows if isinstance(one, Row)], default=8)
    for one in rows:
        if isinstance(one, Row):
            yield from (f"  {line}".rstrip() for line in _row(one, width))
        else:
            yield f"  {_elided(one)}"
    if rest.rows:
        yield f"  {_elided(rest)}"


def _cut(shown: Comparison, max_rows: int) -> Tuple[List[Union[Row, Elision]], Elision]:
    """The first rows, and what is behind them as one elision."""
    kept: List[Union[Row, Elision]] = []
    left, rows, changed = max_rows, 0, 0
    for one in shown.rows:
        if left and not (isinstance(one, Elision) and one is shown.rows[-1]):
            kept.append(one)
            left -= isinstance(one, Row)
        elif isinstance(one, Row):
            rows, changed = rows + 1, changed + _differs(one)
        else:
            rows, changed = rows + one.rows, changed + one.changed
    return kept, Elision(rows, changed)


def _row(row: Row, width: int) -> Iterator[str]:
    offset = f"{row.offset:0{max(8, width)}x}"
    if not _differs(row):
        yield f"{offset}    {_plain(row.left)}  |{_plain(row.left_ascii)}|"
    else:
        left, right = _plain(row.left), _plain(row.right)
        yield f"{offset}  - {left}  |{_plain(row.left_ascii)}|"
        yield f"{'':{len(offset)}}  + {right}  |{_plain(row.right_ascii)}|"
        marked = "".join(("^" if changed else " ") * len(text) for text, changed in row.left)
        marks = "".join(
            mark if one + two != "  " else " " for mark, one, two in zip(marked, left, right)
        ).rstrip()
        yield f"{'':{len(offset)}}    {marks}"
    names = [name for name, changed in row.fields if changed]
    if names:
        more = f" and {len(names) - _MAX_FIELDS} more" if len(names) > _MAX_FIELDS else ""
        yield f"{'':{len(offset)}}    changed: {', '.join(map(printable, names[:_MAX_FIELDS]))}{more}"


def _elided(one: Elision) -> str:
    rows = "1 row" if one.rows == 1 else f"{one.rows} rows"
    return f"... {rows} of 16 bytes" + (f", {one.changed} of them with differences" if one.changed else "")


def _differs(row: Row) -> bool:
    return any(changed for _, changed in row.left)


def _plain(text: Text) -> str:
    return "".join(piece for piece, _ in text)
