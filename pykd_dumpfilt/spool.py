"""Bytes that are put aside while a recording is read: in memory while they are few, then on disk.

What a check must remember of a recording (digests of pages, which pages went to which disk offset) grows with
the recording, and so does what a packed one is unpacked to. Here it takes 4 MiB of memory at most, and the
rest goes to a temporary file. That file has no name on POSIX, and on Windows the system deletes it with its
last handle: however the process ends, nothing is left.
"""

import errno
import shutil
import sys
import tempfile
import weakref
from typing import IO, Optional

from .errors import SpoolError

__all__ = ["Spool"]

_IN_MEMORY = 4 * 2**20
_TAIL = 2**16
_BLOCK = 2**14


class Spool:
    """Bytes by position. They are only added to, and read back at any place."""

    def __init__(self) -> None:
        self._file: Optional[IO[bytes]] = None
        self._in_file = 0
        self._tail = bytearray()
        # What was read last: most readers go on where they stopped.
        self._block = b""
        self._block_at = 0

    def __len__(self) -> int:
        return self._in_file + len(self._tail)

    def expect(self, size: int) -> None:
        """Find out now whether there is room for ``size`` bytes more, before they are made.

        Raises:
            SpoolError: there is not.
        """
        if len(self) + size <= _IN_MEMORY:
            return
        try:
            free = shutil.disk_usage(tempfile.gettempdir()).free
        except OSError:
            # Then writing will tell.
            return
        if size > free:
            raise _failed(OSError(errno.ENOSPC, f"{size:,} bytes are needed, and {free:,} are free"))

    def append(self, data: bytes) -> int:
        """Put bytes aside; returns where they begin.

        Raises:
            SpoolError: the disk for temporary files does not take them.
        """
        at = self._in_file + len(self._tail)
        self._tail += data
        if len(self._tail) > (_IN_MEMORY if self._file is None else _TAIL):
            self._spill()
        return at

    def read(self, at: int, size: int) -> bytes:
        """The ``size`` bytes at a position; fewer where there are no more.

        Raises:
            SpoolError: the temporary file cannot be read.
        """
        start = at - self._block_at
        if start >= 0 and start + size <= len(self._block):
            return self._block[start : start + size]
        if at >= self._in_file:
            start = at - self._in_file
            return bytes(self._tail[start : start + size])
        if at + size > self._in_file:
            first = self._in_file - at
            return self.read(at, first) + self.read(self._in_file, size - first)
        self._block = self._from_file(at, max(size, min(_BLOCK, self._in_file - at)))
        self._block_at = at
        return self._block[:size]

    def _spill(self) -> None:
        try:
            if self._file is None:
                # Closed when nobody holds the spool any more.
                self._file = tempfile.TemporaryFile(buffering=0, prefix="dumpfilt-")  # noqa: SIM115
                weakref.finalize(self, self._file.close)
            self._file.seek(self._in_file)
            # Views are given back on errors too: who keeps the error would keep them, and bytes that are
            # viewed cannot grow.
            with memoryview(self._tail) as tail:
                done = 0
                while done < len(tail):
                    with tail[done:] as rest:
                        written = self._file.write(rest)
                    if not written:
                        raise OSError("the system took no bytes")
                    done += written
        except OSError as error:
            raise _failed(error) from error
        self._in_file += len(self._tail)
        self._tail = bytearray()

    def _from_file(self, at: int, size: int) -> bytes:
        assert self._file is not None
        found = b""
        try:
            self._file.seek(at)
            while len(found) < size:
                part = self._file.read(size - len(found))
                if not part:
                    raise OSError("it is shorter than what was written to it")
                found = found + part if found else part
        except OSError as error:
            raise _failed(error) from error
        return found


def _failed(error: OSError) -> SpoolError:
    variable = "TEMP" if sys.platform == "win32" else "TMPDIR"
    try:
        where = f"in {tempfile.gettempdir()}"
    except OSError:
        where = "anywhere"
    return SpoolError(
        f"cannot keep temporary data {where}: {error.strerror or error}. A packed recording is "
        "unpacked to there; what is remembered of a large one goes there too, mostly a tenth of the size of "
        "its calls.jsonl and never more than three times that size; "
        f"make room, or set the environment variable {variable} to a folder that has some"
    )
