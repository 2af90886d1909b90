"""Where a recording's files are: in a folder, or packed in a zip. Readers of recordings see no difference."""

import os
from pathlib import Path
from typing import Callable, List, Optional, Protocol, Union

from ._content import Content, FileContent, open_regular
from ._layout import PACKED_SUFFIX, SUFFIX
from ._zipsource import ZipSource

__all__ = ["Source", "find_recording", "open_source"]


class Source(Protocol):
    """The files of one recording.

    Attributes:
        path: the folder or the zip.
        packed: whether it is a zip.
        damage: what is missing or wrong with the container, as sentences; such a file is given as far as it
            goes.
    """

    path: Path
    packed: bool
    damage: List[str]

    def open(self, name: str) -> Content:
        """One file, opened anew and closed by the caller; OSError where it cannot be read."""

    def place(self, name: str) -> str:
        """Where a file is, for messages."""

    def disk_size(self) -> int:
        """Bytes on disk; may raise OSError."""

    def close(self) -> None:
        """Nothing can be opened after. A second call does nothing."""


class FolderSource:
    """A recording's folder."""

    packed = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damage: List[str] = []

    def open(self, name: str) -> Content:
        return FileContent(open_regular(self.path / name))

    def place(self, name: str) -> str:
        return str(self.path / name)

    def disk_size(self) -> int:
        return sum(entry.stat().st_size for entry in self.path.iterdir() if entry.is_file())

    def close(self) -> None:
        # Each file is opened anew, so there is nothing to let go of.
        pass


def open_source(path: Path, progress: Optional[Callable[[int, int], None]] = None) -> Source:
    """A file is taken for a zip, anything else for a folder.

    Args:
        progress: called while a file is unpacked, with how many bytes of how many are done.

    Raises:
        RecordingError: a zip that holds no recording, or cannot be read.
    """
    # Not Path.is_file(), which raises where the system does not want to tell.
    return ZipSource(path, progress) if os.path.isfile(path) else FolderSource(path)  # noqa: PTH113


def find_recording(path: "Union[str, os.PathLike[str]]") -> Path:
    """The folder or the zip that a user means; the path itself where there is none. The folder comes before
    its zip."""
    named = Path(path)
    if not named.name:
        return named
    endings = [PACKED_SUFFIX[len(SUFFIX) :]] if named.suffix == SUFFIX else [SUFFIX, PACKED_SUFFIX]
    candidates = [named, *(named.with_name(named.name + ending) for ending in endings)]
    return next((one for one in candidates if os.path.exists(one)), named)  # noqa: PTH110
