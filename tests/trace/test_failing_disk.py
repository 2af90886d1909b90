"""A disk that fails while a trace runs: the target goes on and is left clean, and what is lost is told."""

from pathlib import Path
from typing import List, Tuple

import pytest

from pykd_dumpfilt.emulator import EmulatorDebugger, Scenario, Target
from pykd_dumpfilt.errors import RecordingError
from pykd_dumpfilt.recording import Call, Record, read_recording
from pykd_dumpfilt.trace import Selection, Session, TraceStatus, record

from ..emulator.code import ALL_FIVE
from ..emulator.pe_writer import dump_filter
from ..recording.failing_disk import FAULTS, FailingDisk, Fault

SCENARIO = Scenario("crash", calls=3, pages=2)
DISK_FAULTS = [fault for fault in FAULTS if isinstance(fault.error, OSError)]


def target() -> Target:
    return Target(dump_filter(ALL_FIVE).image(), "probe", SCENARIO)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Tuple[List[Record], int]:
    """The records of a run that nothing disturbs, and how many system calls wrote them."""
    with FailingDisk() as disk:
        summary = record(EmulatorDebugger(target()), "probe", tmp_path_factory.mktemp("whole") / "run")
    assert summary.status.failure is None
    return list(read_recording(summary.path)), len(disk.calls)


def traced(path: Path, at: int, fault: Fault) -> Tuple[TraceStatus, List[str]]:
    """A trace on a disk with a fault; the target must run to its end and be clean then."""
    told: List[str] = []
    debugger = EmulatorDebugger(target())
    with FailingDisk(at, fault) as disk:
        session = Session(debugger, "probe", path, on_failure=told.append)
        assert debugger.run().detail == "the scenario ran to its end"
        status = session.stop("the target ended")
        session.stop("a second time")
    assert disk.struck
    assert (status.armed, status.breakpoints, debugger._breakpoints) == (False, 0, [])
    return status, told


def calls_of(records: List[Record]) -> List[Call]:
    return [one for one in records if isinstance(one, Call)]


def test_at_every_system_call_the_target_goes_on_and_what_was_recorded_stays(
    whole: Tuple[List[Record], int], tmp_path: Path
) -> None:
    records, count = whole
    assert len(calls_of(records)) == 7
    assert count > 25
    for at in range(3, count):
        fault = DISK_FAULTS[at % len(DISK_FAULTS)]
        status, told = traced(tmp_path / str(at), at, fault)
        recording = read_recording(tmp_path / f"{at}.dumpfilt")
        kept = list(recording)
        assert kept == records[: len(kept)], (at, fault.name)
        assert len(calls_of(kept)) + status.lost == 7, (at, fault.name)
        if status.failure is None:
            # Of closing a file that the disk has confirmed nothing is to be told.
            assert at >= count - 2
            assert recording.verify() == []
            continue
        assert str(tmp_path / f"{at}.dumpfilt") in status.failure
        assert fault.error.args[1] in status.failure
        # At once, while something can be done about it; of what fails in closing whoever closes is told.
        assert told == ([status.failure] if at < count - 5 else []), (at, fault.name)
        if recording.footer is not None:
            assert recording.footer.lost == status.lost
            assert recording.verify() == []
        else:
            assert "there is no footer" in recording.damage[-1]


def test_a_recording_that_cannot_be_begun_leaves_nothing_armed(tmp_path: Path) -> None:
    for at in range(3):
        debugger = EmulatorDebugger(target())
        with FailingDisk(at), pytest.raises(RecordingError, match="cannot create a recording in"):
            Session(debugger, "probe", tmp_path / "run")
        assert debugger._breakpoints == []
        assert list(tmp_path.iterdir()) == []


def test_an_end_by_itself_is_told_though_the_recording_cannot_be_closed(tmp_path: Path) -> None:
    ended: List[str] = []
    debugger = EmulatorDebugger(target())
    session = Session(
        debugger, "probe", tmp_path / "run", selection=Selection(max_hits=2), on_end=ended.append
    )
    with FailingDisk("fsync"):
        debugger.run()
    assert ended == ["2 calls were captured, as many as wanted"]
    status = session.status()
    assert (status.armed, debugger._breakpoints) == (False, [])
    assert status.failure is not None
    assert status.failure.startswith(f"cannot finish {tmp_path / 'run.dumpfilt'}: No space left on device. ")


def test_a_run_of_its_own_gives_its_summary_though_the_recording_cannot_be_closed(
    whole: Tuple[List[Record], int], tmp_path: Path
) -> None:
    with FailingDisk(whole[1] - 4):
        summary = record(EmulatorDebugger(target()), "probe", tmp_path / "run")
    assert sum(summary.status.calls.values()) == 7
    assert summary.status.failure is not None
    assert "lacks its footer" in summary.status.failure


def test_a_folder_that_is_gone_has_no_size(tmp_path: Path) -> None:
    session = Session(EmulatorDebugger(target()), "probe", tmp_path / "run")
    sizes = [session.size]
    session.path.rename(tmp_path / "elsewhere")
    sizes.append(session.size)
    assert [size is None for size in sizes] == [False, True]
    session.stop("done")
