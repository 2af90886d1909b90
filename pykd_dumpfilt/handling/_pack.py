"""Packing a recording into one file, to keep or to send."""

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Callable, Dict, Optional, Tuple, Union

from ..errors import RecordingError, UsageError
from ..fresh import FreshFile
from ..recording import CALLS_NAME, Recording, read_recording, recording_folder

__all__ = ["Packed", "pack"]

_CHUNK = 1024 * 1024
_EVERY = 256
# The earliest that a zip can say: the same recording gives the same bytes whenever it is packed.
_WHEN = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_PRIVATE = 0o100600 << 16


@dataclass(frozen=True)
class Packed:
    """What was made.

    Attributes:
        path: the zip.
        before: bytes of the recording's files.
        after: bytes of the zip.
        damage: what is missing or wrong in the recording, as sentences; it is the same in the zip.
    """

    path: Path
    before: int
    after: int
    damage: Tuple[str, ...]


def pack(
    path: "Union[str, os.PathLike[str]]",
    output: "Union[str, os.PathLike[str], None]" = None,
    progress: Optional[Callable[[int, int], None]] = None,
) -> Packed:
    """Pack a recording's files, as they are, into a zip.

    The zip is there whole or not at all, for its owner alone (mode 0600), and the same recording gives the
    same bytes. Any tool unpacks it to the recording's folder.

    Args:
        path: the recording's folder.
        output: the zip; by default beside the folder, with its name and ".zip".
        progress: called with how many bytes are done, and of how many.

    Raises:
        RecordingError: there is no recording, or the zip cannot be written.
        UsageError: the recording is packed already, or there is something where the zip is to be.
    """
    with read_recording(path) as recording:
        if recording.packed:
            raise UsageError(f"{recording.path} is packed already")
        folder = _folder(recording.path)
        target = folder.with_name(folder.name + ".zip") if output is None else Path(output)
        sizes = recording.sizes()
        work = _Work(sum(sizes.values()) + sizes[CALLS_NAME], progress)
        try:
            with FreshFile(target) as fresh:
                damage = _look(recording, work)
                _write(recording, folder.name, sizes, fresh.file, work)
                fresh.keep()
            after = target.stat().st_size
        except FileExistsError:
            raise UsageError(
                f"{target} already exists, and a recording is never overwritten; choose another name with "
                "-o, or remove it first"
            ) from None
        except OSError as error:
            raise RecordingError(f"cannot write {target}: {error.strerror or error}") from error
        return Packed(target, sum(sizes.values()), after, damage)


class _Work:
    """How much is done."""

    def __init__(self, total: int, progress: Optional[Callable[[int, int], None]]) -> None:
        self.done = 0
        self._total = total
        self._progress = progress

    def reached(self, done: int) -> None:
        self.done = done
        if self._progress is not None:
            self._progress(done, self._total)


def _folder(path: Path) -> Path:
    """The recording's folder by its name, also where the user said "."."""
    return recording_folder(path if path.name not in ("", "..") else Path(os.path.realpath(path)))


def _look(recording: Recording, work: _Work) -> Tuple[str, ...]:
    """What is wrong with it, which takes reading all of its lines."""
    for number, _ in enumerate(recording, 1):
        if number % _EVERY == 0:
            work.reached(recording.progress.done)
    work.reached(recording.progress.done)
    return tuple(recording.damage)


def _write(recording: Recording, folder: str, sizes: Dict[str, int], file: BinaryIO, work: _Work) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, size in sizes.items():
            member = zipfile.ZipInfo(f"{folder}/{name}", _WHEN)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.create_system = _UNIX
            member.external_attr = _PRIVATE
            # Tells zipfile whether it needs the form for files past 4 GiB.
            member.file_size = left = size
            # No more than there was, for a trace may still be writing to it.
            with recording.raw(name) as source, archive.open(member, "w") as packed:
                while left:
                    part = source.read(min(left, _CHUNK))
                    if not part:
                        break
                    packed.write(part)
                    left -= len(part)
                    work.reached(work.done + len(part))
