"""Pieces of Markdown that say the same on GitHub, in pandoc and to other readers of CommonMark and tables.

A backslash keeps the source readable. What not every reader takes after a backslash, and what is HTML, is
an entity.
"""

import html
import re
from typing import Iterator, Sequence

from ._printable import printable

__all__ = ["escaped", "table"]

_BACKSLASHED = "\\*[]_"
# "_" within a word is no emphasis anywhere, and names such as Dump_Read are to stay readable. The last line:
# what would make a link of an address, or begin a list, a heading or a rule. (GitHub makes a link of an
# address of mail however that is written.)
_MARKS = re.compile(
    r"[\\*\[\]`|$^~{}&<>]"
    r"|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"
    r"|(?<=:)/(?=/)|(?<=www)\.|(?<=[\w.+-])@(?=\w)|^[-+#=]",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"^(\d{1,9})([.)])(?=\s|$)", re.ASCII)
_TARGET = re.compile(r"(?<=\])\([^)]*\)")
_WIDEST = 60


def escaped(text: str) -> str:
    """Text of others as plain text: one line, no markup, no HTML, no link."""
    plain = _MARKS.sub(lambda found: _escape(found.group()), printable(text).strip())
    return _NUMBERED.sub(lambda found: found.group(1) + _escape(found.group(2)), plain) or "&nbsp;"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A pipe table of cells that are Markdown already, and the empty line that ends it."""
    yield f"| {' | '.join(head)} |"
    # pandoc takes the widths of columns from here; GitHub does not look.
    widths = [
        min(_WIDEST, max(3, *(_width(row[column]) for row in (head, *rows)))) for column in range(len(head))
    ]
    yield f"| {' | '.join('-' * width for width in widths)} |"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _width(cell: str) -> int:
    return len(html.unescape(_TARGET.sub("", cell)))


def _escape(mark: str) -> str:
    if mark in _BACKSLASHED:
        return f"\\{mark}"
    return html.escape(mark) if mark in "&<>" else f"&#{ord(mark)};"
