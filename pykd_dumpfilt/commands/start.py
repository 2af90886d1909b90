"""``start``: arm the callbacks of a filter and return to the prompt."""

import argparse
from functools import partial
from pathlib import Path
from typing import Any, Dict, List

from ..debugger import Debugger
from ..errors import RecordingError, UsageError
from ..recording import recording_folder
from ..trace import (
    Limits,
    Location,
    Session,
    Sink,
    Tracer,
    bug_check_break,
    default_recording_name,
    dump_stack_modules,
    knows_crashdmp,
    parse_callback_option,
    plain_name,
    start_session,
)
from . import _tracing, console
from ._command import Command
from ._describe import describe_copies
from ._next import describe_next, describe_sightings
from ._print_pykd import start_script
from ._watching import Watcher, add_watch_arguments

__all__ = [
    "COMMAND",
    "add_arguments",
    "add_around_argument",
    "add_callback_argument",
    "callback_locations",
    "trace_options",
]

_MAX_AROUND = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "module",
        nargs="?",
        help="the driver's plain name: aes_xts finds dump_aes_xts and hiber_aes_xts. Without it, start lists "
        "the filters that it sees loaded, and arms nothing",
    )
    parser.add_argument(
        "-o", "--output", metavar="DIR", help="recording to make (default: NAME-TIME.dumpfilt here)"
    )
    add_callback_argument(parser)
    add_around_argument(parser, 0)
    parser.add_argument(
        "--max-pages",
        type=int,
        default=Limits().pages,
        metavar="N",
        help="pages of one buffer to keep at most (default %(default)s)",
    )
    _tracing.add_arguments(parser)
    parser.add_argument(
        "--budget",
        type=float,
        metavar="SECONDS",
        help="do not begin if the forecast is longer, and end the trace so long after the first transfer",
    )
    parser.add_argument(
        "--expect",
        metavar="SIZE",
        help="how much will be written, for the forecast: 2G, 800M (default: all of the target's memory)",
    )
    add_watch_arguments(parser)
    parser.add_argument(
        "--print-pykd",
        action="store_true",
        help="print what would be done, as commands of WinDbg and as a script of pykd, and do none of it",
    )


def add_callback_argument(parser: argparse.ArgumentParser) -> None:
    """``--callback``, for every command that traces."""
    parser.add_argument(
        "--callback",
        action="append",
        default=[],
        metavar="ROLE=WHERE",
        help="where a callback is, when neither symbols nor DriverEntry tell: read=fffff800`12345678, "
        "read=+0x1200 (offset in the image) or read=MyRead (symbol); start, write, read, finish, unload",
    )


def add_around_argument(parser: argparse.ArgumentParser, default: int) -> None:
    """``--around``, for every command that traces."""
    parser.add_argument(
        "--around",
        type=int,
        choices=range(_MAX_AROUND + 1),
        default=default,
        metavar="N",
        help="also keep N pages before each buffer and N behind it, to see what is written past its ends; "
        f"over a wire each costs as much as a page of the buffer (0 to {_MAX_AROUND}, default %(default)s)",
    )


def callback_locations(options: List[str]) -> Dict[str, Location]:
    """The ``--callback`` options by callback name."""
    return dict(parse_callback_option(option) for option in options)


def trace_options(arguments: argparse.Namespace) -> Dict[str, Any]:
    """The options as :class:`~pykd_dumpfilt.trace.Session` takes them, by name.

    Raises:
        UsageError: one of them makes no sense.
    """
    if arguments.max_pages < 1:
        raise UsageError("--max-pages must be at least 1")
    return {
        "callbacks": callback_locations(arguments.callback),
        "limits": Limits(pages=arguments.max_pages, around=arguments.around),
        "hardware": arguments.hardware,
        "selection": _tracing.selection(arguments, arguments.budget),
    }


def _tell_end(reason: str) -> None:
    console.note(f"dumpfilt: tracing has ended: {reason}. {console.program_name()} stop gives the verdict")


def _tell_failure(failure: str) -> None:
    console.note(f"dumpfilt: RECORDING FAILED: {failure}; the target goes on, and what it does is lost")


def _make_tracer(name: str, options: Dict[str, Any], debugger: Debugger, sink: Sink) -> Tracer:
    return Tracer(debugger, name, sink, **options)


def run(arguments: argparse.Namespace) -> int:
    options = trace_options(arguments)
    expected = None if arguments.expect is None else _tracing.size(arguments.expect)
    # Only now: without pykd the error says what else can be done.
    from ..debugger.pykd_debugger import PykdDebugger, status_message

    debugger = PykdDebugger()
    if not knows_crashdmp(debugger.modules()):
        # What --print-pykd prints is a script.
        console.show(
            ("# " if arguments.print_pykd else "")
            + "the debugger has not listed the target's modules yet: .reload (on a slow line, a while)"
        )
        debugger.reload_modules()
    if arguments.module is None:
        console.show("\n".join(describe_sightings(dump_stack_modules(debugger))))
        return 0
    if arguments.print_pykd:
        name = plain_name(arguments.module)
        console.show(start_script(name, debugger, partial(_make_tracer, name, options)))
        return 0
    output = Path(arguments.output or default_recording_name(plain_name(arguments.module))).absolute()

    costs: List[str] = []

    def session() -> Session:
        costs.extend(_tracing.describe_forecast(debugger, options["selection"], expected))
        watcher = Watcher(
            plain_name(arguments.module),
            debugger.machine,
            recording_folder(output),
            arguments.verbose,
            status_message,
        )
        return Session(
            debugger,
            arguments.module,
            output,
            observer=watcher,
            on_end=_tell_end,
            on_failure=_tell_failure,
            **options,
        )

    try:
        started = start_session(session)
    except RecordingError as error:
        if arguments.output is None:
            raise RecordingError(f"{error}: -o DIR") from error
        raise
    status = started.status()
    lines = [f"recording to {started.path}", *describe_copies(status), *costs]
    lines += describe_next(status, bug_check_break(debugger))
    program = console.program_name()
    lines.append(f"Type g. Later: {program} status, and {program} stop for the verdict.")
    console.show("\n".join(lines))
    return 0


COMMAND = Command(
    name="start",
    summary="arm a filter's callbacks (inside WinDbg) and return to the prompt",
    description=(
        "Arm a filter's callbacks and return to the prompt. Copies that are loaded are armed now, and copies "
        "that come later (hiber_ when hibernation starts) are armed when they come. It works at any time: "
        "before a copy is loaded, on a running machine, at the break of a bug check, after a resume. No "
        "symbols are needed: a copy that loads later shows its callbacks in DriverEntry, and those of a "
        "loaded one are found in memory, if they can be. You keep the debugger: type g when you are ready."
    ),
    add_arguments=add_arguments,
    run=run,
    examples=(
        "  !py -g -m pykd_dumpfilt start\n"
        "  !py -g -m pykd_dumpfilt start myfilter\n"
        "  !py -g -m pykd_dumpfilt start myfilter -o C:\\traces\\run1 --callback read=+0x1200\n"
        "  !py -g -m pykd_dumpfilt start myfilter --budget 600 --expect 2G\n"
        "  !py -g -m pykd_dumpfilt start myfilter --every 20 --data after\n"
    ),
)
