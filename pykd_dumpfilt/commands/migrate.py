"""``migrate``: a recording of an older format in this one."""

import argparse

from ..handling import migrate
from ..reports import migrated_text
from . import console
from ._checking import watched
from ._command import Command

__all__ = ["COMMAND"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "recording", metavar="RECORDING", help="a NAME.dumpfilt folder or zip; it stays as it is"
    )
    parser.add_argument(
        "-o", "--output", metavar="NEW", required=True, help="recording to make; never overwritten"
    )


def run(arguments: argparse.Namespace) -> int:
    with watched(f"migrating {arguments.recording}") as tell:
        migrated = migrate(arguments.recording, arguments.output, tell)
    console.show(migrated_text(migrated, arguments.recording))
    return 0


COMMAND = Command(
    name="migrate",
    summary="rewrite a recording of an older format version in the current one",
    description=(
        "Write a recording of an older format version anew in the current one, whole or not at all. No "
        "command needs this: each reads every older version by itself. Header and footer keep what they say. "
        "Of a damaged recording, what can be read is written, and the new one does not look whole either: "
        "calls count as lost, with the damage as the reason, or the footer is left out where the old one has "
        "none. Where the recording is of the current version nothing is written. Exit code: 0, or 2 where "
        "the recording cannot be read or the new one cannot be written."
    ),
    add_arguments=add_arguments,
    run=run,
    examples=(
        "  dumpfilt info old.dumpfilt                         says its format version\n"
        "  dumpfilt migrate old.dumpfilt -o new.dumpfilt\n"
        "  dumpfilt migrate old.dumpfilt.zip -o new.dumpfilt\n"
    ),
)
