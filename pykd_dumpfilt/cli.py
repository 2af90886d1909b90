"""The one command line, inside WinDbg and out. Each command is a module of :mod:`pykd_dumpfilt.commands`."""

import argparse
import os
import sys
import textwrap
from pathlib import Path
from typing import List, Optional, Sequence

from . import __version__
from .commands import COMMANDS, console
from .errors import DumpfiltError, is_interrupt

__all__ = ["build_parser", "main"]

EXIT_USAGE = 2
_EXIT_INTERRUPTED = 130


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands; help and documentation come from the same modules."""
    parser = argparse.ArgumentParser(
        prog=console.program_name(),
        description="Trace, record and check Windows crash dump filter drivers.",
        epilog=(
            "first steps:\n"
            "  dumpfilt emulate myfilter.sys -o run     try a driver with no Windows and no debugger\n"
            "  dumpfilt check run.dumpfilt              judge a recording\n"
            "  kd> !py -g -m pykd_dumpfilt start myfilter    trace a live one, inside WinDbg\n"
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"pykd-dumpfilt {__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND")
    for command in COMMANDS:
        sub = commands.add_parser(
            command.name,
            help=command.summary,
            description=textwrap.fill(command.description or command.summary, 79),
            epilog=command.examples and "examples:\n" + command.examples,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(sub)
        sub.set_defaults(run=command.run)
    return parser


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run one command line and return its exit code: 0 pass, 1 fail, 2 usage or unreadable input, 3 nothing
    failed but something is incomplete or was not exercised."""
    _open_closed_streams()
    arguments: List[str] = list(sys.argv[1:] if argv is None else argv)
    if arguments and not any(arguments):
        # pykd.pyd loaded as an extension by itself hands on arguments as empty strings.
        console.error(
            "the arguments arrived empty: pykd.pyd was loaded directly. Load the bootstrapper instead: "
            ".unload pykd, then .load pykd.dll"
        )
        return EXIT_USAGE
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        # A name in a recording may hold what the terminal cannot show; that must not end the report.
        reconfigure(errors="backslashreplace")
    parser = build_parser()
    try:
        parsed = parser.parse_args(arguments)
        if parsed.command is None:
            parser.print_help()
            return EXIT_USAGE
        code: int = parsed.run(parsed)
        console.flush()
    except DumpfiltError as error:
        console.error(str(error))
        return EXIT_USAGE
    except (KeyboardInterrupt, SystemExit) as error:
        if not is_interrupt(error):
            raise
        console.error("interrupted")
        return _EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has seen enough.
        console.give_up(sys.stdout)
        return 0
    return code


def _open_closed_streams() -> None:
    """Where who called us has closed a stream Python has None for it; what goes there is not wanted."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - open to the end
