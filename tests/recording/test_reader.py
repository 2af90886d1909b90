"""What the reader gives of whole and of damaged recordings."""

import gc
import hashlib
import json
import os
from pathlib import Path
from typing import List

import pytest

from pykd_dumpfilt.errors import RecordingError
from pykd_dumpfilt.recording import (
    MAX_LINE,
    Call,
    Fault,
    RecordingWriter,
    Unloaded,
    codec,
    read_recording,
)
from pykd_dumpfilt.recording._content import open_regular

from .examples import HEADER, MODULE, PAGE_OF_A, PAGE_OF_ZEROS, small_call, small_records, write_small

NO_FOOTER = (
    "there is no footer: the recording was not closed in good order, and calls at its end may be missing"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_small(tmp_path / "trace")


def lines_of(folder: Path) -> List[bytes]:
    return (folder / "calls.jsonl").read_bytes().splitlines(keepends=True)


def put_lines(folder: Path, lines: List[bytes]) -> None:
    (folder / "calls.jsonl").write_bytes(b"".join(lines))


def test_a_whole_recording(folder: Path) -> None:
    with read_recording(folder) as recording:
        assert recording.header == HEADER
        assert list(recording) == small_records()
        assert list(recording) == small_records()
        assert [call.number for call in recording.calls()] == [0, 2, 1]
        assert recording.modules == {0: MODULE}
        assert recording.damage == []
        assert recording.complete
        assert recording.verify() == []
        assert recording.page(0) == PAGE_OF_ZEROS
        assert recording.page(1) == PAGE_OF_A
    with pytest.raises(RecordingError, match="is closed"):
        recording.page(1)


def test_a_path_that_no_system_takes() -> None:
    with pytest.raises(RecordingError, match="is not a recording: cannot read its"):
        read_recording("x" * 5000)


def test_what_is_known_at_the_end_needs_no_iteration_before(folder: Path) -> None:
    recording = read_recording(folder)
    assert recording.page(1) == PAGE_OF_A
    assert recording.modules == {0: MODULE}
    assert recording.footer is not None
    assert recording.footer.calls == 3


def test_pages_can_be_read_as_their_calls_come(folder: Path) -> None:
    recording = read_recording(folder)
    for call in recording.calls():
        for page in call.entry.buffers[0].pages:
            assert page is not None
            assert recording.page(page) in (PAGE_OF_ZEROS, PAGE_OF_A)


def test_calls_can_be_read_by_number(folder: Path) -> None:
    recording = read_recording(folder)
    assert [recording.call(number) for number in (2, 0, 1)] == [
        small_call(2, 0, 1),
        small_call(0, 0, 0),
        small_call(1, 1, 1),
    ]
    with pytest.raises(RecordingError, match="holds no call 3; it holds 3 calls"):
        recording.call(3)


def test_nothing_stays_open_after_the_last_reader_is_gone(folder: Path) -> None:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("needs /proc")
    before = len(list(Path("/proc/self/fd").iterdir()))
    recording = read_recording(folder)
    records = iter(recording)
    next(records)
    del records, recording
    gc.collect()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_the_suffix_may_be_left_out(folder: Path) -> None:
    assert read_recording(folder.with_suffix("")).path == folder


def test_a_recording_can_be_read_while_it_is_written(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path / "trace", HEADER) as writer:
        writer.write(MODULE)
        recording = read_recording(writer.path)
        writer.put(PAGE_OF_ZEROS)
        writer.write(small_call(0, 0, 0))
        assert list(recording) == [MODULE, small_call(0, 0, 0)]
        assert recording.damage == [NO_FOOTER]
        assert recording.page(0) == PAGE_OF_ZEROS


# -- no recording -------------------------------------------------------------------------------------------


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"nowhere is not a recording: .*No such file"):
        read_recording(tmp_path / "nowhere")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    (tmp_path / "a.dumpfilt").mkdir()
    os.mkfifo(tmp_path / "a.dumpfilt" / "calls.jsonl")
    with pytest.raises(RecordingError, match="is not a file"):
        read_recording(tmp_path / "a")


def _put_link(at: Path, to: Path) -> None:
    at.unlink()
    try:
        at.symlink_to(to)
    except OSError as error:  # on Windows it takes a right that few accounts have
        pytest.skip(f"cannot make a link: {error}")


def test_lines_behind_a_link_are_not_read(folder: Path, tmp_path: Path) -> None:
    # Whoever made the recording must not choose which file of this machine is read.
    other = tmp_path / "other"
    other.write_bytes((folder / "calls.jsonl").read_bytes())
    _put_link(folder / "calls.jsonl", other)
    with pytest.raises(RecordingError, match=r"calls\.jsonl is a link, and a link is not followed"):
        read_recording(folder)


@pytest.mark.parametrize("target", ["other", "trace.dumpfilt/other"])
def test_pages_behind_a_link_are_missing(folder: Path, tmp_path: Path, target: str) -> None:
    (tmp_path / target).write_bytes((folder / "pages.bin").read_bytes())
    _put_link(folder / "pages.bin", tmp_path / target)
    recording = read_recording(folder)
    assert list(recording.calls()) == []
    assert recording.damage[0].startswith("pages.bin cannot be read: ")
    assert "pages.bin is a link, and a link is not followed" in recording.damage[0]
    with pytest.raises(RecordingError, match=r"page 0 is missing: pages\.bin cannot be read"):
        recording.page(0)
    assert "pages.bin" not in recording.digests()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs devices")
def test_a_device_is_not_even_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Opening one may already do something: rewind a tape, reset a line.
    opened: List[str] = []
    monkeypatch.setattr("pykd_dumpfilt.recording._content.os.open", lambda path, _: opened.append(str(path)))
    with pytest.raises(OSError, match="/dev/null is not a file"):
        open_regular(Path("/dev/null"))
    assert opened == []


def test_a_file_that_is_exchanged_for_a_link_meanwhile(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As on a system whose open() has no O_NOFOLLOW.
    (tmp_path / "other").write_bytes(b"secret")
    really_open = os.open

    def exchange(path: Path, flags: int) -> int:
        _put_link(path, tmp_path / "other")
        return really_open(path, flags & ~getattr(os, "O_NOFOLLOW", 0))

    monkeypatch.setattr("pykd_dumpfilt.recording._content.os.open", exchange)
    with pytest.raises(OSError, match="was exchanged while it was opened"):
        open_regular(folder / "pages.bin")


def test_an_empty_file(folder: Path) -> None:
    put_lines(folder, [])
    with pytest.raises(RecordingError, match="is empty: the trace ended before it recorded anything"):
        read_recording(folder)


def test_a_newer_version_says_what_to_do(folder: Path) -> None:
    lines = lines_of(folder)
    put_lines(folder, [lines[0].replace(b'"version": 1', b'"version": 2', 1), *lines[1:]])
    with pytest.raises(RecordingError, match=r"newer pykd-dumpfilt \(recording version 2; .*upgrade"):
        read_recording(folder)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"\x7fELF", "not ASCII|not JSON"),
        (b"{}\n", "not a recording"),
        (b'{"kind": "header", "format": "something else", "version": 1}\n', "not a recording"),
        (b'{"kind": "header", "format": "dumpfilt-recording", "version": "1"}\n', "line 1, key version"),
        (b'{"kind": "header", "format": "dumpfilt-recording", "version": 0}\n', "record it again"),
        (b'{"kind": "header", "format": "dumpfilt-recording", "version": 1}\n', "line 1, key machine"),
        (b" " * (MAX_LINE + 5), "longer than"),
    ],
    ids=["binary", "object", "format", "version", "version 0", "machine", "long"],
)
def test_an_unreadable_header_is_an_error(folder: Path, line: bytes, why: str) -> None:
    put_lines(folder, [line])
    with pytest.raises(RecordingError, match=why):
        read_recording(folder)


# -- damage -------------------------------------------------------------------------------------------------


def test_a_damaged_page(folder: Path) -> None:
    content = bytearray((folder / "pages.bin").read_bytes())
    content[4096 + 17] ^= 1
    (folder / "pages.bin").write_bytes(content)
    recording = read_recording(folder)
    assert list(recording) == small_records()
    assert recording.damage == []
    assert recording.page(0) == PAGE_OF_ZEROS
    with pytest.raises(RecordingError, match=r"page 1 of pages.bin is damaged"):
        recording.page(1)
    damaged = "page 1 of pages.bin is damaged: it does not match its digest"
    assert recording.damage == [damaged]
    assert not recording.complete
    assert recording.verify() == [
        damaged,
        "pages.bin is not as it was when the recording was closed (SHA-256)",
    ]
    assert read_recording(folder).verify() == recording.damage


def test_a_changed_line_that_still_makes_sense(folder: Path) -> None:
    lines = lines_of(folder)
    lines[5] = lines[5].replace(b"no symbols", b"no SYMBOLS")
    put_lines(folder, lines)
    recording = read_recording(folder)
    assert recording.complete
    assert recording.verify() == ["calls.jsonl is not as it was when the recording was closed (SHA-256)"]


def test_no_pages_at_all(folder: Path) -> None:
    (folder / "pages.bin").unlink()
    recording = read_recording(folder)
    assert [record for record in small_records() if not isinstance(record, Call)] == list(recording)
    missing = "pages.bin cannot be read: No such file or directory"
    assert recording.damage == [
        missing,
        f"call 0 (line 4) is skipped: {missing}",
        f"call 2 (line 5) is skipped: {missing}",
        f"call 1 (line 7) is skipped: {missing}",
        "the footer counts 3 calls, 0 can be read",
        "pages.bin holds 0 whole pages of 2",
    ]
    with pytest.raises(RecordingError, match=r"page 0 is missing: pages\.bin cannot be read"):
        recording.page(0)


def test_a_lost_line_takes_its_pages_along(folder: Path) -> None:
    lines = lines_of(folder)
    lines[4] = b"\0" * 50 + b"\n"
    put_lines(folder, lines)
    recording = read_recording(folder)
    # Call 1 names page 1, whose digest stood in the line of call 2.
    assert [record for record in recording if isinstance(record, Call)] == [small_call(0, 0, 0)]
    assert len(recording.damage) == 3
    assert recording.damage[0].startswith("a line is skipped: line 5: not JSON")
    assert recording.damage[1].startswith("a line is skipped: line 7, key entry.buffers[0].pages: ")
    assert recording.damage[2] == "the footer counts 3 calls, 1 can be read"


def test_a_gap_in_the_digests(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path / "trace", HEADER) as writer:
        writer.write(MODULE)
        writer.put(PAGE_OF_ZEROS)
        writer.write(small_call(0, 0, 0))
        writer.put(PAGE_OF_A)
        writer.write(small_call(1, 1, 1))
        writer.write(small_call(2, 0, 1))
    lines = lines_of(writer.path)
    put_lines(writer.path, lines[:2] + lines[3:])
    recording = read_recording(writer.path)
    assert list(recording) == [MODULE, small_call(1, 1, 1)]
    assert recording.damage == [
        "call 2 (line 4) is skipped: the digest of its page 0 is lost with a line before it",
        "the footer counts 3 calls, 1 can be read",
    ]
    assert recording.page(1) == PAGE_OF_A
    with pytest.raises(RecordingError, match="page 0"):
        recording.page(0)


def test_digests_of_pages_far_away_take_no_memory(folder: Path) -> None:
    lines = lines_of(folder)
    fields = json.loads(lines[3])
    fields["pages"]["first"] = 2**50
    lines[3] = json.dumps(fields).encode() + b"\n"
    put_lines(folder, lines)
    recording = read_recording(folder)
    list(recording)
    assert recording.damage[0] == (
        "a line is skipped: line 4, key pages.first: 1125899906842624, but only 0 pages came before"
    )


def test_bytes_after_the_footer(folder: Path) -> None:
    with (folder / "calls.jsonl").open("ab") as file:
        file.write(codec.encode(Unloaded(0)))
    with (folder / "pages.bin").open("ab") as file:
        file.write(b"x")
    recording = read_recording(folder)
    assert list(recording) == small_records()
    assert recording.damage == [
        "calls.jsonl goes on after its footer; nothing of that is read",
        "pages.bin is larger than the 2 pages that the footer counts",
    ]


def test_a_line_too_long_is_skipped(folder: Path) -> None:
    lines = lines_of(folder)
    lines.insert(2, b'{"kind": "fault", "x": "' + b"y" * (2 * MAX_LINE) + b'"}\n')
    put_lines(folder, lines)
    recording = read_recording(folder)
    assert list(recording) == small_records()
    assert recording.damage == [f"line 3 is skipped: longer than {MAX_LINE} bytes"]
    assert recording.call(1) == small_call(1, 1, 1)


def test_lines_in_the_wrong_place(folder: Path) -> None:
    lines = lines_of(folder)
    put_lines(folder, [lines[0], lines[0], lines[7], lines[1], lines[1], lines[-1]])
    recording = read_recording(folder)
    assert list(recording) == [Unloaded(0), MODULE, MODULE]
    assert recording.damage == [
        "a line is skipped: line 2: a second header",
        "line 3 is about module 0, which no line before it describes",
        "line 5: module 0 is there twice",
        "the footer counts 3 calls, 0 can be read",
    ]


def test_a_call_that_is_there_twice(folder: Path) -> None:
    lines = lines_of(folder)
    put_lines(folder, [*lines[:4], codec.encode(small_call(0, 0, 0)), *lines[4:]])
    assert read_recording(folder).damage == [
        "the footer counts 3 calls, 4 can be read",
        "call 0 is there twice",
    ]


def test_much_damage_is_told_in_few_words(folder: Path) -> None:
    lines = lines_of(folder)
    put_lines(folder, [lines[0], *(b"garbage %d\n" % number for number in range(1000))])
    damage = read_recording(folder).damage
    assert len(damage) == 101
    # 1000 lines and the missing footer.
    assert damage[-1] == "and 901 more like these"


def test_a_fault_may_bring_pages_too(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path / "trace", HEADER) as writer:
        writer.write(MODULE)
        writer.put(PAGE_OF_A)
        writer.write(Fault("reading", "the call was given up"))
        writer.write(small_call(0, 0, 0))
        writer.put(PAGE_OF_ZEROS)
    recording = read_recording(writer.path)
    assert recording.verify() == []
    assert recording.page(0) == PAGE_OF_A


# -- what is in the files -----------------------------------------------------------------------------------


def test_digests_are_those_of_the_whole_files_as_they_are_now(folder: Path) -> None:
    recording = read_recording(folder)
    for added in (b"", b"{}\n"):
        with (folder / "calls.jsonl").open("ab") as file:
            file.write(added)
        assert recording.digests() == {
            name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
            for name in ("calls.jsonl", "pages.bin")
        }


def test_a_file_that_is_not_there_has_no_digest(folder: Path) -> None:
    (folder / "pages.bin").unlink()
    assert list(read_recording(folder).digests()) == ["calls.jsonl"]


def test_the_line_of_a_call(folder: Path) -> None:
    recording = read_recording(folder)
    lines = lines_of(folder)
    # line_of() goes through the recording by itself where no iteration came to its end.
    for number, reached in [(call.number, recording.line) for call in recording.calls()]:
        line = recording.line_of(number)
        assert line is not None
        assert line == reached
        assert json.loads(lines[line - 1])["number"] == number
    assert recording.line_of(999) is None
