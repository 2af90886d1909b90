"""Reports: the same findings for a terminal, for programs, as a page and for a signature; and looking into a
recording.

Everything here gives text and prints nothing. ``FORMATS`` lists what a report can be made as.
"""

from ._fields import render_ntstatus, render_structure
from .formats import FORMATS, Format, format_for, format_named
from .json_report import render_json, report_object
from .rule_list import render_rules
from .rule_page import render_rule, rule_prose
from .show import show_call, show_recording
from .text import render_text

__all__ = [
    "FORMATS",
    "Format",
    "format_for",
    "format_named",
    "render_json",
    "render_ntstatus",
    "render_rule",
    "render_rules",
    "render_structure",
    "render_text",
    "report_object",
    "rule_prose",
    "show_call",
    "show_recording",
]
