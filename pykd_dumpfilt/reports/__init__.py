"""Reports: the same findings for a terminal, for programs, as a page and for a signature; and looking into a
recording.

Everything here gives text and prints nothing. ``FORMATS`` lists what a report can be made as.
"""

from ._fields import render_ntstatus
from ._links import Line, Link, plain
from ._phrases import counted, how_to_exercise, rule_command, show_command
from ._printable import printable
from ._waivers import waived_by
from .diff import comparison_json, render_comparison
from .formats import FORMATS, Format, format_for, format_named, render
from .handled import migrated_text, packed_text
from .json_report import render_json, report_object
from .live_lines import live_line
from .rule_failure import render_rule_failure
from .rule_list import render_rules
from .rule_page import render_rule, rule_prose
from .show import show_call, show_recording
from .structure import Neighbour, structure_lines
from .summary import render_summaries, summaries_json
from .text import render_text, text_lines

__all__ = [
    "FORMATS",
    "Format",
    "Line",
    "Link",
    "Neighbour",
    "comparison_json",
    "counted",
    "format_for",
    "format_named",
    "how_to_exercise",
    "live_line",
    "migrated_text",
    "packed_text",
    "plain",
    "printable",
    "render",
    "render_comparison",
    "render_json",
    "render_ntstatus",
    "render_rule",
    "render_rule_failure",
    "render_rules",
    "render_summaries",
    "render_text",
    "report_object",
    "rule_command",
    "rule_prose",
    "show_call",
    "show_command",
    "show_recording",
    "structure_lines",
    "summaries_json",
    "text_lines",
    "waived_by",
]
