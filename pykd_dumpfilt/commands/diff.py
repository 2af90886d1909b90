"""``diff``: two runs of a filter held against each other."""

import argparse

from ..handling import compare
from ..reports import comparison_json, render_comparison
from . import console
from ._checking import sum_up_watched
from ._command import Command

__all__ = ["COMMAND"]

_SAME = 0
_DIFFERENT = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("before", metavar="A", help="a NAME.dumpfilt folder or zip, as a rule the older run")
    parser.add_argument("after", metavar="B", help="the other one")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")


def run(arguments: argparse.Namespace) -> int:
    comparison = compare(sum_up_watched(arguments.before), sum_up_watched(arguments.after))
    render = comparison_json if arguments.format == "json" else render_comparison
    console.show(render(comparison))
    return _DIFFERENT if comparison.differences else _SAME


COMMAND = Command(
    name="diff",
    summary="what differs between two recordings: builds, calls, statuses, findings, MDLs",
    description=(
        "Hold two recordings against each other, as two runs of a filter on two builds of Windows: verdict "
        "and findings by rule, target and filter build, options, callbacks, calls, statuses, MdlFlags, "
        "transfers, FILTER_INITIALIZATION_DATA, FILTER_EXTENSION, bug checks, and how they ended. Only what "
        "differs is printed. Not compared is what differs in every run: times, addresses, contents of pages. "
        "Exit code, as of diff: 0 where nothing differs, 1 where something does, 2 where a recording cannot "
        "be read."
    ),
    add_arguments=add_arguments,
    run=run,
    examples=(
        "  dumpfilt diff good-19041.dumpfilt bad-22621.dumpfilt\n"
        "  dumpfilt diff good.dumpfilt.zip bad.dumpfilt --format json\n"
    ),
)
