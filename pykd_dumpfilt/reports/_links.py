"""Text with commands in it that a debugger's window can make links of."""

from dataclasses import dataclass
from typing import Sequence, Union

__all__ = ["Line", "Link", "plain"]


@dataclass(frozen=True)
class Link:
    """A command of the debugger, and the text that stands for it.

    Hosts without DML show the text alone, so it has to say all that the reader needs: where that is the
    command, leave the text out.
    """

    command: str
    text: str = ""

    def __str__(self) -> str:
        return self.text or self.command


Line = Sequence[Union[str, Link]]
"""One line, without its end."""


def plain(line: Line) -> str:
    """A line as a terminal shows it."""
    return "".join(str(part) for part in line)
