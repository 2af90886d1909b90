"""Rewriting a recording of an older format in this one.

Readers read every older format by themselves. Migrating is for those who keep recordings longer than tools,
or have other programs that read them.
"""

import os
from array import array
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable, Dict, List, Optional, Tuple, Union

from ..errors import RecordingError
from ..fresh import FreshFolder
from ..recording import (
    CURRENT,
    Buffer,
    Call,
    Progress,
    Record,
    Recording,
    RecordingWriter,
    Side,
    Versions,
    read_recording,
    recording_folder,
)

__all__ = ["Migrated", "migrate"]

_EVERY = 256
_UNKNOWN = 2**64 - 1
_MAX_REASON = 1000


@dataclass(frozen=True)
class Migrated:
    """What became of a recording.

    Attributes:
        path: the new recording; None where there was nothing to do.
        version: the format version that the old one is written in.
        calls: calls in the new recording.
        damage: what is missing or wrong in the old one, as sentences. The new one then does not look whole
            either: its footer counts calls that are lost, or it has none.
    """

    path: Optional[Path]
    version: int
    calls: int
    damage: Tuple[str, ...]


def migrate(
    path: "Union[str, os.PathLike[str]]",
    output: "Union[str, os.PathLike[str]]",
    progress: Optional[Callable[[Progress], None]] = None,
    versions: Versions = CURRENT,
) -> Migrated:
    """Write a recording anew in the current format, whole or not at all.

    Header and footer keep what they say: who recorded it and when, why it ended, what was lost and left out.
    The bytes of both old files are held against their digests first, as far as the footer has any, so that
    damage cannot get lost by being digested anew. What can be read of a damaged recording is written; a page
    that cannot is one that could not be read, and says why.

    Args:
        path: the recording's folder, or the zip that it is packed in.
        output: the new recording's folder; ".dumpfilt" is appended where it is missing.
        progress: called now and then with how far it has come, and at the end.
        versions: the formats to read.

    Raises:
        RecordingError: there is no recording, it cannot be read, or the new one cannot be written.
        SpoolError: there is no room for temporary data.
        UsageError: there is already something where the new one is to be, or no folder for it.
    """
    with read_recording(path, versions, progress) as recording:
        if recording.version == versions.current:
            return Migrated(None, recording.version, 0, ())
        target = recording_folder(output)
        with FreshFolder(target) as fresh:
            writer = RecordingWriter(fresh.path, recording.header)
            try:
                _Copy(recording, writer).run(progress)
                damage = tuple(recording.verify())
                _finish(recording, writer, damage)
            finally:
                # Without a footer where something went wrong.
                writer.abandon()
            fresh.keep()
        return Migrated(target, recording.version, writer.calls, damage)


class _Copy:
    """Records on their way from one recording to the other, whose pages may get other numbers."""

    def __init__(self, recording: Recording, writer: RecordingWriter) -> None:
        self._recording = recording
        self._writer = writer
        self._numbers = array("Q")
        self._damaged: Dict[int, str] = {}

    def run(self, progress: Optional[Callable[[Progress], None]]) -> None:
        for number, record in enumerate(self._recording, 1):
            self._take_pages()
            self._writer.write(self._moved(record))
            if progress is not None and number % _EVERY == 0:
                progress(self._recording.progress)
        if progress is not None:
            progress(self._recording.progress)

    def _take_pages(self) -> None:
        """All that came since, in their order: where none is damaged, each keeps its number."""
        while len(self._numbers) < self._recording.pages:
            try:
                number = self._writer.put(self._recording.page(len(self._numbers)))
            except RecordingError:
                if self._writer.failure is not None:
                    raise
                number = _UNKNOWN
            self._numbers.append(number)

    def _moved(self, record: Record) -> Record:
        if not isinstance(record, Call):
            return record
        return replace(
            record,
            entry=self._side(record.entry),
            exit=None if record.exit is None else self._side(record.exit),
        )

    def _side(self, side: Side) -> Side:
        return replace(
            side,
            buffers=tuple(map(self._buffer, side.buffers)),
            source=tuple(map(self._buffer, side.source)),
            around=tuple(map(self._buffer, side.around)),
        )

    def _buffer(self, buffer: Buffer) -> Buffer:
        pages: List[Optional[int]] = []
        unreadable = dict(buffer.unreadable)
        for index, page in enumerate(buffer.pages):
            number = _UNKNOWN if page is None else self._numbers[page]
            pages.append(None if number == _UNKNOWN else number)
            if page is not None and number == _UNKNOWN:
                unreadable[index] = f"page {page} was damaged in the recording that this one was made from"
        return replace(buffer, pages=tuple(pages), unreadable=unreadable)


def _finish(recording: Recording, writer: RecordingWriter, damage: Tuple[str, ...]) -> None:
    footer = recording.footer
    if footer is None:
        # As it was: nobody knows how much is missing.
        return
    reason, lost = footer.reason, footer.lost
    if damage:
        told = "; ".join(damage)
        reason = f"{reason}; made from a damaged recording of format version {recording.version}: {told}"
        # At least one, for a recording that lost something must not look whole.
        lost += max(1, footer.calls - writer.calls)
    writer.close(
        reason if len(reason) <= _MAX_REASON else reason[:_MAX_REASON] + "...", lost, footer.left_out
    )
