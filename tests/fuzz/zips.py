"""Recordings packed in a zip: the container's own lies, around contents that may lie too."""

import io
import zipfile
from pathlib import Path
from random import Random
from typing import Callable, List, Sequence, Tuple

from pykd_dumpfilt.recording import CALLS_NAME, PAGES_NAME

from ._bytes import edge, mutate_bytes
from .recordings import Folder, Recordings, check_and_report, look_into

__all__ = ["Zips"]

_NAME = "run.dumpfilt.zip"
# Fields of a local header, an entry of the directory and the record at its end (APPNOTE.TXT): offset, size.
_FIELDS = {
    b"PK\x03\x04": ((4, 2), (6, 2), (8, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2)),
    b"PK\x01\x02": (
        *((4, 2), (6, 2), (8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2), (32, 2), (34, 2)),
        *((38, 4), (42, 4)),
    ),
    b"PK\x05\x06": ((4, 2), (6, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 2)),
}
_NAMES = (
    *(
        CALLS_NAME,
        PAGES_NAME,
        "run.dumpfilt/calls.jsonl",
        "../calls.jsonl",
        "/etc/calls.jsonl",
        "calls.jsonl/",
    ),
    *("run.dumpfilt\\pages.bin", "run.dumpfilt/pages.bin", "other/calls.jsonl", "\u00e9/pages.bin"),
)


class Zips:
    """``check NAME.dumpfilt.zip``."""

    name = "zips"
    what = "recordings packed in a zip: unpacked, judged, shown, reported"
    seconds = 20.0
    mebibytes = 400
    suffix = ".zip"

    def __init__(self) -> None:
        self._recordings = Recordings()

    def prepare(self) -> None:
        self._recordings.prepare()

    def make(self, random: Random) -> bytes:
        lying = random.random() < 0.3
        case = self._recordings.make(random) if lying else self._recordings.seed(random)
        return self._mutated(bytearray(_packed(case, random)), random)

    def place(self, case: bytes, folder: Path) -> None:
        (folder / _NAME).write_bytes(case)

    def run(self, case: bytes, folder: Path, random: Random) -> str:
        verdict = check_and_report(folder / _NAME, random)
        if random.random() < 0.12:
            look_into(folder / _NAME, random)
        return f"verdict {verdict}"

    def save(self, case: bytes, path: Path) -> None:
        path.write_bytes(case)

    def load(self, path: Path) -> bytes:
        return path.read_bytes()

    def seeds(self) -> List[bytes]:
        random = Random(0)
        return [_plain(self._recordings.seed(random), method) for method in (0, 0, 8, 8)]

    def from_bytes(self, data: bytes) -> bytes:
        return data

    def mutated(self, data: bytes, random: Random) -> bytes:
        return self._mutated(bytearray(data), random)

    def _mutated(self, data: bytearray, random: Random) -> bytes:
        for _ in range(random.choice((0, 1, 1, 1, 2, 3))):
            if random.random() < 0.3 or not _lie(data, random):
                mutate_bytes(data, random, ())
        return bytes(data)


def _lie(data: bytearray, random: Random) -> bool:
    """Change a field of one of the container's structures; False where there is none."""
    places = []
    for signature, fields in _FIELDS.items():
        at = data.find(signature)
        while at >= 0:
            places.append((at, fields))
            at = data.find(signature, at + 4)
    if not places:
        return False
    at, fields = random.choice(places)
    offset, size = random.choice(fields)
    value = edge(random, 8 * size)
    if random.random() < 0.5 and at + offset + size <= len(data):
        value = int.from_bytes(data[at + offset : at + offset + size], "little") + random.choice(
            (1, -1, 8, 1000)
        )
    data[at + offset : at + offset + size] = (value % (1 << 8 * size)).to_bytes(size, "little")
    return True


def _plain(case: Folder, method: int) -> bytes:
    return _zip([("run.dumpfilt/calls.jsonl", case.lines), ("run.dumpfilt/pages.bin", case.pages)], method)


def _packed(case: Folder, random: Random) -> bytes:
    """A zip, mostly as a tool would make it: sometimes with other names, members twice, or a bomb."""
    members: List[Tuple[str, bytes]] = [
        ("run.dumpfilt/calls.jsonl", case.lines),
        ("run.dumpfilt/pages.bin", case.pages),
    ]
    method = random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED))
    if random.random() < 0.2:
        random.choice(_CHANGES)(members, random)
    if random.random() < 0.02:
        method = zipfile.ZIP_BZIP2
    return _zip(members, method)


def _rename(members: List[Tuple[str, bytes]], random: Random) -> None:
    at = random.randrange(len(members))
    members[at] = (random.choice(_NAMES), members[at][1])


def _twice(members: List[Tuple[str, bytes]], random: Random) -> None:
    members.append(random.choice(members))


def _drop(members: List[Tuple[str, bytes]], random: Random) -> None:
    del members[random.randrange(len(members))]


def _many(members: List[Tuple[str, bytes]], random: Random) -> None:
    members += [(f"x{number}", b"") for number in range(random.choice((3, 300)))]


def _bomb(members: List[Tuple[str, bytes]], random: Random) -> None:
    at = random.randrange(len(members))
    members[at] = (members[at][0], members[at][1] + bytes(random.choice((1 << 16, 4 << 20))))


_CHANGES: Sequence[Callable[[List[Tuple[str, bytes]], Random], None]] = (_rename, _twice, _drop, _many, _bomb)


def _zip(members: Sequence[Tuple[str, bytes]], method: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members:
            # A time of its own: the same input must be the same bytes tomorrow.
            info = zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0))
            info.compress_type = method
            if name not in archive.namelist():
                archive.writestr(info, content)
            else:
                _again(archive, info, content)
    return file.getvalue()


def _again(archive: zipfile.ZipFile, info: zipfile.ZipInfo, content: bytes) -> None:
    """A second member of a name, without zipfile's warning."""
    twin = zipfile.ZipInfo(info.filename[:-1] + "_", info.date_time)
    twin.compress_type = info.compress_type
    archive.writestr(twin, content)
    archive.infolist()[-1].filename = info.filename
