"""Two byte strings beside each other in rows of 16, for people who look for what differs."""

from dataclasses import dataclass
from typing import List, Sequence, Set, Tuple, Union

__all__ = ["Elision", "Row", "Text", "changed_bytes", "side_by_side"]

_ROW = 16
_CONTEXT = 2
_BEGINNING = 8
_END = 4
_MAX_ROWS = 32

Text = Tuple[Tuple[str, bool], ...]
"""A text in pieces, each with whether it is changed."""


@dataclass(frozen=True)
class Row:
    """Sixteen bytes of both sides, as hexadecimal digits and as ASCII; ``fields`` are the names of a
    structure's members that begin there."""

    offset: int
    left: Text
    left_ascii: Text
    right: Text
    right_ascii: Text
    fields: Text = ()


@dataclass(frozen=True)
class Elision:
    """Rows that are not shown, and how many of them have differences."""

    rows: int
    changed: int


def side_by_side(
    left: bytes,
    right: bytes,
    start: int = 0,
    ignore: Sequence[Tuple[int, int]] = (),
    fields: Sequence[Tuple[int, int, str]] = (),
) -> Tuple[Union[Row, Elision], ...]:
    """The rows that differ with two rows around them, at most 32; where nothing differs the first rows.

    Args:
        start: offset of the first byte; rows begin at multiples of 16.
        ignore: ranges, as offsets, in which differences do not count.
        fields: a structure's members, as start, end and name.
    """
    lead = start % _ROW
    rows = (lead + max(len(left), len(right)) + _ROW - 1) // _ROW
    marks = [_marks(left, right, row * _ROW - lead, start, ignore) for row in range(rows)]
    changed = [row for row in range(rows) if any(marks[row])]
    shown = _wanted(changed, rows)[:_MAX_ROWS]
    found: List[Union[Row, Elision]] = []
    at = 0
    for row in [*shown, rows]:
        if row > at:
            found.append(Elision(row - at, sum(1 for one in changed if at <= one < row)))
        if row < rows:
            found.append(_row(left, right, row * _ROW - lead, start, marks[row], fields))
        at = row + 1
    return tuple(found)


def changed_bytes(left: bytes, right: bytes, start: int = 0, ignore: Sequence[Tuple[int, int]] = ()) -> int:
    """How many bytes differ; a byte that only one side has differs. Arguments as for :func:`side_by_side`."""
    size = max(len(left), len(right))
    return sum(sum(_marks(left, right, at, start, ignore)) for at in range(0, size, _ROW))


def _wanted(changed: List[int], rows: int) -> List[int]:
    """Changed rows and two around them; of a long run of changed rows its beginning and its end."""
    wanted: Set[int] = set()
    changes = set(changed)
    for row in changed:
        if not all(near in changes for near in range(row - _BEGINNING, row + _END + 1)):
            wanted.update(range(max(0, row - _CONTEXT), min(rows, row + _CONTEXT + 1)))
    return sorted(wanted) or list(range(rows))


def _marks(
    left: bytes, right: bytes, at: int, start: int, ignore: Sequence[Tuple[int, int]]
) -> Tuple[bool, ...]:
    if left[max(0, at) : at + _ROW] == right[max(0, at) : at + _ROW]:
        return (False,) * _ROW
    return tuple(
        index >= 0
        and left[index : index + 1] != right[index : index + 1]
        and not any(first <= start + index < last for first, last in ignore)
        for index in range(at, at + _ROW)
    )


def _row(
    left: bytes,
    right: bytes,
    at: int,
    start: int,
    marks: Tuple[bool, ...],
    fields: Sequence[Tuple[int, int, str]],
) -> Row:
    cells = [
        [side[index] if 0 <= index < len(side) else None for index in range(at, at + _ROW)]
        for side in (left, right)
    ]
    digits = [["  " if byte is None else f"{byte:02x}" for byte in side] for side in cells]
    ascii_text = [
        [" " if byte is None else chr(byte) if 0x20 <= byte < 0x7F else "." for byte in side]
        for side in cells
    ]
    return Row(
        start + at,
        _pieces(digits[0], marks, " "),
        _pieces(ascii_text[0], marks, ""),
        _pieces(digits[1], marks, " "),
        _pieces(ascii_text[1], marks, ""),
        tuple(
            (name, left[first - start : end - start] != right[first - start : end - start])
            for first, end, name in fields
            if start + at <= first < start + at + _ROW
        ),
    )


def _pieces(cells: List[str], marks: Tuple[bool, ...], between: str) -> Text:
    """Neighbours of one kind joined; what stands between two changed bytes is marked with them."""
    pieces: List[Tuple[str, bool]] = []
    for index, (cell, mark) in enumerate(zip(cells, marks)):
        gap = "" if index == 0 else between + (between if index == _ROW // 2 else "")
        if pieces and pieces[-1][1] == mark:
            pieces[-1] = (pieces[-1][0] + gap + cell, mark)
        elif mark:
            if gap:
                pieces[-1] = (pieces[-1][0] + gap, False)
            pieces.append((cell, True))
        else:
            pieces.append((gap + cell, False))
    return tuple(pieces)
