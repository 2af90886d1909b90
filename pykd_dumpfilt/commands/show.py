"""``show``: look into a recording."""

import argparse
from pathlib import Path

from ..recording import read_recording
from ..reports import show_call, show_recording
from . import console
from ._command import Command

__all__ = ["COMMAND"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recording", metavar="RECORDING", help="a NAME.dumpfilt folder or zip")
    parser.add_argument(
        "--call", type=int, metavar="N", help="show call N whole: structures, buffer, what changed"
    )
    parser.add_argument("--all", action="store_true", help="with --call: the hexdump of the whole buffer")


def run(arguments: argparse.Namespace) -> int:
    recording = read_recording(Path(arguments.recording))
    if arguments.call is None:
        console.show(show_recording(recording))
    else:
        console.show(show_call(recording, arguments.call, whole=arguments.all))
    return 0


COMMAND = Command(
    name="show",
    summary="look into a recording: its calls, or one call with structures and bytes",
    add_arguments=add_arguments,
    run=run,
    examples=(
        "  dumpfilt show fixtures/aes_xts.dumpfilt\n  dumpfilt show fixtures/aes_xts.dumpfilt --call 7\n"
    ),
)
