"""Where the lab keeps what takes long to make: a folder outside the repository.

An entry is made in a temporary folder beside its final place, under a lock, and renamed when it is complete:
an entry that exists is whole, also after a run was killed while it was made.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import Callable, Iterator, Optional

__all__ = ["cache_folder", "make_once", "run_folder"]


def cache_folder() -> Path:
    """``DUMPFILT_LAB_CACHE``, else ``pykd-dumpfilt-lab`` in the XDG cache folder; made where missing."""
    given = os.environ.get("DUMPFILT_LAB_CACHE")
    if given:
        folder = Path(given).expanduser()
    else:
        base = os.environ.get("XDG_CACHE_HOME")
        folder = (Path(base) if base else Path.home() / ".cache") / "pykd-dumpfilt-lab"
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def make_once(name: str, build: Callable[[Path], None], cache: Optional[Path] = None) -> Path:
    """The entry ``name`` of the cache, or of another folder; ``build`` fills it, in an empty folder, if it is
    not there yet.

    Runs at the same time wait for each other. What a killed run left half done is removed.
    """
    cache = cache or cache_folder()
    entry = cache / name
    if entry.is_dir():
        return entry
    with _locked(cache / f".{name}.lock"):
        if entry.is_dir():
            return entry
        for stale in cache.glob(f".{name}.*.tmp"):
            shutil.rmtree(str(stale), ignore_errors=True)
        made = Path(tempfile.mkdtemp(prefix=f".{name}.", suffix=".tmp", dir=str(cache)))
        try:
            build(made)
            made.chmod(0o755)
            made.rename(entry)
        except BaseException:
            shutil.rmtree(str(made), ignore_errors=True)
            raise
    return entry


@contextlib.contextmanager
def run_folder() -> Iterator[Path]:
    """A folder for one run, removed at its end; those of runs that were killed are removed on the way."""
    runs = cache_folder() / "runs"
    runs.mkdir(exist_ok=True)
    with _locked(runs / ".lock"):
        for stale in runs.glob("run-*"):
            mine = stale / ".lock"
            with mine.open("w") as file, contextlib.suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(str(stale), ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix="run-", dir=str(runs)))
        lock = (folder / ".lock").open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        shutil.rmtree(str(folder), ignore_errors=True)
        lock.close()


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        # The kernel drops the lock with the process, however that ends.
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
