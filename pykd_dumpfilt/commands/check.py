"""``check``: judge recordings."""

import argparse
from typing import List

from ..checking import EXIT_FAIL, CheckResult, Report
from ..errors import DumpfiltError
from ..reports import render_json, render_text
from . import console
from ._checking import check_watched
from ._command import Command

__all__ = ["COMMAND"]

EXIT_UNREADABLE = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recordings", nargs="+", metavar="RECORDING", help="NAME.dumpfilt folders")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the report there (default: print it)")


def run(arguments: argparse.Namespace) -> int:
    results: List[CheckResult] = []
    unreadable = False
    for path in arguments.recordings:
        try:
            results.append(check_watched(path))
        except DumpfiltError as error:
            # One that cannot be read is no reason to keep back what the others say.
            unreadable = True
            console.error(str(error))
    report = Report(tuple(results))
    if results or arguments.format != "text":
        text = render_json(report) if arguments.format == "json" else render_text(report)
        console.deliver(text, arguments.output)
    code = report.exit_code
    return EXIT_UNREADABLE if unreadable and code != EXIT_FAIL else code


COMMAND = Command(
    name="check",
    summary="judge recordings by the rules",
    description=(
        "Judge recordings by the rules. Exit code: 0 pass, 1 fail, 2 usage or unreadable input, 3 nothing "
        "failed but something is incomplete or was not exercised. With several recordings: 1 where any "
        "fails, else 2 where any cannot be read, else 3, else 0."
    ),
    add_arguments=add_arguments,
    run=run,
    examples=(
        "  dumpfilt check fixtures/aes_xts.dumpfilt\n"
        "  dumpfilt check *.dumpfilt --format json -o report.json\n"
    ),
)
