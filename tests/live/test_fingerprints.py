"""A fault that is recorded again has the fingerprint that it had: real filters, two runs unlike each other.

Another seed varies sizes, disk offsets, page frames, addresses and data, and with these every call's number.
"""

from pathlib import Path
from typing import Set

import pytest

from pykd_dumpfilt.checking import Report, check
from pykd_dumpfilt.emulator import EmulatorDebugger, Scenario, Target
from pykd_dumpfilt.reports.sarif import sarif_object
from pykd_dumpfilt.trace import record

from ..lab.toolchain import build_filter

pytestmark = pytest.mark.live


def fingerprints(name: str, rule: str, seed: int, folder: Path) -> Set[str]:
    plain = Path(name).name
    scenario = Scenario(kind="hibernate", seed=seed, calls=12)
    target = Target(image=build_filter(name).read_bytes(), name=plain, scenario=scenario)
    path = record(EmulatorDebugger(target), plain, folder / f"{plain}{seed}").path
    results = sarif_object(Report((check(path),)))["runs"][0]["results"]
    return {one["partialFingerprints"]["dumpfiltFault/v1"] for one in results if one["ruleId"] == rule}


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("faulty/clobbers_r15_when_scattered", "DF-CALL-003"),
        ("faulty/counts_in_the_extension", "DF-CALL-002"),
        ("faulty/one_byte_past_the_end", "DF-READ-003"),
        ("faulty/pending_for_one_sector", "DF-CALL-001"),
        ("faulty/start_va_inside_the_page", "DF-WRITE-003"),
        ("forgets_last_sector", "DF-TRIP-001"),
    ],
)
def test_two_seeds_give_the_same(name: str, rule: str, compiler: Path, tmp_path: Path) -> None:
    one, two = (fingerprints(name, rule, seed, tmp_path) for seed in (1, 2))
    assert one == two
    assert len(one) == 1
