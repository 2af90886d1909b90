"""Recordings in zips: read as if they were folders, and nothing but a RecordingError from any other zip."""

import gc
import io
import os
import shutil
import struct
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pykd_dumpfilt import spool
from pykd_dumpfilt.errors import RecordingError, SpoolError
from pykd_dumpfilt.recording import Progress, _inflate, read_recording

from .examples import HEADER, PAGE_OF_A, PAGE_OF_ZEROS, small_call, small_records, write_small

STORED, DEFLATED = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED


def files_of(tmp_path: Path) -> Dict[str, bytes]:
    folder = write_small(tmp_path / "trace")
    return {name: (folder / name).read_bytes() for name in ("calls.jsonl", "pages.bin")}


@pytest.fixture
def files(tmp_path: Path) -> Dict[str, bytes]:
    (tmp_path / "unpacked").mkdir()
    return files_of(tmp_path / "unpacked")


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))


def zipped(members: List[Tuple[str, bytes]], method: int = DEFLATED, level: Optional[int] = None) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method, compresslevel=level) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return file.getvalue()


def packed(files: Dict[str, bytes], method: int = DEFLATED, folder: str = "trace.dumpfilt/") -> bytes:
    return zipped([(folder + name, content) for name, content in files.items()], method)


def put(tmp_path: Path, content: bytes, name: str = "packed.dumpfilt.zip") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def refusal(tmp_path: Path, content: bytes) -> str:
    with pytest.raises(RecordingError) as refused:
        read_recording(put(tmp_path, content))
    return str(refused.value).replace(str(tmp_path) + os.sep, "")


@pytest.mark.parametrize("method", [STORED, DEFLATED])
@pytest.mark.parametrize("folder", ["", "trace.dumpfilt/", "a/b/other name/", "windows\\trace.dumpfilt\\"])
@pytest.mark.parametrize("in_memory", [4 * 2**20, 100])
def test_a_packed_recording_is_read_as_its_folder(
    method: int,
    folder: str,
    in_memory: int,
    files: Dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spool, "_IN_MEMORY", in_memory)
    monkeypatch.setattr(spool, "_TAIL", 50)
    path = put(tmp_path, packed(files, method, folder))
    with read_recording(path) as recording:
        assert recording.path == path
        assert recording.packed
        assert recording.header == HEADER
        assert list(recording) == small_records()
        one, other = iter(recording), iter(recording)
        assert [next(one), next(other), next(one)] == [*small_records()[:1] * 2, small_records()[1]]
        assert recording.call(1) == small_call(1, 1, 1)
        assert recording.line_of(1) == 7
        assert (recording.page(0), recording.page(1)) == (PAGE_OF_ZEROS, PAGE_OF_A)
        assert recording.verify() == []
        assert recording.complete
        assert recording.sizes() == {"calls.jsonl": len(files["calls.jsonl"]), "pages.bin": 8192}
        assert recording.disk_size() == path.stat().st_size
        for name, content in files.items():
            with recording.raw(name) as file:
                assert file.read() == content
        assert list((tmp_path / "temporary").iterdir()) == []
    with pytest.raises(RecordingError, match="is closed"):
        recording.page(1)
    with pytest.raises(RecordingError, match=r"cannot read calls.jsonl in .*: the recording is closed"):
        list(recording)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("method", [STORED, DEFLATED])
def test_no_descriptor_is_left_open(method: int, files: Dict[str, bytes], tmp_path: Path) -> None:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("this system does not list descriptors there")
    path = put(tmp_path, packed(files, method))
    gc.collect()
    before = descriptors()
    with read_recording(path) as recording:
        assert recording.complete
    assert descriptors() == before
    read_recording(path)
    gc.collect()
    assert descriptors() == before


def test_unpacking_tells_how_far_it_is(files: Dict[str, bytes], tmp_path: Path) -> None:
    told: List[Progress] = []
    path = put(tmp_path, packed(files))
    lines = len(files["calls.jsonl"])
    read_recording(path, progress=told.append)
    assert told == [(lines, lines + 8192, 0), (lines + 8192, lines + 8192, 0)]


@pytest.mark.parametrize("asked", ["x", "x.dumpfilt", "x.dumpfilt.zip"])
def test_endings_may_be_left_out(asked: str, files: Dict[str, bytes], tmp_path: Path) -> None:
    path = put(tmp_path, packed(files), "x.dumpfilt.zip")
    assert read_recording(tmp_path / asked).path == path


def test_the_folder_comes_before_its_zip(files: Dict[str, bytes], tmp_path: Path) -> None:
    put(tmp_path, packed(files), "x.dumpfilt.zip")
    folder = write_small(tmp_path / "x.dumpfilt")
    assert read_recording(tmp_path / "x").path == folder
    assert read_recording(tmp_path / "x.dumpfilt").path == folder


def test_what_is_neither_a_folder_nor_a_zip(tmp_path: Path) -> None:
    assert refusal(tmp_path, b"PK, and no more") == (
        "packed.dumpfilt.zip is not a recording: it is neither a folder nor a zip that can be read (File is "
        "not a zip file); if it was copied, it may be cut off"
    )
    with pytest.raises(RecordingError, match=r"cannot read its calls.jsonl: No such file or directory"):
        read_recording(tmp_path / "gone.dumpfilt.zip")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no named pipes")
    os.mkfifo(tmp_path / "x.dumpfilt.zip")
    with pytest.raises(RecordingError, match="is not a recording"):
        read_recording(tmp_path / "x.dumpfilt.zip")


def test_exactly_one_recording(files: Dict[str, bytes], tmp_path: Path) -> None:
    lines, pages = files["calls.jsonl"], files["pages.bin"]
    beside = [("__MACOSX/trace.dumpfilt/._calls.jsonl", b"x"), ("notes/calls.jsonl.txt", b"x")]
    other = [("elsewhere/pages.bin", b"x")]
    whole = [("a/calls.jsonl", lines), ("a/pages.bin", pages)]
    assert read_recording(put(tmp_path, zipped(beside + whole + other))).complete
    assert refusal(tmp_path, zipped(beside)) == (
        "packed.dumpfilt.zip holds no recording: there is no calls.jsonl in it"
    )
    several = "packed.dumpfilt.zip holds several recordings: unpack it, and name one of them"
    assert refusal(tmp_path, zipped([*whole, ("b/calls.jsonl", lines)])) == several
    with pytest.warns(UserWarning, match="Duplicate name"):
        twice = [zipped([*whole, one]) for one in whole]
    assert refusal(tmp_path, twice[0]) == several
    assert refusal(tmp_path, twice[1]) == (
        "packed.dumpfilt.zip holds a/pages.bin more than once: unpack it, and choose one"
    )


def test_pages_that_are_not_there_are_damage(files: Dict[str, bytes], tmp_path: Path) -> None:
    recording = read_recording(put(tmp_path, zipped([("calls.jsonl", files["calls.jsonl"])])))
    assert list(recording.calls()) == []
    assert recording.damage[0] == "pages.bin cannot be read: it is not in the zip"
    assert recording.sizes() == {"calls.jsonl": len(files["calls.jsonl"])}


# -- damaged members ----------------------------------------------------------------------------------------


def position(content: bytes, name: str, method: int) -> Tuple[int, int]:
    """Where the data of a member is."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        info = archive.getinfo("trace.dumpfilt/" + name)
    start = info.header_offset + 30 + len(info.filename)
    assert info.compress_type == method
    return start, start + info.compress_size


def test_a_damaged_page_of_a_stored_member(files: Dict[str, bytes], tmp_path: Path) -> None:
    content = bytearray(packed(files, STORED))
    start, _ = position(bytes(content), "pages.bin", STORED)
    content[start + 4096] ^= 1
    recording = read_recording(put(tmp_path, bytes(content)))
    assert list(recording) == small_records()
    with pytest.raises(RecordingError, match=r"page 1 of pages.bin is damaged"):
        recording.page(1)
    assert recording.damage == [
        "pages.bin is not as it was when it was packed (CRC-32)",
        "page 1 of pages.bin is damaged: it does not match its digest",
    ]
    assert not recording.complete


def patched(content: bytes, name: str, changes: Dict[str, int]) -> bytes:
    """The zip with fields of a member's entry in the directory replaced."""
    at = content.index(b"PK\x01\x02")
    while content[at + 46 : at + 46 + len(name)] != name.encode():
        at = content.index(b"PK\x01\x02", at + 1)
    fields = {"flags": ("<H", 8), "method": ("<H", 10), "crc": ("<I", 16), "packed": ("<I", 20)}
    fields.update(size=("<I", 24), offset=("<I", 42))
    found = bytearray(content)
    for key, value in changes.items():
        form, place = fields[key]
        struct.pack_into(form, found, at + place, value)
    return bytes(found)


CALLS, PAGES = "trace.dumpfilt/calls.jsonl", "trace.dumpfilt/pages.bin"


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        (b"\xff", "damaged, and ends after {0} of its {1} bytes (Error -3 while decompressing"),
        (b"", "cut off: {0} of its {1} bytes are there"),
    ],
)
def test_deflated_lines_that_break_off(
    rest: bytes, expected: str, files: Dict[str, bytes], tmp_path: Path
) -> None:
    lines = files["calls.jsonl"]
    kept = lines.index(b'{"kind": "fault"') + 10
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    # A block of type 3, which there is not, or no block at all, where more should follow.
    raw = packer.compress(lines[:kept]) + packer.flush(zlib.Z_FULL_FLUSH) + rest
    content = packed({**files, "calls.jsonl": raw}, STORED)
    recording = read_recording(put(tmp_path, patched(content, CALLS, {"method": 8, "size": len(lines)})))
    assert list(recording) == small_records()[:4]
    first, second, third = recording.damage
    assert first.startswith("calls.jsonl in the zip is " + expected.format(kept, len(lines)))
    assert second == "line 6 is cut off after 10 bytes; what it held is lost"
    assert third.startswith("there is no footer")
    assert not recording.complete


def test_a_wrong_crc_is_damage(files: Dict[str, bytes], tmp_path: Path) -> None:
    for method in (STORED, DEFLATED):
        recording = read_recording(put(tmp_path, patched(packed(files, method), CALLS, {"crc": 1})))
        assert list(recording) == small_records()
        assert recording.damage == ["calls.jsonl is not as it was when it was packed (CRC-32)"]


def test_a_member_shorter_than_the_zip_says_is_damage(files: Dict[str, bytes], tmp_path: Path) -> None:
    recording = read_recording(put(tmp_path, patched(packed(files), PAGES, {"size": 8193})))
    assert list(recording) == small_records()
    assert recording.damage == ["pages.bin in the zip is cut off: 8192 of its 8193 bytes are there"]


def test_no_more_is_unpacked_than_the_zip_says(files: Dict[str, bytes], tmp_path: Path) -> None:
    recording = read_recording(put(tmp_path, patched(packed(files), PAGES, {"size": 4096})))
    assert list(recording.calls()) == [small_call(0, 0, 0)]
    assert recording.sizes()["pages.bin"] == 4096
    assert recording.damage[0] == (
        "pages.bin in the zip goes on after the 4096 bytes that the zip says; nothing of that is read"
    )


def test_a_member_of_another_name_at_its_own_place(files: Dict[str, bytes], tmp_path: Path) -> None:
    content = packed(files).replace(b"trace.dumpfilt/pages.bin", b"trace.dumpfilt/pages.txt", 1)
    assert refusal(tmp_path, content) == (
        "cannot read packed.dumpfilt.zip: pages.bin has another name at its own place in the zip"
    )


@pytest.mark.parametrize(
    ("name", "changes", "expected"),
    [
        (CALLS, {"flags": 1}, "calls.jsonl in it is encrypted; unpack it with the tool that made it"),
        (CALLS, {"flags": 0x40}, "calls.jsonl in it is encrypted; unpack it with the tool that made it"),
        (
            PAGES,
            {"method": 12},
            "pages.bin in it is compressed in a way (method 12) that is not read here; unpack it with the "
            "tool that made it",
        ),
        (PAGES, {"offset": 0}, "calls.jsonl overlaps something else in the zip"),
        (CALLS, {"offset": 7}, "calls.jsonl is not where the zip says"),
        (CALLS, {"packed": 5000}, "calls.jsonl overlaps something else in the zip"),
        (PAGES, {"packed": 500000}, "pages.bin overlaps something else in the zip"),
        (CALLS, {"method": 0}, "the zip gives calls.jsonl, which is not compressed, two sizes"),
    ],
)
def test_a_zip_that_lies(
    name: str, changes: Dict[str, int], expected: str, files: Dict[str, bytes], tmp_path: Path
) -> None:
    lie = patched(packed(files), name, changes)
    assert refusal(tmp_path, lie) == f"cannot read packed.dumpfilt.zip: {expected}"


def test_more_than_deflate_can_hold_is_refused_before_it_is_unpacked(
    files: Dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zlib, "decompressobj", None)
    assert "which is more than they can hold" in refusal(
        tmp_path, patched(packed(files), CALLS, {"size": 0xFFFFFFF0})
    )


def test_a_bomb_within_what_deflate_can_hold_needs_room(
    files: Dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = packed({**files, "pages.bin": bytes(64 * 2**20)})
    assert len(bomb) < 80_000
    path = put(tmp_path, bomb)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=63 * 2**20))
    with pytest.raises(SpoolError, match="67,108,864 bytes are needed, and 66,060,288 are free"):
        read_recording(path)
    monkeypatch.undo()
    assert "pages.bin is larger than the 2 pages that the footer counts" in read_recording(path).damage


def test_a_disk_that_fills_while_unpacking(
    files: Dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(tmp_path, packed({**files, "pages.bin": os.urandom(5 * 2**20)}))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(SpoolError, match="A packed recording is unpacked to there"):
        read_recording(path)


def test_a_directory_without_end_is_not_read(files: Dict[str, bytes], tmp_path: Path) -> None:
    many = zipped([(f"{number:060}", b"") for number in range(12_000)])
    assert "the list of what it holds is longer than 1048576 bytes" in refusal(tmp_path, many)
    # A size that the end of the zip claims, beyond what is there.
    content = bytearray(packed(files))
    struct.pack_into("<I", content, len(content) - 22 + 12, 0x7FFFFFFF)
    assert "packed.dumpfilt.zip" in refusal(tmp_path, bytes(content))


def test_two_entries_for_the_same_bytes_overlap(files: Dict[str, bytes], tmp_path: Path) -> None:
    content = zipped([("trace.dumpfilt/calls.jsonl", files["calls.jsonl"]), ("x/calls.json1", b"")])
    one = patched(content, "x/calls.json1", {"offset": 0})
    assert refusal(tmp_path, one) == (
        "cannot read packed.dumpfilt.zip: calls.jsonl overlaps something else in the zip"
    )


def test_bytes_before_the_zip_are_none_of_its(files: Dict[str, bytes], tmp_path: Path) -> None:
    assert read_recording(put(tmp_path, b"#!/bin/sh\n" + packed(files))).complete


def test_zip64(files: Dict[str, bytes], tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", DEFLATED) as archive:
        for name, content in files.items():
            with archive.open(name, "w", force_zip64=True) as member:
                member.write(content)
    assert read_recording(put(tmp_path, file.getvalue())).complete


def test_output_that_is_due_when_the_input_has_ended(
    files: Dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_inflate, "_CHUNK", 7)
    recording = read_recording(put(tmp_path, packed(files)))
    assert list(recording) == small_records()
    assert recording.verify() == []


# -- anything at all ----------------------------------------------------------------------------------------


def read_all(path: Path) -> None:
    """Only a RecordingError may come out of it."""
    try:
        with read_recording(path) as recording:
            for record in recording:
                assert record is not None
            recording.verify()
            assert recording.damage == [] or not recording.complete
            recording.disk_size()
            recording.sizes()
            recording.page(0)
    except RecordingError:
        pass


_MADE: Dict[int, bytes] = {}


@settings(max_examples=400)
@given(
    st.sampled_from([STORED, DEFLATED]),
    st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8)), max_size=4),
    st.lists(st.tuples(st.integers(0, 260), st.binary(min_size=1, max_size=4)), max_size=4),
    st.none() | st.floats(0, 1),
)
@example(STORED, [], [], None)
@example(DEFLATED, [], [], None)
def test_overwritten_and_cut_anywhere(
    method: int,
    anywhere: List[Tuple[float, bytes]],
    at_end: List[Tuple[int, bytes]],
    cut: Optional[float],
) -> None:
    with tempfile.TemporaryDirectory() as name:
        if method not in _MADE:
            _MADE[method] = packed(files_of(Path(name)), method)
        content = bytearray(_MADE[method])
        size = len(content)
        for share, change in anywhere:
            at = int(share * (size - 1))
            content[at : at + len(change)] = change
        for back, change in at_end:
            # The directory and the zip's end, where most of what can be said about a zip is.
            at = max(0, size - 1 - back)
            content[at : at + len(change)] = change
        if cut is not None:
            del content[int(cut * size) :]
        read_all(put(Path(name), bytes(content)))


@settings(max_examples=100)
@given(st.binary(max_size=300))
def test_anything_with_the_end_of_a_zip(junk: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, min(len(junk), 60), max(0, len(junk) - 60), 0)
        read_all(put(Path(name), junk + end))
