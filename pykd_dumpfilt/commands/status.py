"""``status``: what is armed and what has been seen."""

import argparse

from ..trace import active_session
from . import console
from ._command import Command
from ._describe import describe_calls, describe_copies

__all__ = ["COMMAND"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(arguments: argparse.Namespace) -> int:
    session = active_session()
    status = session.status()
    state = f"armed, {status.breakpoints} breakpoints" if status.armed else "stopped"
    lines = [f"{status.filter}: {state}", *describe_copies(status), *describe_calls(status)]
    lines.append(f"recording: {session.path}")
    console.show("\n".join(lines))
    return 0


COMMAND = Command(
    name="status",
    summary="what is armed and what has been seen so far (inside WinDbg)",
    add_arguments=add_arguments,
    run=run,
    examples="  !py -g -m pykd_dumpfilt status\n",
)
