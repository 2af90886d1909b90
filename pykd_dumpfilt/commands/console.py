"""Printing for people, inside WinDbg and out."""

import os
import stat
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Iterator, Optional

from ..errors import UsageError

__all__ = ["deliver", "error", "in_windbg", "note", "program_name", "progress", "require_writable", "show"]

# pykd cuts a single write of more than about 16,383 characters without a word.
_CHUNK = 15_000
_PROGRESS_SECONDS = 0.5


def in_windbg() -> bool:
    """Whether we run under ``!py``: pykd's output object has writedml, nothing else does."""
    return hasattr(sys.stdout, "writedml")


def program_name() -> str:
    """How the user calls us here."""
    return "!py -g -m pykd_dumpfilt" if in_windbg() else "dumpfilt"


def show(text: str) -> None:
    """Print text of any length, in few writes: each is a call into the debugger's engine."""
    chunk = ""
    for line in (text + "\n").splitlines(keepends=True):
        while len(line) > _CHUNK:
            sys.stdout.write(chunk + line[: _CHUNK - len(chunk)])
            line, chunk = line[_CHUNK - len(chunk) :], ""
        if len(chunk) + len(line) > _CHUNK:
            sys.stdout.write(chunk)
            chunk = ""
        chunk += line
    sys.stdout.write(chunk)


def note(text: str) -> None:
    """Say something beside the result (progress, where a file went), where it cannot spoil a pipe."""
    stream = sys.stdout if in_windbg() else sys.stderr
    stream.write(text + "\n")
    stream.flush()


def error(text: str) -> None:
    """Say what is wrong and what to do."""
    note(f"dumpfilt: error: {text}")


@contextmanager
def progress(what: str, unit: str) -> Iterator[Callable[[int], None]]:
    """A counter on the terminal for what may take long; nothing where nobody watches (CI, a pipe, WinDbg)."""
    watched = not in_windbg() and sys.stderr.isatty()
    shown = 0.0

    def step(count: int) -> None:
        nonlocal shown
        now = time.monotonic()
        if watched and now - shown >= _PROGRESS_SECONDS:
            shown = now
            sys.stderr.write(f"\r{what}: {count} {unit}")
            sys.stderr.flush()

    # Short work shows nothing at all.
    shown = time.monotonic()
    try:
        yield step
    finally:
        if watched:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def require_writable(path: str) -> None:
    """Find out now whether :func:`deliver` could write there later.

    Raises:
        UsageError: it could not.
    """
    target = Path(os.path.realpath(path))
    if not path or target.is_dir():
        raise UsageError(f"cannot write {path or 'a report'}: name a file, not a folder")
    if not target.parent.is_dir():
        raise UsageError(f"cannot write {path}: there is no folder {target.parent}")
    needed = [target] if target.exists() else []
    if not _is_special(target):
        needed.append(target.parent)
    for one in needed:
        if not os.access(str(one), os.W_OK):
            raise UsageError(f"cannot write {path}: permission denied for {one}")


def deliver(text: str, path: Optional[str]) -> None:
    """Write a report to a file, or print it. The file is written whole or not at all: what was there before
    stays until all of the new one is on disk.

    Raises:
        UsageError: the file cannot be written.
    """
    if path is None:
        show(text)
        return
    require_writable(path)
    try:
        _replace(Path(os.path.realpath(path)), text + "\n")
    except OSError as problem:
        raise UsageError(f"cannot write {path}: {problem.strerror or problem}") from problem
    note(f"written: {path}")


def _replace(target: Path, text: str) -> None:
    if _is_special(target):
        target.write_text(text, encoding="utf-8")
        return
    # Not mkstemp: a report is readable as any file its user makes, by the umask.
    fresh = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with fresh.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            fresh.chmod(stat.S_IMODE(target.stat().st_mode))
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)


def _is_special(target: Path) -> bool:
    """A pipe or a device, which is written to and must not be replaced."""
    return target.exists() and not target.is_file()
