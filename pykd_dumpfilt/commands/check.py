"""``check``: judge recordings."""

import argparse
from typing import List

from ..checking import CheckResult, Report, Unreadable, use_of_waivers
from ..errors import DumpfiltError
from ..reports import FORMATS, format_for, format_named
from ..rules import load_rules, load_waivers, utc_today
from . import console
from ._checking import check_watched
from ._command import Command
from ._progress import busy

__all__ = ["COMMAND"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    endings = ", ".join(f"{one.endings[0]} {one.name}" for one in FORMATS)
    parser.add_argument("recordings", nargs="+", metavar="RECORDING", help="NAME.dumpfilt folders or zips")
    parser.add_argument(
        "--format",
        choices=[one.name for one in FORMATS],
        help=f"default: what FILE ends on ({endings}), else text",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="write the report there, whole or not at all (default: print it)",
    )
    parser.add_argument("--waivers", metavar="FILE", help="breaches that are accepted for a while (TOML)")
    parser.add_argument(
        "--rules", metavar="FILE", help="rules of your own, beside the others: classes in a Python file"
    )


def run(arguments: argparse.Namespace) -> int:
    chosen = format_named(arguments.format) if arguments.format else format_for(arguments.output or "")
    own = () if arguments.rules is None else load_rules(arguments.rules)
    waivers = load_waivers(arguments.waivers, own) if arguments.waivers is not None else ()
    today = utc_today()
    if arguments.output is not None:
        # Before hours of work, not after.
        console.require_writable(arguments.output)
    results: List[CheckResult] = []
    unreadable: List[Unreadable] = []
    for path in arguments.recordings:
        try:
            results.append(check_watched(path, waivers, today, seal=chosen.sealed, own=own))
        except DumpfiltError as error:
            # One that cannot be read is no reason to keep back what the others say.
            unreadable.append(Unreadable(path, str(error)))
            console.error(str(error))
    report = Report(tuple(results), use_of_waivers(waivers, results, today), tuple(unreadable))
    if results or chosen.name != "text" or arguments.output is not None:
        # HTML goes through the recordings once more, for its pictures.
        with busy(f"making the {chosen.name} report"):
            text = chosen.render(report)
        console.deliver(text, arguments.output)
    return report.exit_code


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
        "  dumpfilt check *.dumpfilt --format json            for programs\n"
        "  dumpfilt check *.dumpfilt -o results.xml           JUnit, for Jenkins and GitLab\n"
        "  dumpfilt check *.dumpfilt -o findings.sarif        for code scanning\n"
        "  dumpfilt check *.dumpfilt -o report.html           to be looked at\n"
        "  dumpfilt check run.dumpfilt -o checklist.md        to be signed\n"
        "  dumpfilt check run.dumpfilt --waivers waivers.toml\n"
        "  dumpfilt check run.dumpfilt --rules our_rules.py\n"
        "\n"
        "a file of waivers (callback and platform may be left out; expires is its last day, UTC):\n"
        "  [[waiver]]\n"
        '  rule = "DF-TRIP-001"\n'
        '  filter = "myfilter"\n'
        '  reason = "The last sector is not encrypted yet: ticket 4711"\n'
        '  owner = "Kim Lee"\n'
        "  expires = 2027-01-31\n"
        '  callback = "Dump_Read"\n'
        '  platform = "19041"\n'
    ),
)
