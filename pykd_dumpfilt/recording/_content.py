"""The bytes of one of a recording's files, wherever they are: a file, a part of one, or put aside."""

import io
import os
import stat
import weakref
from pathlib import Path
from typing import Optional, Protocol

from ..spool import Spool

__all__ = ["Content", "FileContent", "SpooledContent", "open_regular", "stream"]

_CHUNK = 1024 * 1024
# What a system has of these.
_OPEN = sum(getattr(os, name, 0) for name in ("O_BINARY", "O_NONBLOCK", "O_NOFOLLOW", "O_NOCTTY"))
# Not on Windows.
_PREAD = getattr(os, "pread", None)


class Content(Protocol):
    """Bytes by position."""

    def size(self) -> int:
        """How many there are now; a trace that still runs adds to them. OSError where it is closed."""

    def read(self, offset: int, size: int) -> bytes:
        """The ``size`` bytes from ``offset``; fewer where there are no more. May raise OSError."""

    def close(self) -> None:
        """A second call does nothing."""


def open_regular(path: Path) -> int:
    """A descriptor for reading a file. OSError where it is anything else: a pipe would block, opening a
    device may do something, and a link would let who made the recording choose what is read here."""
    before = os.lstat(path)
    if stat.S_ISLNK(before.st_mode):
        raise OSError(f"{path} is a link, and a link is not followed; put the file itself there")
    if not stat.S_ISREG(before.st_mode):
        raise OSError(f"{path} is not a file")
    fd = os.open(path, os.O_RDONLY | _OPEN)
    if not os.path.samestat(before, os.fstat(fd)):
        # Windows has no O_NOFOLLOW.
        os.close(fd)
        raise OSError(f"{path} was exchanged while it was opened")
    return fd


class FileContent:
    """A file, or the ``size`` bytes of it from ``start``.

    Args:
        fd: a descriptor, which is closed with this (also by the garbage collector).
    """

    def __init__(self, fd: int, start: int = 0, size: Optional[int] = None) -> None:
        self._fd = fd
        self._start = start
        self._limit = size
        self._closer = weakref.finalize(self, os.close, fd)

    def size(self) -> int:
        self._check_open()
        found = max(0, os.fstat(self._fd).st_size - self._start)
        return found if self._limit is None else min(found, self._limit)

    def read(self, offset: int, size: int) -> bytes:
        self._check_open()
        if self._limit is not None:
            size = max(0, min(size, self._limit - offset))
        found: bytes = b""
        if _PREAD is not None:
            found = _PREAD(self._fd, size, self._start + offset)
            if len(found) == size:
                return found
        os.lseek(self._fd, self._start + offset + len(found), os.SEEK_SET)
        while len(found) < size:
            part = os.read(self._fd, size - len(found))
            if not part:
                break
            found = found + part if found else part
        return found

    def close(self) -> None:
        self._fd = -1
        self._closer()

    def _check_open(self) -> None:
        if self._fd < 0:
            raise OSError("it is closed")


class SpooledContent:
    """Bytes that were put aside."""

    def __init__(self, spool: Spool) -> None:
        self._spool: Optional[Spool] = spool

    def size(self) -> int:
        return len(self._open())

    def read(self, offset: int, size: int) -> bytes:
        spool = self._open()
        return spool.read(offset, max(0, min(size, len(spool) - offset)))

    def close(self) -> None:
        # The spool's file goes with the spool.
        self._spool = None

    def _open(self) -> Spool:
        if self._spool is None:
            raise OSError("it is closed")
        return self._spool


class _Stream(io.RawIOBase):
    def __init__(self, content: Content, owned: bool) -> None:
        super().__init__()
        self._content = content
        self._owned = owned
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at}
        self._at = max(0, offset + (base[whence] if whence in base else self._content.size()))
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        found = self._content.read(self._at, len(buffer))
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)

    def close(self) -> None:
        if self._owned and not self.closed:
            self._content.close()
        super().close()


def stream(content: Content, owned: bool = False) -> io.BufferedReader:
    """A file object that reads them, with a position of its own. ``owned``: closing it closes them."""
    return io.BufferedReader(_Stream(content, owned), _CHUNK)
