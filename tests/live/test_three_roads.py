"""One filter, three roads, one verdict.

The same ``.sys`` and scenario traced (1) by real pykd and DbgEng over the KD protocol, (2) by the emulator
directly, and (3) replayed from both recordings must give equal calls and equal findings.
"""

import json
from pathlib import Path
from typing import Any, Dict, List, NamedTuple

import pytest

from pykd_dumpfilt.checking import check
from pykd_dumpfilt.emulator import EmulatorDebugger, Scenario, Target
from pykd_dumpfilt.live import LiveJudge
from pykd_dumpfilt.recording import Call, Record, Recording, read_recording
from pykd_dumpfilt.structures import Machine
from pykd_dumpfilt.trace import Limits, record

from ..lab.session import Lab, LiveSession
from ..lab.toolchain import build_filter, filter_names
from ..lab.wine import windows_path
from .guest_judge import RESULT
from .judging import outcome, plain_findings

pytestmark = pytest.mark.live

GUEST = Path(__file__).with_name("guest_judge.py")
TIMEOUT = 240.0


class Case(NamedTuple):
    filter: str
    kind: str
    verdict: str
    around: int = 0
    seed: int = 7

    @property
    def name(self) -> str:
        return self.filter.rpartition("/")[2]


CASES = (
    Case("aes_xts", "hibernate", "pass"),
    Case("aes_xts", "crash", "not exercised"),
    Case("pass_through", "hibernate", "pass"),
    Case("forgets_last_sector", "hibernate", "fail"),
    Case("no_symbols", "hibernate", "pass"),
    Case("write_only", "hibernate", "not exercised"),
    Case("folded", "hibernate", "not exercised"),
    Case("rebuilds_mdl", "hibernate", "pass"),
    Case("puts_back", "hibernate", "pass"),
    Case("finishes_at_unload", "hibernate", "pass"),
    Case("transfers_only", "hibernate", "pass"),
    Case("remaps_offset", "hibernate", "not exercised"),
    Case("not_needed", "hibernate", "not exercised"),
    Case("skips_the_header", "hibernate", "pass"),
    Case("faulty/one_byte_into_the_next_page", "hibernate", "fail", around=1, seed=4),
)


def test_every_lab_filter_takes_the_three_roads() -> None:
    assert sorted({case.filter for case in CASES if case.name == case.filter}) == filter_names()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name}-{case.kind}")
def test_live_emulated_and_replayed_agree(case: Case, lab: Lab, tmp_path: Path) -> None:
    image = build_filter(case.filter).read_bytes()
    scenario = Scenario(case.kind, seed=case.seed, calls=3, pages=3)

    live_path = tmp_path / "live.dumpfilt"
    with LiveSession(lab, Target(image, case.name, scenario)) as session:
        done = session.run(GUEST, [case.name, windows_path(live_path), str(case.around)], timeout=TIMEOUT)
        assert session.server.left_behind() == []
    live = result_line(done.output)
    assert live.pop("faults") == [], done.output

    judge = LiveJudge(Machine.X64)
    debugger = EmulatorDebugger(Target(image, case.name, scenario))
    emulated_path = record(
        debugger, case.name, tmp_path / "emulated", limits=Limits(around=case.around), observer=judge.feed
    ).path
    emulated = outcome(judge)

    live_records, emulated_records = records(live_path), records(emulated_path)
    assert any(isinstance(one, Call) for one in live_records)
    assert live_records == emulated_records
    assert pages(live_path) == pages(emulated_path)

    assert live["verdict"] == case.verdict
    assert live == emulated
    for path in (live_path, emulated_path):
        replayed = check(path)
        assert replayed.damage == ()
        assert {
            "verdict": replayed.verdict.value,
            "findings": plain_findings(replayed.result.findings),
        } == live


def result_line(output: str) -> Dict[str, Any]:
    lines = [line for line in output.splitlines() if line.startswith(RESULT)]
    assert len(lines) == 1, output
    result: Dict[str, Any] = json.loads(lines[0][len(RESULT) :])
    return result


def records(path: Path) -> List[Record]:
    with read_recording(path) as recording:
        return list(recording)


def pages(path: Path) -> bytes:
    return (path / "pages.bin").read_bytes()


def test_the_forgotten_sector_is_named(lab: Lab, tmp_path: Path) -> None:
    """The message of a failure names call, disk offset, page, byte and PFN."""
    image = build_filter("forgets_last_sector").read_bytes()
    debugger = EmulatorDebugger(Target(image, "forgets_last_sector", Scenario("hibernate", calls=2, pages=1)))
    path = record(debugger, "forgets_last_sector", tmp_path / "run").path
    finding = check(path).result.findings[0]
    recording: Recording = read_recording(path)
    call = recording.call(finding.call)
    assert finding.rule == "DF-TRIP-001"
    for word in (f"call {call.number}", "disk offset 0x", "page ", "(PFN 0x", "byte 0x"):
        assert word in finding.message
