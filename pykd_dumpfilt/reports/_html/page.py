"""The template, filled in."""

import base64
import hashlib
import pkgutil
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ... import __version__
from ...checking import Report
from ...rules import Verdict
from .._comparison import Row
from .._phrases import counted
from .._printable import printable
from .._waivers import describe_use, describe_waiver, waived_by
from .view import MAX_HEXDUMPS, recording_views

__all__ = ["page"]

_PACKAGE = "pykd_dumpfilt.reports"
_MAX_LISTED = 6
_ORDER = (Verdict.FAIL, Verdict.INCOMPLETE, Verdict.NOT_EXERCISED, Verdict.PASS)


def page(report: Report) -> str:
    """The whole page. Everything that is put into the template is escaped twice over: what does not print,
    and what turns text around, by name, then what means something in HTML."""
    environment = Environment(
        loader=PackageLoader(_PACKAGE, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_safe,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.tests["hex_row"] = lambda row: isinstance(row, Row)
    environment.filters.update(
        slug=lambda text: str(text).replace(" ", "-"),
        findings=lambda count: counted(count, "finding"),
        waived_by=waived_by,
        describe_waiver=describe_waiver,
        describe_use=describe_use,
    )
    style = (pkgutil.get_data(_PACKAGE, "templates/report.css") or b"").decode().replace("\r\n", "\n")
    counts = [
        (sum(result.verdict is verdict for result in report.results), verdict.value) for verdict in _ORDER
    ]
    counts.append((len(report.unreadable), "unreadable"))
    text: str = environment.get_template("report.html.j2").render(
        recordings=recording_views(report),
        waivers=report.waivers,
        unreadable=report.unreadable,
        counts=[one for one in counts if one[0]],
        max_hexdumps=MAX_HEXDUMPS,
        max_listed=_MAX_LISTED,
        style=Markup(style),
        style_digest=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        version=__version__,
        svg=Markup,
        title=_title(report),
    )
    return text


def _title(report: Report) -> str:
    if len(report.results) == 1 and not report.unreadable:
        one = report.results[0]
        return f"{one.verdict.value.upper()}: {one.filter}, {one.scenario}"
    return f"Dump filter check of {len(report.results) + len(report.unreadable)} recordings"


def _safe(value: Any) -> Any:
    return value if isinstance(value, Markup) else printable(str(value))
