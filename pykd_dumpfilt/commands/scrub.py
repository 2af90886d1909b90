"""``scrub``: a recording that can be handed over."""

import argparse
from contextlib import ExitStack
from typing import Dict

from ..checking import Report
from ..recording import Progress
from ..reports import counted, render_text
from ..scrubbing import Scrub, keep_key, new_key, scrub
from . import console
from ._command import Command
from ._progress import Step, progress

__all__ = ["COMMAND"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "recording", metavar="RECORDING", help="a NAME.dumpfilt folder or zip; it is only read"
    )
    parser.add_argument("-o", "--output", metavar="NEW", required=True, help="recording to make")
    parser.add_argument(
        "--key",
        metavar="FILE",
        help="the key to use (16 bytes or more), made there where there is no file: recordings that were "
        "scrubbed by one key can be compared. Keep it to yourself: with it contents can be read again "
        "(default: a key that is thrown away)",
    )


def run(arguments: argparse.Namespace) -> int:
    if arguments.key is None:
        key = new_key()
    else:
        key, made = keep_key(arguments.key)
        if made:
            console.note(f"new key: {arguments.key}. Keep it to yourself: with it contents can be read again")
    with ExitStack() as stack:
        steps: Dict[str, Step] = {}

        def tell(what: str, now: Progress) -> None:
            if what not in steps:
                stack.close()
                steps[what] = stack.enter_context(progress(what, "calls"))
            steps[what](now.calls, now.done / now.total if now.total else None)

        done = scrub(arguments.recording, arguments.output, key, tell)
    console.note(_told(done))
    console.show(render_text(Report((done.result,))))
    return 0


def _told(done: Scrub) -> str:
    counts = done.counts
    lines = [
        f"scrubbed: {done.path}, {counted(counts.pages, 'page')} ({counts.zeros} of zeros); judged as before"
    ]
    if counts.repeating:
        lines.append(
            f"  bytes of {counted(counts.repeating, 'page')} are replaced alike at several places, for equal "
            "pages must stay equal: docs/scrub.md says what that gives away"
        )
    if counts.looks_changed:
        lines.append(
            f"  of {counted(counts.looks_changed, 'page')} it changed whether they look random: pictures of "
            "entropy are not the same there"
        )
    if done.damage:
        lines.append(f"  it was damaged, and the new recording says so: {done.damage[0]}")
    lines.append("  texts were not looked at: read what dumpfilt show tells before you hand it over")
    return "\n".join(lines)


COMMAND = Command(
    name="scrub",
    summary="make a recording that shows the same, without the machine's contents",
    description=(
        "Make a recording that is judged as before and does not hold what the machine's memory held. "
        "Replaced are the bytes of all buffers, XMM registers, general registers that hold data and hashes "
        "of pages. Kept are structures (FILTER_EXTENSION, FILTER_INITIALIZATION_DATA, MDL, offsets), "
        "addresses, page frame numbers, statuses, arguments, names and texts, zero bytes, and which bytes "
        "are equal: they are what is judged. The old recording is not changed. Both are judged and "
        "compared; one that would be judged in another way is not kept. Exit code: 0 made, 2 not made."
    ),
    add_arguments=add_arguments,
    run=run,
    examples=(
        "  dumpfilt scrub run.dumpfilt -o run_to_send\n"
        "  dumpfilt scrub before.dumpfilt -o a --key my.key     the key is made\n"
        "  dumpfilt scrub after.dumpfilt -o b --key my.key      and can be compared with a\n"
    ),
)
