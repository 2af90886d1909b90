"""The formats of a report: a format is added here and nowhere else.

The module of a format is imported when a report is made in it, so that what one of them needs costs the
others nothing: inside WinDbg nobody waits for an HTML library.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Tuple, Union

from ..checking import CheckResult, Report
from ..errors import UsageError

__all__ = ["FORMATS", "Format", "format_for", "format_named", "render"]


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes:
        name: as the user gives it.
        module: of this package.
        function: in that module; takes a :class:`~pykd_dumpfilt.checking.Report` and gives text.
        endings: of files that hold it, the usual one first.
        sealed: whether it tells :attr:`~pykd_dumpfilt.checking.CheckResult.seal`.
    """

    name: str
    module: str
    function: str
    endings: Tuple[str, ...]
    sealed: bool = False

    def render(self, report: Report) -> str:
        """The report in this format.

        Raises:
            UsageError: a library that this format needs is not installed.
        """
        text: str = getattr(import_module(f".{self.module}", __package__), self.function)(report)
        return text


FORMATS: Tuple[Format, ...] = (
    Format("text", "text", "render_text", (".txt",)),
    Format("json", "json_report", "render_json", (".json",)),
    Format("junit", "junit", "render_junit", (".xml",)),
    Format("sarif", "sarif", "render_sarif", (".sarif", ".sarif.json")),
    Format("html", "html_report", "render_html", (".html", ".htm")),
    Format("markdown", "markdown", "render_markdown", (".md", ".markdown"), sealed=True),
)


def format_named(name: str) -> Format:
    """The format of that name; ValueError where there is none."""
    for one in FORMATS:
        if one.name == name:
            return one
    raise ValueError(f"no format {name!r}")


def format_for(path: str) -> Format:
    """The format that a file's name ends on; text where it tells none."""
    endings = [(len(ending), ending, one) for one in FORMATS for ending in one.endings]
    for _, ending, one in sorted(endings, key=lambda entry: -entry[0]):
        if path.lower().endswith(ending):
            return one
    return FORMATS[0]


def render(report: "Union[Report, CheckResult]", format: str = "text") -> str:
    """A report as text in one of the formats of ``dumpfilt check``.

    Args:
        report: what :func:`~pykd_dumpfilt.checking.check` gave; several results go into one
            :class:`~pykd_dumpfilt.checking.Report`. For "markdown" they are to be checked with ``seal``.
        format: "text", "json", "junit", "sarif", "html" or "markdown".

    Raises:
        UsageError: there is no such format, or a library that it needs is not installed.
    """
    try:
        chosen = format_named(format)
    except ValueError:
        names = ", ".join(one.name for one in FORMATS)
        raise UsageError(f"there is no format {format!r}, but {names}") from None
    return chosen.render(Report((report,)) if isinstance(report, CheckResult) else report)
