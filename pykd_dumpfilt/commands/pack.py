"""``pack``: a recording in one file."""

import argparse

from ..handling import pack
from ..reports import packed_text
from . import console
from ._command import Command
from ._progress import progress

__all__ = ["COMMAND"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recording", metavar="RECORDING", help="a NAME.dumpfilt folder; it stays as it is")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE.dumpfilt.zip",
        help="the zip to make; an existing file is never overwritten (default: NAME.dumpfilt.zip beside the "
        "folder)",
    )


def run(arguments: argparse.Namespace) -> int:
    with progress(f"packing {arguments.recording}", "MiB") as step:
        packed = pack(
            arguments.recording,
            arguments.output,
            lambda done, total: step(done >> 20, done / total if total else None),
        )
    console.show(packed_text(packed))
    return 0


COMMAND = Command(
    name="pack",
    summary="pack a recording into one file, to keep or to send",
    description=(
        "Pack a recording into a zip, whole or not at all. Every command reads the zip as it reads the "
        "folder (check NAME.dumpfilt.zip), and any unzip tool makes the folder again. The same recording "
        "gives the same bytes. A recording holds memory of the traced machine, and so does its zip, which is "
        "private to you (mode 0600) as the recording is: before you send it, scrub the recording and pack "
        "what is left. A damaged recording is packed as it is, and the damage is told. Exit code: 0, or 2 "
        "where there is no recording or the zip cannot be written."
    ),
    add_arguments=add_arguments,
    run=run,
    examples=(
        "  dumpfilt pack run1.dumpfilt                        makes run1.dumpfilt.zip\n"
        "  dumpfilt pack run1.dumpfilt -o ticket4711.dumpfilt.zip\n"
        "  dumpfilt check run1.dumpfilt.zip                   reads it packed\n"
        "  unzip run1.dumpfilt.zip                            makes run1.dumpfilt again\n"
    ),
)
