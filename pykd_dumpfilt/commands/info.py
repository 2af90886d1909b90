"""``info``: what a recording is."""

import argparse
from typing import List

from ..checking import EXIT_PASS, EXIT_UNREADABLE, Unreadable
from ..errors import DumpfiltError
from ..handling import Summary
from ..reports import render_summaries, summaries_json
from . import console
from ._checking import sum_up_watched
from ._command import Command

__all__ = ["COMMAND"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recordings", nargs="+", metavar="RECORDING", help="NAME.dumpfilt folders or zips")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")


def run(arguments: argparse.Namespace) -> int:
    summaries: List[Summary] = []
    unreadable: List[Unreadable] = []
    for path in arguments.recordings:
        try:
            summaries.append(sum_up_watched(path))
        except DumpfiltError as error:
            # One that cannot be read is no reason to keep back what the others are.
            unreadable.append(Unreadable(path, str(error)))
            console.error(str(error))
    if arguments.format == "json":
        console.show(summaries_json(summaries, unreadable))
    elif summaries:
        console.show(render_summaries(summaries))
    return EXIT_UNREADABLE if unreadable else EXIT_PASS


COMMAND = Command(
    name="info",
    summary="what a recording is and holds, and the verdict, in a few lines",
    description=(
        "What a recording is: filter, target, who recorded it and how; size, calls, how much was captured "
        "and in how many distinct pages; whether it is whole; and the verdict, with findings by rule. Exit "
        "code: 0 where every recording can be read, whatever the verdict, else 2; check is what judges."
    ),
    add_arguments=add_arguments,
    run=run,
    examples=(
        "  dumpfilt info run1.dumpfilt\n"
        "  dumpfilt info *.dumpfilt *.dumpfilt.zip\n"
        "  dumpfilt info run1.dumpfilt --format json\n"
    ),
)
