"""``stop``: disarm, close the recording, give the verdict."""

import argparse

from ..checking import Report
from ..reports import Link, show_command, text_lines
from ..trace import active_session
from . import console
from ._checking import check_watched
from ._command import Command
from ._describe import describe_calls

__all__ = ["COMMAND"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(arguments: argparse.Namespace) -> int:
    session = active_session()
    before = session.status()
    status = session.stop("stopped by the user")
    if before.armed:
        done = f"disarmed: {before.breakpoints} breakpoints taken out, no breakpoint of ours is left"
    else:
        done = "it was stopped before: no breakpoint of ours is left"
    console.show("\n".join([done, *describe_calls(status)]))
    result = check_watched(session.path)
    program = console.program_name()
    lines = text_lines(Report((result,)), program)
    lines += [[""], ["all calls: ", Link(show_command(str(session.path), program=program))]]
    lines += [[f"recording: {session.path}"]]
    console.show_lines(lines)
    return result.exit_code


COMMAND = Command(
    name="stop",
    summary="disarm, close the recording and print the verdict (inside WinDbg)",
    description=(
        "Take out every breakpoint of ours and no other, close the recording, and judge it. The target stays "
        "as it is: type g to let it go on. Exit code as for check."
    ),
    add_arguments=add_arguments,
    run=run,
    examples="  !py -g -m pykd_dumpfilt stop\n",
)
