"""Judging as calls come: the same findings as a check, at any moment, and never a reason to stop."""

import shutil
import time
from pathlib import Path
from typing import List

import pytest

from pykd_dumpfilt.checking import check
from pykd_dumpfilt.decoded import DecodedCall
from pykd_dumpfilt.emulator import EmulatorDebugger, Scenario, Target
from pykd_dumpfilt.live import LiveJudge
from pykd_dumpfilt.recording import Call, PageStore, Record, read_recording
from pykd_dumpfilt.rules import Verdict
from pykd_dumpfilt.rules.round_trip import RoundTrip
from pykd_dumpfilt.structures import Machine
from pykd_dumpfilt.trace import Session

from .emulator.code import ALL_FIVE, SUCCESS
from .emulator.pe_writer import dump_filter

FIXTURES = sorted((Path(__file__).resolve().parent.parent / "fixtures").glob("*.dumpfilt"))
BROKEN = {**ALL_FIVE, "Dump_Read": SUCCESS}
"""It inverts what is written, in place, and gives it back as it is on the disk."""


def target(calls: int = 4, pages: int = 2) -> Target:
    scenario = Scenario("hibernate", calls=calls, pages=pages)
    return Target(dump_filter(BROKEN, major=2).image(), "probe", scenario)


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: str(path.stem))
def test_findings_are_those_of_a_check(path: Path) -> None:
    judge = LiveJudge(Machine.X64)
    with read_recording(path) as recording:
        for record in recording:
            judge.feed(record, recording)
            # As the user asks for the status now and then.
            judge.result()
        lost = recording.footer.lost if recording.footer else 0
    assert judge.failure is None
    assert judge.result(lost) == check(path).result


def test_at_any_moment_they_are_those_of_a_check_of_the_recording_so_far(tmp_path: Path) -> None:
    judge = LiveJudge(Machine.X64)
    compared: List[int] = []

    def observe(record: Record, pages: PageStore) -> None:
        judge.feed(record, pages)
        if isinstance(record, Call):
            copy = tmp_path / "now.dumpfilt"
            shutil.copytree(str(session.path), str(copy))
            so_far = judge.result()
            assert so_far is not None
            assert so_far.findings == check(copy).result.findings
            shutil.rmtree(str(copy))
            compared.append(len(so_far.findings))

    debugger = EmulatorDebugger(target())
    session = Session(debugger, "probe", tmp_path / "run", observer=observe)
    debugger.run()
    status = session.stop("done")
    assert status.faults == ()
    result = judge.result()
    assert result == check(session.path).result
    assert result is not None
    assert result.verdict is Verdict.FAIL
    assert compared[0] == 0
    assert compared[-1] == len(result.findings) > 3


@pytest.mark.parametrize(
    "error", [ValueError("a bug"), RecursionError(), MemoryError(), SystemExit(1)], ids=lambda one: repr(one)
)
def test_a_rule_that_raises_ends_judging_and_nothing_else(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: List[int] = []

    def fail(self: RoundTrip, call: DecodedCall) -> None:
        asked.append(call.number)
        raise error

    judge = LiveJudge(Machine.X64)
    debugger = EmulatorDebugger(target())
    with monkeypatch.context() as patch:
        patch.setattr(RoundTrip, "check", fail)
        session = Session(debugger, "probe", tmp_path / "run", observer=judge.feed)
        debugger.run()
        status = session.stop("done")
        so_far = judge.result()
    assert status.faults == ()
    assert len(asked) == 1
    assert judge.failure is not None
    assert judge.failure.startswith(type(error).__name__)
    assert so_far is not None
    assert any("judging ended before the trace did" in reason for reason in so_far.reasons)
    # Nothing is missing of the recording.
    assert check(session.path).verdict is Verdict.FAIL


def test_judging_takes_less_than_a_stop(tmp_path: Path) -> None:
    """Without a wire a stop is as cheap as can be; with one it is dearer by far, and judging is the same."""
    judge = LiveJudge(Machine.X64)
    debugger = EmulatorDebugger(target(calls=60, pages=16))
    session = Session(debugger, "probe", tmp_path / "run", observer=judge.feed)
    began = time.perf_counter()
    debugger.run()
    whole = time.perf_counter() - began
    status = session.stop("done")
    assert status.hits > 200
    assert 0 < judge.seconds < status.seconds < whole
    # 8 ms to 20 ms a stop is what the lab's debugger takes.
    assert judge.seconds / status.hits < 0.008
