"""``stop``: disarm, close the recording, give the verdict."""

import argparse

from ..checking import Report, check
from ..reports import render_text
from ..trace import active_session
from . import console
from ._command import Command
from ._describe import describe_calls

__all__ = ["COMMAND"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(arguments: argparse.Namespace) -> int:
    session = active_session()
    status = session.stop("stopped by the user")
    console.show("\n".join(["disarmed: no breakpoint of ours is left", *describe_calls(status)]))
    result = check(session.path)
    console.show(render_text(Report((result,))))
    return result.exit_code


COMMAND = Command(
    name="stop",
    summary="disarm, close the recording and print the verdict (inside WinDbg)",
    add_arguments=add_arguments,
    run=run,
    examples="  !py -g -m pykd_dumpfilt stop\n",
)
