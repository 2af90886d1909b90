"""A file that only grows, and whose content is always a whole number of appended pieces."""

import hashlib
import os
from pathlib import Path

__all__ = ["AppendFile"]


class AppendFile:
    """A new private file, appended to without a buffer of ours: what was appended survives the process.

    Attributes:
        size: bytes appended so far.
        torn: a piece was written in part and could not be cut off again; nothing may be appended then.
    """

    def __init__(self, path: Path) -> None:
        """Raises OSError, also where the file exists."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self.path = path
        self.size = 0
        self.torn = False
        self._sha256 = hashlib.sha256()
        self._fd = os.open(path, flags, 0o600)

    def append(self, data: bytes) -> None:
        """Write all of ``data``, or nothing and raise OSError."""
        view = memoryview(data)
        try:
            done = 0
            while done < len(view):
                written = os.write(self._fd, view[done:])
                if written <= 0:
                    raise OSError("the system took no bytes")
                done += written
            self._sha256.update(data)
            self.size += len(data)
        except BaseException:
            # An interrupt by the user (KeyboardInterrupt) may come at any step here.
            self.cut_back()
            raise

    def cut_back(self) -> None:
        """Cut off what an append that failed has left."""
        try:
            os.ftruncate(self._fd, self.size)
        except OSError:
            self.torn = True

    def read(self, offset: int, size: int) -> bytes:
        """Up to ``size`` bytes from ``offset``; may raise OSError."""
        # Not os.pread(), which Windows lacks. Appending is not disturbed: O_APPEND goes to the end itself.
        os.lseek(self._fd, offset, os.SEEK_SET)
        return os.read(self._fd, size)

    def sha256(self) -> str:
        """Of all that was appended, as hex digits."""
        return self._sha256.hexdigest()

    def sync(self) -> None:
        """Wait until the content is on the disk; may raise OSError."""
        os.fsync(self._fd)

    def close(self) -> None:
        """May raise OSError; a second call does nothing."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)
