"""Recordings: calls.jsonl, pages.bin, and a folder that is not what it seems."""

import datetime
import os
import socket
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Callable, Dict, List, Optional, Tuple

from pykd_dumpfilt.checking import Report, check, use_of_waivers
from pykd_dumpfilt.errors import DumpfiltError
from pykd_dumpfilt.recording import CALLS_NAME, PAGES_NAME, Call, read_recording
from pykd_dumpfilt.reports import format_named, show_call, show_recording
from pykd_dumpfilt.rules import Waiver

from ._bytes import mutate_bytes
from ._json import mutate_lines
from .recording_seeds import write_seeds

__all__ = ["Folder", "Recordings", "check_and_report", "look_into"]

PAGE_SIZE = 4096
# What a report costs, in milliseconds: text 0.7, JSON and JUnit 0.25, SARIF and Markdown 1, HTML 180.
_FORMAT_SHARES = (
    *(("text", 0.25), ("json", 0.2), ("junit", 0.05), ("sarif", 0.05), ("markdown", 0.1), ("html", 0.0002)),
)
_NAME = "run.dumpfilt"
_BETWEEN = b"\0pages.bin\0"
_TODAY = datetime.date(2026, 12, 1)
_WAIVERS = (
    Waiver("DF-TRIP-001", "myfilt", "ticket", "Kim Lee", datetime.date(2027, 1, 31), None, None, 1),
    Waiver("DF-CALL-003", "myfilt", "ticket", "Kim Lee", datetime.date(2020, 1, 31), None, "Dump_Read", 9),
)


@dataclass(frozen=True)
class Folder:
    """What a recording's folder holds.

    Attributes:
        trick: (file, what stands in its place), see :data:`TRICKS`; None where it is an ordinary folder.
    """

    lines: bytes
    pages: bytes
    trick: Optional[Tuple[str, str]] = None

    def write(self, folder: Path, elsewhere: Path) -> None:
        """Make it; ``folder`` must exist and be empty. ``elsewhere`` is where a link may lead to."""
        for name, content in ((CALLS_NAME, self.lines), (PAGES_NAME, self.pages)):
            if self.trick is None or self.trick[0] != name:
                (folder / name).write_bytes(content)
            else:
                _TRICKS[self.trick[1]](folder / name, content, elsewhere)


def _outside(path: Path, content: bytes, elsewhere: Path) -> None:
    # A file of somebody else's, that would do if it were followed.
    other = elsewhere / f"other-{path.name}"
    other.write_bytes(content)
    path.symlink_to(other)


def _within(path: Path, content: bytes, _elsewhere: Path) -> None:
    path.with_name("other").write_bytes(content)
    path.symlink_to("other")


def _socket(path: Path, _content: bytes, _elsewhere: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


_Trick = Callable[[Path, bytes, Path], object]
_TRICKS: Dict[str, _Trick] = {
    "missing": lambda path, content, elsewhere: None,
    "empty": lambda path, content, elsewhere: path.touch(),
    "link outside": _outside,
    "link to /etc/passwd": lambda path, content, elsewhere: path.symlink_to("/etc/passwd"),
    "link to a device": lambda path, content, elsewhere: path.symlink_to("/dev/zero"),
    "link within": _within,
    "link to itself": lambda path, content, elsewhere: path.symlink_to(path.name),
    "folder": lambda path, content, elsewhere: path.mkdir(),
    "pipe": lambda path, content, elsewhere: os.mkfifo(path),
    "socket": _socket,
}
TRICKS = tuple(_TRICKS)


class Recordings:
    """Opens, iterates, judges by all rules, verifies, shows and reports."""

    name = "recordings"
    what = "calls.jsonl and pages.bin: read, judged by all rules, verified, shown, reported"
    seconds = 20.0
    mebibytes = 400
    suffix = ".dumpfilt"

    def __init__(self) -> None:
        self._seeds: List[Tuple[List[bytes], bytes]] = []
        self._lines: List[bytes] = []

    def prepare(self) -> None:
        if self._seeds:
            return
        with tempfile.TemporaryDirectory() as folder:
            for path in write_seeds(Path(folder)):
                lines = (path / CALLS_NAME).read_bytes().splitlines(keepends=True)
                self._seeds.append((lines, (path / PAGES_NAME).read_bytes()))
                self._lines += lines
            # Imports what a report needs.
            check_and_report(path, None)

    def seed(self, random: Random) -> Folder:
        """One of those that :meth:`make` changes."""
        self.prepare()
        lines, pages = random.choice(self._seeds)
        return Folder(b"".join(lines), pages)

    def make(self, random: Random) -> Folder:
        self.prepare()
        lines, pages = random.choice(self._seeds)
        folder = Folder(self._mutate_lines(lines, random), pages)
        if random.random() < 0.12:
            changed = bytearray(pages)
            _mutate_pages(changed, random)
            folder = replace(folder, pages=bytes(changed))
        if random.random() < 0.02:
            folder = replace(folder, trick=(random.choice((CALLS_NAME, PAGES_NAME)), random.choice(TRICKS)))
        return folder

    def _mutate_lines(self, lines: List[bytes], random: Random) -> bytes:
        lines = list(lines)
        for _ in range(random.choice((0, 1, 1, 1, 2, 2, 3, 6))):
            mutate_lines(lines, random, self._lines)
        content = b"".join(lines)
        if random.random() < 0.12:
            raw = bytearray(content)
            for _ in range(random.choice((1, 1, 3))):
                mutate_bytes(raw, random, self._lines)
            content = bytes(raw)
        return content

    def place(self, case: Folder, folder: Path) -> None:
        (folder / _NAME).mkdir()
        case.write(folder / _NAME, folder.parent)

    def run(self, case: Folder, folder: Path, random: Random) -> str:
        folder = folder / _NAME
        verdict = check_and_report(folder, random)
        if random.random() < 0.12:
            look_into(folder, random)
        return f"verdict {verdict}"

    def save(self, case: Folder, path: Path) -> None:
        path.mkdir(parents=True)
        case.write(path, path.parent)

    def load(self, path: Path) -> Folder:
        contents = []
        for name in (CALLS_NAME, PAGES_NAME):
            file = path / name
            contents.append(file.read_bytes() if file.is_file() else b"")
        return Folder(contents[0], contents[1])

    def seeds(self) -> List[bytes]:
        self.prepare()
        return [b"".join(lines) + _BETWEEN + pages for lines, pages in self._seeds]

    def from_bytes(self, data: bytes) -> Folder:
        lines, _, pages = data.partition(_BETWEEN)
        return Folder(lines, pages)

    def mutated(self, data: bytes, random: Random) -> bytes:
        self.prepare()
        lines, _, pages = data.partition(_BETWEEN)
        return self._mutate_lines(lines.splitlines(keepends=True), random) + _BETWEEN + pages


def _mutate_pages(pages: bytearray, random: Random) -> None:
    kind = random.randrange(5)
    if kind == 0:
        del pages[random.randrange(len(pages) + 1) :]
    elif kind == 1:
        pages += bytes(random.choice((1, 4095, 4096, 4097, 65536)))
    elif kind == 2 and len(pages) > PAGE_SIZE:
        at = random.randrange(len(pages) // PAGE_SIZE) * PAGE_SIZE
        del pages[at : at + PAGE_SIZE]
    else:
        mutate_bytes(pages, random)


def check_and_report(folder: Path, random: Optional[Random]) -> str:
    """Judge a recording and report on it; the verdict. Without ``random`` in every format, else in some."""

    def chosen(share: float) -> bool:
        return random is None or random.random() < share

    seal = chosen(0.2)
    result = check(folder, waivers=_WAIVERS if chosen(0.3) else (), today=_TODAY, seal=seal)
    report = Report((result,), use_of_waivers(_WAIVERS, (result,), _TODAY))
    for name, share in _FORMAT_SHARES:
        if chosen(share):
            try:
                format_named(name).render(report)
            except DumpfiltError:
                # HTML and Markdown read the recording again: as for a user, that may fail by name.
                pass
    return result.verdict.value


def look_into(folder: Path, random: Random) -> None:
    """What ``show`` does, and what a program might."""
    with read_recording(folder) as recording:
        numbers = [record.number for record in recording if isinstance(record, Call)]
        show_recording(recording)
        for number in {random.choice(numbers or [0]), 0}:
            try:
                show_call(recording, number, whole=random.random() < 0.1)
            except DumpfiltError:
                pass
        recording.verify()
        assert isinstance(recording.complete, bool)
