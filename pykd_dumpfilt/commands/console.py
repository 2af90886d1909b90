"""Printing for people, inside WinDbg and out."""

import os
import stat
import sys
from pathlib import Path
from typing import Callable, Iterable, Iterator, List, Optional, TextIO, Union

from ..errors import UsageError
from ..reports import Line, Link, plain

__all__ = [
    "deliver",
    "error",
    "flush",
    "give_up",
    "in_windbg",
    "note",
    "program_name",
    "require_writable",
    "show",
    "show_lines",
]

# pykd cuts a single write of more than about 16,383 characters without a word, markup included.
_CHUNK = 15_000
_PIECE = 1_000


def in_windbg() -> bool:
    """Whether we run under ``!py``: pykd's output object has writedml, nothing else does."""
    return hasattr(sys.stdout, "writedml")


def program_name() -> str:
    """How the user calls us here."""
    return "!py -g -m pykd_dumpfilt" if in_windbg() else "dumpfilt"


def show(text: str) -> None:
    """Print text of any length, in few writes: each is a call into the debugger's engine.

    Raises:
        UsageError: it cannot be printed.
    """
    _printed(lambda: _write_in_chunks(_pieces(text + "\n"), sys.stdout.write))


def flush() -> None:
    """See to it that what was printed has arrived.

    Raises:
        UsageError: it has not.
    """
    _printed(sys.stdout.flush)


def give_up(stream: Optional[TextIO]) -> None:
    """Let what a stream still holds go nowhere: Python would try again at exit, and complain by exit code."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(null, stream.fileno())  # type: ignore[union-attr]
        finally:
            os.close(null)
    except (AttributeError, OSError, ValueError):
        # It is no file.
        pass


def _printed(action: Callable[[], object]) -> None:
    try:
        action()
    except BrokenPipeError:
        raise
    except OSError as problem:
        give_up(sys.stdout)
        why = problem.strerror or problem
        raise UsageError(f"cannot print: {why}; what was printed is not all of it") from problem


def show_lines(lines: Iterable[Line]) -> None:
    """Print lines with their commands as links (DML) where the debugger takes such; hosts that show no links
    show their text."""
    if not in_windbg():
        show("\n".join(plain(line) for line in lines))
        return
    parts = (part for line in lines for part in (*line, "\n"))
    # A piece of text is short enough to stay so with its markup, and a link is a piece of its own.
    marked = (markup for part in parts for markup in _marked(part))
    write_dml: Callable[[str], object] = getattr(sys.stdout, "writedml")  # noqa: B009 - pykd's, not TextIO's
    _write_in_chunks(marked, write_dml)


def _marked(part: "Union[str, Link]") -> Iterator[str]:
    if isinstance(part, Link):
        link = f'<link cmd="{_escaped(part.command)}">{_escaped(str(part))}</link>'
        if len(link) <= _CHUNK:
            yield link
            return
    # A command that long is none that anybody could type.
    yield from (_escaped(piece) for piece in _pieces(str(part)))


def _pieces(text: str) -> Iterator[str]:
    for line in text.splitlines(keepends=True):
        for at in range(0, len(line), _PIECE):
            yield line[at : at + _PIECE]


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def _write_in_chunks(pieces: Iterable[str], write: Callable[[str], object]) -> None:
    chunk: List[str] = []
    length = 0
    for piece in pieces:
        if length + len(piece) > _CHUNK:
            write("".join(chunk))
            chunk, length = [], 0
        chunk.append(piece)
        length += len(piece)
    if chunk:
        write("".join(chunk))


def note(text: str) -> None:
    """Say something beside the result (progress, where a file went), where it cannot spoil a pipe. Where it
    cannot be said that is no reason to lose the result."""
    stream = sys.stdout if in_windbg() else sys.stderr
    try:
        stream.write(text + "\n")
        stream.flush()
    except OSError:
        give_up(stream)


def error(text: str) -> None:
    """Say what is wrong and what to do."""
    note(f"dumpfilt: error: {text}")


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
