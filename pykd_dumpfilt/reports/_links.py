"""Text with commands in it that a debugger's window can make links of, and addresses that may be links."""

from dataclasses import dataclass
from typing import Sequence, Union
from urllib.parse import urlsplit

__all__ = ["Line", "Link", "plain", "web_address"]

_HOSTS = ("learn.microsoft.com", "docs.microsoft.com")


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


def web_address(source: str) -> str:
    """A rule's source where it is one of Microsoft's pages over https; empty for whatever else a rule
    names, which is text."""
    try:
        parts = urlsplit(source)
        known = parts.scheme == "https" and parts.netloc in _HOSTS
    except ValueError:
        return ""
    return source if known else ""
