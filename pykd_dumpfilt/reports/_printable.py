"""Text that is safe on a terminal, whatever a recording made by others holds."""

import textwrap
from typing import List

__all__ = ["printable", "wrapped"]

_LIMIT = 4000
_WIDTH = 100


def printable(text: str, limit: int = _LIMIT) -> str:
    """The text with everything but printable characters and the plain space written as escapes: control
    characters, terminal sequences, line breaks, direction marks. Cut at ``limit`` characters."""
    cut = text[:limit] + "..." if len(text) > limit else text
    if cut.isprintable():
        return cut
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in cut)


def wrapped(text: str, indent: str, first: str = "") -> List[str]:
    """Lines of at most 100 columns; ``first`` replaces the first line's indent."""
    return textwrap.wrap(
        printable(text),
        width=_WIDTH,
        initial_indent=first or indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first or indent]
