"""Two byte strings that are shown beside each other."""

from dataclasses import dataclass
from typing import Sequence, Tuple, Union

from .hexdump import Elision, Row, changed_bytes, side_by_side

__all__ = ["Comparison", "compare"]

_LONGEST = 64 * 1024


@dataclass(frozen=True)
class Comparison:
    """Two byte strings: what they are, what each side is, and their rows; ``missing`` says why there are
    none."""

    caption: str
    left: str
    right: str
    rows: Tuple[Union[Row, Elision], ...] = ()
    summary: str = ""
    missing: str = ""

    @property
    def has_fields(self) -> bool:
        """Whether any row names members of a structure."""
        return any(isinstance(row, Row) and row.fields for row in self.rows)


def compare(
    caption: str,
    left: Tuple[str, bytes],
    right: Tuple[str, bytes],
    start: int = 0,
    ignore: Sequence[Tuple[int, int]] = (),
    fields: Sequence[Tuple[int, int, str]] = (),
) -> Comparison:
    """Compare two named byte strings; the other arguments are those of :func:`side_by_side`."""
    whole = max(len(left[1]), len(right[1]))
    one, two = left[1][:_LONGEST], right[1][:_LONGEST]
    rows = side_by_side(one, two, start, ignore, fields)
    count = changed_bytes(one, two, start, ignore)
    size = f"{whole}" if whole <= _LONGEST else f"the first {_LONGEST}"
    summary = f"{count} of {size} bytes differ" if count else f"no byte of {size} differs"
    return Comparison(caption, left[0], right[0], rows, summary)
