"""Printing for people, inside WinDbg and out."""

import sys
from pathlib import Path
from typing import Optional

from ..errors import UsageError

__all__ = ["deliver", "error", "in_windbg", "note", "program_name", "show"]

# pykd cuts a single write of more than about 16,383 characters without a word.
_CHUNK = 15_000


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


def deliver(text: str, path: Optional[str]) -> None:
    """Write a report to a file, or print it.

    Raises:
        UsageError: the file cannot be written.
    """
    if path is None:
        show(text)
        return
    try:
        Path(path).write_text(text + "\n", encoding="utf-8")
    except OSError as problem:
        raise UsageError(f"cannot write {path}: {problem.strerror}") from problem
    note(f"written: {path}")
