"""Cut anywhere, hit anywhere, killed anywhere: what was complete is still there, and the rest is told."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import List

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pykd_dumpfilt.errors import RecordingError
from pykd_dumpfilt.recording import Call, read_recording

from .examples import HEADER, small_call, small_records, write_small

NO_FOOTER = (
    "there is no footer: the recording was not closed in good order, and calls at its end may be missing"
)


def test_lines_cut_at_every_byte(tmp_path: Path) -> None:
    folder = write_small(tmp_path / "trace")
    path = folder / "calls.jsonl"
    whole = path.read_bytes()
    ends = [at for at in range(len(whole)) if whole[at : at + 1] == b"\n"]
    for size in range(len(whole) - 1, -1, -1):
        os.truncate(path, size)
        if size < ends[0]:
            with pytest.raises(RecordingError, match=r"cannot read|is empty"):
                read_recording(folder)
            continue
        recording = read_recording(folder)
        assert recording.header == HEADER
        complete = sum(end <= size for end in ends)
        assert list(recording) == small_records()[: complete - 1]
        damage = recording.damage
        if size == ends[-1]:
            assert damage == ["line 9 lacks its line end; its content is complete"]
            continue
        assert damage[-1] == NO_FOOTER
        if size in ends[1:]:
            assert damage[:-1] == [f"line {complete} lacks its line end; its content is complete"]
        elif size == ends[complete - 1] + 1 or size == ends[0]:
            assert damage[:-1] == []
        else:
            rest = size - ends[complete - 1] - 1
            assert damage[:-1] == [f"line {complete + 1} is cut off after {rest} bytes; what it held is lost"]
        assert not recording.complete


def test_pages_cut_at_every_byte(tmp_path: Path) -> None:
    folder = write_small(tmp_path / "trace")
    # In the first page, where nothing is left to lose, only some.
    for size in [*range(2 * 4096 - 1, 4093, -1), *range(4093, 3, -53), 2, 1, 0]:
        os.truncate(folder / "pages.bin", size)
        recording = read_recording(folder)
        calls = list(recording.calls())
        if size >= 4096:
            assert calls == [small_call(0, 0, 0)]
            assert recording.damage == [
                "call 2 (line 5) is skipped: pages.bin ends before its page 1",
                "call 1 (line 7) is skipped: pages.bin ends before its page 1",
                "the footer counts 3 calls, 1 can be read",
                "pages.bin holds 1 whole pages of 2",
            ]
        else:
            assert calls == []
            assert recording.damage[0] == "call 0 (line 4) is skipped: pages.bin ends before its page 0"
            assert recording.damage[-1] == "pages.bin holds 0 whole pages of 2"


def read_all(folder: Path) -> None:
    """Use all that a reader offers; only a RecordingError may come out of it."""
    try:
        recording = read_recording(folder)
        for record in recording:
            if isinstance(record, Call):
                for buffer in record.entry.buffers:
                    for page in buffer.pages:
                        try:
                            assert page is None or len(recording.page(page)) == 4096
                        except RecordingError:
                            pass
        assert isinstance(recording.verify(), list)
        recording.call(0)
    except RecordingError:
        pass


@settings(max_examples=200)
@given(data=st.data())
def test_flipped_and_foreign_bytes_raise_nothing_else(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp() / "flipped.dumpfilt"
    if not (folder / "whole").exists():
        write_small(folder)
        (folder / "calls.jsonl").rename(folder / "whole")
    content = bytearray((folder / "whole").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        how = data.draw(st.sampled_from(["flip", "overwrite", "insert", "delete", "digit"]))
        if how == "flip":
            content[at] ^= 1 << data.draw(st.integers(0, 7))
        elif how == "overwrite":
            foreign = data.draw(st.binary(min_size=1, max_size=8))
            content[at : at + len(foreign)] = foreign
        elif how == "insert":
            content[at:at] = data.draw(
                st.binary(max_size=8) | st.sampled_from([b"9" * 400, b"[" * 5000, b"\n"])
            )
        elif how == "delete":
            del content[at : at + data.draw(st.integers(1, 200))]
        else:
            digits = [index for index, byte in enumerate(content) if byte in b"0123456789"]
            content[data.draw(st.sampled_from(digits))] = data.draw(
                st.sampled_from(list(b'0123456789-.e"[{'))
            )
    (folder / "calls.jsonl").write_bytes(content)
    read_all(folder)


@settings(max_examples=50)
@given(content=st.binary(max_size=200))
def test_garbage_raises_nothing_else(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.getbasetemp() / "garbage.dumpfilt"
    folder.mkdir(exist_ok=True)
    (folder / "calls.jsonl").write_bytes(content)
    (folder / "pages.bin").write_bytes(content)
    read_all(folder)


WRITER = """
import os, sys
from pathlib import Path
from tests.recording.examples import HEADER, MODULE, small_call
from pykd_dumpfilt.recording import RecordingWriter
writer = RecordingWriter(Path(sys.argv[1]), HEADER)
writer.write(MODULE)
stop = int(sys.argv[2])
for number in range(100000):
    page = writer.put(number.to_bytes(4, "little") * 1024)
    if number == stop:
        os._exit(3)
    writer.write(small_call(number, page, page))
    os.write(1, b".")
"""


def check_killed(folder: Path, acknowledged: int) -> None:
    recording = read_recording(folder)
    calls: List[Call] = list(recording.calls())
    assert acknowledged <= len(calls)
    assert calls == [small_call(number, number, number) for number in range(len(calls))]
    for call in calls:
        assert recording.page(call.number) == call.number.to_bytes(4, "little") * 1024
    assert recording.damage[-1] == NO_FOOTER
    assert len(recording.damage) <= 2


def start(folder: Path, stop: int) -> "subprocess.Popen[bytes]":
    root = Path(__file__).resolve().parents[2]
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), str(stop)], cwd=root, stdout=subprocess.PIPE
    )


def test_a_writer_that_exits_in_the_middle_leaves_all_that_it_wrote(tmp_path: Path) -> None:
    process = start(tmp_path / "trace", 20)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 3
    assert output == b"." * 20
    check_killed(tmp_path / "trace", 20)
    # The page of the call that was not written any more is nobody's.
    assert (tmp_path / "trace.dumpfilt" / "pages.bin").stat().st_size == 21 * 4096


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
@pytest.mark.parametrize("seed", range(4))
def test_a_killed_writer_leaves_all_that_it_wrote(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    process = start(tmp_path / "trace", -1)
    assert process.stdout is not None
    acknowledged = 0
    goal = chance.randrange(1, 300)
    while acknowledged < goal:
        acknowledged += len(process.stdout.read1(chance.randrange(1, 50)))  # type: ignore[attr-defined]
    process.send_signal(signal.SIGKILL)
    acknowledged += len(process.stdout.read())
    process.wait(60)
    process.stdout.close()
    check_killed(tmp_path / "trace", acknowledged)
