"""How much memory a recording holds, and in how little."""

import hashlib
from dataclasses import dataclass
from typing import Iterator, Optional

from ..recording import PAGE_SIZE, Buffer, Call, Record, Recording

__all__ = ["Measure", "Volume"]

_ZEROS = hashlib.blake2b(bytes(PAGE_SIZE), digest_size=16).digest()


@dataclass(frozen=True)
class Volume:
    """What the calls that could be read captured.

    Attributes:
        captured: bytes of all buffers, at entry and at return.
        unread: pages of them that could not be read.
        named: pages that they consist of, each as often as a buffer names it.
        distinct: pages in pages.bin that hold them.
        zeros: how many of ``named`` hold nothing but zeros.
    """

    captured: int
    unread: int
    named: int
    distinct: int
    zeros: int

    @property
    def ratio(self) -> float:
        """How many times a distinct page is named, on average; 0 where there is none."""
        return self.named / self.distinct if self.distinct else 0.0


class Measure:
    """Measures records as they come out of ``recording``."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._captured = self._unread = self._named = self._zeros = 0
        self._zero: Optional[int] = None
        self._known = 0

    def feed(self, record: Record) -> None:
        """Take the next record."""
        if not isinstance(record, Call):
            return
        self._look_for_zeros()
        for buffer in _buffers(record):
            unread = buffer.pages.count(None)
            self._captured += buffer.size
            self._unread += unread
            self._named += len(buffer.pages) - unread
            if self._zero is not None:
                self._zeros += buffer.pages.count(self._zero)

    def volume(self) -> Volume:
        """Of the records so far."""
        return Volume(self._captured, self._unread, self._named, self._recording.pages, self._zeros)

    def _look_for_zeros(self) -> None:
        # A page comes with or before the first line that names it, and each content comes once.
        while self._known < self._recording.pages:
            if self._zero is None and self._recording.page_digest(self._known) == _ZEROS:
                self._zero = self._known
            self._known += 1


def _buffers(call: Call) -> Iterator[Buffer]:
    for side in (call.entry, call.exit):
        if side is not None:
            yield from side.buffers
            yield from side.source
            yield from side.around
