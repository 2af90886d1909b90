"""Which recordings are at a path. By their names only: nothing is read."""

import glob
import os
from pathlib import Path
from typing import Dict, Iterable, Iterator, List

from ..errors import UsageError
from ..recording import CALLS_NAME, SUFFIX

__all__ = ["find_recordings", "is_recording", "matching", "shown_path", "without_doubles"]

_ZIP = SUFFIX + ".zip"


def is_recording(path: Path) -> bool:
    """Whether there is something at ``path`` that is one by its name, or by what a folder holds."""
    if path.name.endswith(_ZIP):
        return path.is_file()
    return path.is_dir() and (path.name.endswith(SUFFIX) or (path / CALLS_NAME).is_file())


def find_recordings(path: Path) -> List[Path]:
    """The recording at ``path``, or all below it, sorted; folders whose names begin with a dot are left out.

    Raises:
        UsageError: there is none.
    """
    if not path.exists():
        longer = path.with_name(path.name + SUFFIX)
        if not path.name or not longer.exists():
            raise UsageError(f"no recording at {path}: no such file or folder")
        path = longer
    if is_recording(path):
        return [path]
    found = sorted(_below(path)) if path.is_dir() else []
    if not found:
        where = f"in {path}, nor below it" if path.is_dir() else f"at {path}"
        raise UsageError(f"no recording {where}: that is a folder NAME{SUFFIX} or a file NAME{_ZIP}")
    return found


def matching(pattern: str, root: Path) -> List[Path]:
    """The recordings that a pattern matches, sorted; ``**`` is any number of folders."""
    names = glob.glob(os.path.join(glob.escape(str(root)), pattern), recursive=True)  # noqa: PTH118, PTH207
    return sorted({path for path in map(Path, map(os.path.normpath, names)) if is_recording(path)})


def without_doubles(paths: Iterable[Path]) -> List[Path]:
    """Each recording once, under the name that it has first."""
    found: Dict[str, Path] = {}
    for path in paths:
        found.setdefault(os.path.realpath(path), path)
    return list(found.values())


def shown_path(path: Path, base: Path) -> str:
    """A path for people and for ids: relative to ``base`` where it is below, with forward slashes."""
    whole = Path(os.path.normpath(path))
    try:
        return whole.relative_to(base).as_posix()
    except ValueError:
        return whole.as_posix()


def _below(folder: Path) -> Iterator[Path]:
    for at, folders, files in os.walk(folder):
        base = Path(at)
        here = [name for name in folders if not name.startswith(".")]
        recordings = [name for name in [*here, *files] if is_recording(base / name)]
        yield from (base / name for name in recordings)
        folders[:] = [name for name in here if name not in recordings]
