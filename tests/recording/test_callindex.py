"""Calls found without an entry for each, and numbers that come twice."""

from pathlib import Path
from typing import List, Set

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pykd_dumpfilt.errors import RecordingError
from pykd_dumpfilt.recording import Call, RecordingWriter, _callindex, read_recording
from pykd_dumpfilt.recording._callindex import CallIndex, Numbers

from .examples import HEADER, MODULE, PAGE_OF_A, PAGE_OF_ZEROS, small_call


@settings(max_examples=200)
@given(st.lists(st.integers(0, 40)))
def test_numbers_against_a_set(numbers: List[int]) -> None:
    seen = Numbers()
    known: Set[int] = set()
    for number in numbers:
        assert seen.add(number) == (number not in known)
        known.add(number)
    assert not seen.lost_track


def test_numbers_stay_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_callindex, "_MAX_GAPS", 10)
    seen = Numbers()
    assert all(seen.add(number) for number in range(1, 101, 2))
    assert seen.lost_track
    assert len(seen._starts) == 10
    # In a gap that was dropped nothing is taken for a second time.
    assert seen.add(98)


def test_stretches_hold_64_calls() -> None:
    index = CallIndex()
    for number in (*range(99), 100, 99, 101):
        index.add(number, 1000 + number, 2 + number, 3 * number)
    assert index.calls == 102
    assert list(index.stretches(63)) == [(1000, 2, 0, 64)]
    assert list(index.stretches(99)) == [(1064, 66, 192, 38)]
    assert list(index.stretches(102)) == []


def test_each_call_is_found(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path / "run", HEADER) as writer:
        writer.write(MODULE)
        before, after = writer.put(PAGE_OF_ZEROS), writer.put(PAGE_OF_A)
        # Every tenth call lies within the one before it, and so ends first; call 55 was lost.
        for tens in range(0, 200, 10):
            for number in (*range(tens, tens + 8), tens + 9, tens + 8):
                if number != 55:
                    writer.write(small_call(number, before, after))
    recording = read_recording(tmp_path / "run")
    assert recording.damage == []
    for number in (0, 8, 9, 54, 63, 64, 65, 68, 69, 127, 128, 199):
        found = recording.call(number)
        assert isinstance(found, Call)
        assert found.number == number
    with pytest.raises(RecordingError, match="holds no call 55; it holds 199 calls"):
        recording.call(55)


def test_a_recording_that_changes_behind_the_index(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path / "run", HEADER) as writer:
        writer.write(MODULE)
        before, after = writer.put(PAGE_OF_ZEROS), writer.put(PAGE_OF_A)
        for number in range(70):
            writer.write(small_call(number, before, after))
    recording = read_recording(tmp_path / "run")
    assert recording.complete
    lines = (writer.path / "calls.jsonl").read_bytes().splitlines(keepends=True)
    (writer.path / "calls.jsonl").write_bytes(b"".join(lines[:69]))
    with pytest.raises(RecordingError, match=r"calls\.jsonl has changed; open it again"):
        recording.call(69)
