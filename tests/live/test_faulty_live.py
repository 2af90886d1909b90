"""A dozen faulty filters through real pykd and DbgEng: caught there as in the emulator, with equal findings.

All of them run in the emulator (test_proof); here is the proof that the road does not matter. Scenarios are
as short as the fault allows.
"""

from pathlib import Path
from typing import NamedTuple

import pytest

from pykd_dumpfilt.checking import check
from pykd_dumpfilt.emulator import EmulatorDebugger, Scenario, Target
from pykd_dumpfilt.trace import record

from ..lab.live_recording import record_live
from ..lab.session import Lab
from ..lab.toolchain import build_filter

pytestmark = pytest.mark.live


class Faulty(NamedTuple):
    name: str
    rule: str
    calls: int
    seed: int


FAULTY = (
    Faulty("finish_in_the_pool", "DF-REG-003", 1, 1),
    Faulty("pending_for_one_sector", "DF-CALL-001", 1, 4),
    Faulty("renews_dump_data", "DF-CALL-002", 1, 1),
    Faulty("clobbers_rbx_on_error", "DF-CALL-003", 2, 2),
    Faulty("loses_xmm6_in_whole_pages", "DF-CALL-003", 1, 1),
    Faulty("releases_its_lock_to_passive", "DF-CALL-004", 2, 2),
    Faulty("returns_past_its_caller", "DF-CALL-006", 2, 2),
    Faulty("encrypts_in_place_and_back", "DF-WRITE-001", 2, 1),
    Faulty("drops_last_sector", "DF-WRITE-002", 2, 2),
    Faulty("leaves_mapped_system_va", "DF-WRITE-004", 1, 1),
    Faulty("restores_offset_too_late", "DF-READ-001", 1, 2),
    Faulty("corrects_start_va", "DF-READ-002", 1, 2),
    Faulty("one_byte_past_the_end", "DF-READ-003", 1, 2),
    Faulty("counts_into_the_data", "DF-READ-004", 2, 3),
    Faulty("flips_a_bit_when_scattered", "DF-TRIP-001", 2, 2),
)


@pytest.mark.parametrize("faulty", FAULTY, ids=lambda faulty: str(faulty.name))
def test_caught_by_its_rule_on_the_live_road(faulty: Faulty, lab: Lab, tmp_path: Path) -> None:
    image = build_filter(f"faulty/{faulty.name}").read_bytes()
    scenario = Scenario("hibernate", seed=faulty.seed, calls=faulty.calls, pages=2)
    live = check(record_live(lab, image, faulty.name, scenario, tmp_path / "live").path).result
    target = Target(image, faulty.name, scenario)
    emulated = check(record(EmulatorDebugger(target), faulty.name, tmp_path / "emulated").path).result
    assert faulty.rule in {finding.rule for finding in live.findings}
    assert live.verdict.value == "fail"
    assert live == emulated


def test_a_bug_check_is_told_on_the_live_road(lab: Lab, tmp_path: Path) -> None:
    """DbgEng breaks in, as at any bug check; when the tracer is stopped it asks for code and parameters."""
    image = build_filter("faulty/bug_checks_for_odd_sizes").read_bytes()
    scenario = Scenario("hibernate", seed=2, calls=4, pages=2)
    live = record_live(lab, image, "bug_checks_for_odd_sizes", scenario, tmp_path / "live")
    assert live.stopped.reason == "bugcheck"
    result = check(live.path).result
    (finding,) = [one for one in result.findings if one.rule == "DF-CALL-005"]
    assert finding.callback == "Dump_Write"
    assert finding.evidence["code"] == "0xa0"
    assert [int(text, 16) for text in finding.evidence["parameters"]] == list(live.stopped.parameters)
    assert result.verdict.value == "fail"
