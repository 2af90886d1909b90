"""The report for looking at: one HTML file that needs nothing else."""

from ..checking import Report
from ..errors import UsageError

__all__ = ["render_html"]


def render_html(report: Report) -> str:
    """A page that works offline, without scripts, from a keyboard. Every recording is read once more, in
    bounded memory; one that is gone by now is still reported, without its pictures and bytes. Equal input
    gives equal text.

    Raises:
        UsageError: the extra "report" is not installed.
    """
    try:
        import jinja2 as _jinja2  # noqa: F401
        import matplotlib as _matplotlib  # noqa: F401
    except ImportError as error:
        raise UsageError(
            'the HTML report needs Jinja2 and matplotlib: pip install "pykd-dumpfilt[report]"'
        ) from error
    from ._html.page import page

    return page(report)
