"""``check``: judge recordings."""

import argparse
from pathlib import Path

from ..checking import check, overall_exit_code
from ..reports import render_json, render_text
from . import console
from ._command import Command

__all__ = ["COMMAND"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recordings", nargs="+", metavar="RECORDING", help="NAME.dumpfilt folders")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the report there (default: print it)")


def run(arguments: argparse.Namespace) -> int:
    results = [check(Path(path)) for path in arguments.recordings]
    text = render_json(results) if arguments.format == "json" else render_text(results)
    console.deliver(text, arguments.output)
    return overall_exit_code(results)


COMMAND = Command(
    name="check",
    summary="judge recordings by the rules",
    description=(
        "Judge recordings by the rules. Exit code: 0 pass, 1 fail, 2 usage or unreadable input, 3 nothing "
        "failed but something is incomplete or was not exercised."
    ),
    add_arguments=add_arguments,
    run=run,
    examples=(
        "  dumpfilt check fixtures/aes_xts.dumpfilt\n"
        "  dumpfilt check *.dumpfilt --format json -o report.json\n"
    ),
)
