"""Reports: the same findings for a terminal, for programs and as a page; and looking into a recording.

Everything here gives text and prints nothing.
"""

from ._fields import render_ntstatus, render_structure
from .html_report import render_html
from .json_report import render_json, report_object
from .rule_list import render_rules
from .show import show_call, show_recording
from .text import render_text

__all__ = [
    "render_html",
    "render_json",
    "render_ntstatus",
    "render_rules",
    "render_structure",
    "render_text",
    "report_object",
    "show_call",
    "show_recording",
]
