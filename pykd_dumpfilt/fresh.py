"""What is new is there whole or not at all, and takes nothing else's place."""

import os
import secrets
import shutil
from pathlib import Path
from typing import BinaryIO

from .errors import RecordingError, UsageError

__all__ = ["FreshFile", "FreshFolder", "already_there", "sync_folder"]


def already_there(recording: Path) -> UsageError:
    """What to say where there is already something of a new recording's name."""
    return UsageError(
        f"{recording} already exists, and a recording is never overwritten; choose another name, or remove "
        "it first"
    )


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where the system can."""
    try:
        fd = os.open(folder, os.O_RDONLY)
    except OSError:
        # Windows opens no folders.
        return
    try:
        os.fsync(fd)
    except OSError:
        # Some file systems do not either.
        pass
    finally:
        os.close(fd)


class FreshFile:
    """A new file for its owner alone, under another name until :meth:`keep`; leaving without it removes all.

    Everything here may raise OSError; FileExistsError where ``target`` is there, before anything is written.

    Attributes:
        file: to write to.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._path = _fresh_name(target)
        self.file: BinaryIO
        if os.path.lexists(target):
            raise FileExistsError

    def __enter__(self) -> "FreshFile":
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        self.file = os.fdopen(os.open(self._path, flags, 0o600), "w+b")
        return self

    def keep(self) -> None:
        """All of it is written: give it its name, once it is on the disk."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        try:
            # A link is refused where the name has been taken meanwhile; renaming would replace that file.
            os.link(self._path, self._target)
        except FileExistsError:
            raise
        except OSError:
            # No links on this file system.
            if os.path.lexists(self._target):
                raise FileExistsError from None
            self._path.rename(self._target)
        sync_folder(self._target.parent)

    def __exit__(self, *_: object) -> None:
        try:
            self.file.close()
        except OSError:
            # A full disk tells once more what writing has told.
            pass
        self._path.unlink(missing_ok=True)


class FreshFolder:
    """A recording's new folder, under another name until :meth:`keep`; leaving without it removes all.

    Raises:
        UsageError: there is already something where it is to be, or no folder for it.

    Attributes:
        path: the other name, at which nothing is yet. It hides, and ends as the target does.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self.path = _fresh_name(target)
        self._check_place()

    def __enter__(self) -> "FreshFolder":
        return self

    def keep(self) -> None:
        """All of it is written: give it its name.

        Raises:
            UsageError: the place has been taken meanwhile, or is gone.
            RecordingError: the system refuses.
        """
        self._check_place()
        try:
            self.path.rename(self._target)
        except OSError as error:
            raise RecordingError(f"cannot make {self._target}: {error.strerror or error}") from error
        sync_folder(self._target.parent)

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(str(self.path), ignore_errors=True)

    def _check_place(self) -> None:
        if os.path.lexists(self._target):
            raise already_there(self._target)
        if not self._target.parent.is_dir():
            raise UsageError(f"cannot make {self._target}: there is no folder {self._target.parent}")


def _fresh_name(target: Path) -> Path:
    return target.with_name(f".{secrets.token_hex(4)}.tmp.{target.name}")
