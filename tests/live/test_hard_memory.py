"""Real pykd and DbgEng at a machine that does not give all of its memory: what is missing has a reason."""

from pathlib import Path
from typing import List, Set

import pytest

from pykd_dumpfilt.checking import check
from pykd_dumpfilt.emulator import EmulatorDebugger, Scenario, Target
from pykd_dumpfilt.recording import Call, Record, read_recording
from pykd_dumpfilt.rules import Outcome, Verdict
from pykd_dumpfilt.trace import record

from ..lab.hardships import Hardships
from ..lab.live_recording import record_live
from ..lab.session import Lab
from ..lab.toolchain import build_filter

pytestmark = pytest.mark.live

NAME = "aes_xts"
SCENARIO = Scenario("hibernate", seed=3, calls=3, pages=4)
PFNS = 0x30  # where they begin behind an MDL on x64


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run with all of the memory in reach."""
    debugger = EmulatorDebugger(Target(build_filter(NAME).read_bytes(), NAME, SCENARIO))
    return record(debugger, NAME, tmp_path_factory.mktemp("undisturbed") / "run").path


def traced(lab: Lab, folder: Path, hardships: Hardships) -> Path:
    image = build_filter(NAME).read_bytes()
    return record_live(lab, image, NAME, SCENARIO, folder / "run", timeout=120, hardships=hardships).path


def records(path: Path) -> List[Record]:
    with read_recording(path) as recording:
        return list(recording)


def calls(path: Path) -> List[Call]:
    return [one for one in records(path) if isinstance(one, Call)]


def incomplete(path: Path) -> Set[str]:
    """The rules that could not look at everything; all the others must not mind."""
    result = check(path).result
    assert result.findings == ()
    return {one.rule for one in result.rules if one.outcome is Outcome.INCOMPLETE}


def test_buffers_are_read_where_they_are_mapped_when_physical_reads_are_refused(
    lab: Lab, tmp_path: Path, undisturbed: Path
) -> None:
    path = traced(lab, tmp_path, Hardships(refuse_physical=True))
    ours, whole = calls(path), calls(undisturbed)
    with read_recording(path) as hard, read_recording(undisturbed) as easy:
        for one, other in zip(ours, whole):
            assert one.exit is not None
            assert other.exit is not None
            for mine, theirs in ((one.entry, other.entry), (one.exit, other.exit)):
                assert [buffer.via for buffer in mine.buffers] == ["virtual"] * len(theirs.buffers)
                for buffer, same in zip(mine.buffers, theirs.buffers):
                    assert buffer.unreadable == {}
                    assert buffer.fallback is not None
                    assert "cannot be read" in buffer.fallback or "do not work here" in buffer.fallback
                    assert same.fallback is None
                    assert [hard.page(page) for page in buffer.pages if page is not None] == [
                        easy.page(page) for page in same.pages if page is not None
                    ]
    assert [one.number for one in ours] == list(range(15))
    assert check(path).verdict is Verdict.INCOMPLETE
    # Whether MappedSystemVa and the page frame numbers agree is all that cannot be known.
    assert incomplete(path) == {"DF-WRITE-004"}


def test_a_page_frame_that_cannot_be_read(lab: Lab, tmp_path: Path, undisturbed: Path) -> None:
    (_, _, write, *_) = [one for one in calls(undisturbed) if one.callbacks == ("Dump_Write",)]
    assert write.number == 4
    frame = int.from_bytes(write.entry.mdls[0].data[PFNS + 8 : PFNS + 16], "little") << 12
    path = traced(lab, tmp_path, Hardships(faulty_pages=frozenset({frame})))

    ours = calls(path)
    assert len(ours) == 15
    (buffer,) = ours[4].entry.buffers
    assert buffer.via == "physical"
    assert [page is None for page in buffer.pages] == [False, True, False, False]
    assert list(buffer.unreadable) == [1]
    assert f"{frame:#x}" in buffer.unreadable[1]
    # The filter's own buffer is elsewhere, and nothing else of the run uses that frame.
    for one in ours:
        for side in (one.entry, one.exit):
            assert side is not None
            assert one.number == 4 or all(not held.unreadable for held in side.buffers)
    assert incomplete(path) == {"DF-WRITE-001", "DF-WRITE-007", "DF-TRIP-001"}


def test_structures_that_cannot_be_read(lab: Lab, tmp_path: Path, undisturbed: Path) -> None:
    """FILTER_EXTENSION, FILTER_INITIALIZATION_DATA, DiskByteOffset and the MDL are all in one page here."""
    (first, *_) = [one for one in calls(undisturbed) if one.callbacks == ("Dump_Write",)]
    page = first.arguments[2] & ~0xFFF
    assert {argument & ~0xFFF for argument in first.arguments[:3]} == {page}
    path = traced(lab, tmp_path, Hardships(faulty_pages=frozenset({page})))

    ours, whole = calls(path), calls(undisturbed)
    # Every call is there all the same, with its arguments and its status.
    assert [(one.callbacks, one.arguments, one.status) for one in ours] == [
        (one.callbacks, one.arguments, one.status) for one in whole
    ]
    for one in ours:
        assert one.exit is not None
        for side in (one.entry, one.exit):
            pieces = [
                side.filter_extension,
                side.filter_initialization_data,
                side.disk_byte_offset,
                *side.mdls,
            ]
            assert all(piece.data == b"" for piece in pieces if piece is not None)
            assert all("cannot be read" in str(piece.missing) for piece in pieces if piece is not None)
    result = check(path).result
    assert result.findings == ()
    assert result.verdict is Verdict.INCOMPLETE
