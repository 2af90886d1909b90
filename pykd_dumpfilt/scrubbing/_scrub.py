"""A recording whose contents are replaced, made from another one."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable, Optional, Tuple, Union

from .. import __version__
from ..checking import CheckResult, check
from ..decoded import DecodedRecording
from ..errors import ScrubError
from ..fresh import FreshFolder
from ..recording import (
    Fault,
    Progress,
    Recording,
    RecordingWriter,
    Scrubbed,
    read_recording,
    recording_folder,
)
from ._contents import Contents, Counts
from ._key import Key
from ._links import Links, usual_phase
from ._permutation import Permutation
from ._records import Records
from ._values import Hashes, Registers
from ._verify import differences

__all__ = ["Scrub", "Tell", "scrub"]

_PROGRESS_EVERY = 64

Tell = Callable[[str, Progress], None]
"""Called now and then with what is being done, and how far it has come."""


@dataclass(frozen=True)
class Scrub:
    """What was done.

    Attributes:
        path: the new recording's folder.
        result: what the rules say of it, which is what they say of the one it was made from.
        counts: of its pages.
        damage: what was wrong with the recording it was made from; the new one says so too.
    """

    path: Path
    result: CheckResult
    counts: Counts
    damage: Tuple[str, ...]


def scrub(
    path: "Union[str, os.PathLike[str]]",
    output: "Union[str, os.PathLike[str]]",
    key: Key,
    tell: Optional[Tell] = None,
) -> Scrub:
    """Make a recording in which contents are replaced and everything that is judged is the same; the one it
    is made from is only read. The new one appears when all is done and compared, or not at all.

    Raises:
        UsageError: there is already something where it is to be, or no folder for it.
        RecordingError: the recording cannot be read, or the new one not be written.
        ScrubError: the new one would be judged in another way than the old one.
        SpoolError: there is no room for temporary data.
    """
    told = tell or _nothing
    folder = recording_folder(output)
    with read_recording(path) as recording, FreshFolder(folder) as fresh:
        counts, damage = _rewrite(recording, fresh.path, key, told)
        result = _compared(recording, fresh.path, bool(damage), told)
        fresh.keep()
    return Scrub(folder, replace(result, path=str(folder)), counts, damage)


def _rewrite(recording: Recording, fresh: Path, key: Key, tell: Tell) -> Tuple[Counts, Tuple[str, ...]]:
    header = recording.header
    decoded = DecodedRecording(recording)
    links = Links(recording, usual_phase(decoded.calls()))
    for number, call in enumerate(decoded):
        links.take(call)
        if number % _PROGRESS_EVERY == 0:
            tell("comparing places", recording.progress)
    links.settle()
    common = key.common(links.common.values())
    scrubbed = Scrubbed(f"pykd-dumpfilt {__version__}", key.fingerprint)
    writer = RecordingWriter(fresh, replace(header, scrubbed=scrubbed))
    try:
        name = f"{header.created} {header.filter}".encode("utf-8", "backslashreplace")
        permutation = Permutation(key.derived(b"pages"), *common)
        contents = Contents(recording, writer, links, permutation, name)
        records = Records(
            decoded.machine,
            recording,
            contents,
            Registers(key.derived(b"registers")),
            Hashes(key.derived(b"hashes")),
        )
        for number, record in enumerate(recording):
            writer.write(records.replaced(record))
            if number % _PROGRESS_EVERY == 0:
                tell("scrubbing", recording.progress)
        damage = tuple(recording.damage)
        for sentence in damage:
            writer.write(Fault("scrubbing a damaged recording", sentence))
        footer = recording.footer
        if footer is not None:
            unread = max(0, footer.calls - writer.calls)
            writer.close(footer.reason, lost=footer.lost + unread, left_out=footer.left_out)
    finally:
        # Without a footer where there was none, and where something went wrong.
        writer.abandon()
    return contents.counts, damage


def _compared(recording: Recording, fresh: Path, damaged: bool, tell: Tell) -> CheckResult:
    before = check(recording.path, lambda now: tell("judging the old recording", now))
    after = check(fresh, lambda now: tell("judging the new recording", now))
    different = differences(before, after, damaged)
    if different:
        raise ScrubError(
            f"{recording.path} cannot be scrubbed: the new recording would not show what it shows, and was "
            f"not kept. {'; '.join(different)}. If a trace still writes to it, end that first (stop); if "
            "not, please report this"
        )
    return after


def _nothing(what: str, now: Progress) -> None:
    pass
