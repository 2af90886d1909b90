"""Fingerprints: the same fault has the same, another fault has another."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict

import pytest

from pykd_dumpfilt.reports._fingerprint import fingerprint
from pykd_dumpfilt.rules import Finding, Level

from .examples import failing
from .report_examples import judged

REGISTER = Finding(
    "DF-CALL-003",
    Level.ERROR,
    7,
    "Dump_Write",
    "Dump_Write broke the x64 calling convention: rbx",
    {"registers": [{"register": "rbx", "expected": "0x1", "found": "0xfffff80031000000"}]},
)


def of(finding: Finding = REGISTER, filter_name: str = "myfilt", **changes: Any) -> str:
    return fingerprint(filter_name, replace(finding, **changes))


def with_evidence(evidence: Dict[str, Any]) -> str:
    return of(evidence=evidence)


def test_the_value_stays_as_it_is() -> None:
    """A change makes every known fault new to those who compare: then the name must change too."""
    assert of() == "b9fa1ece75845f949502a71e79387ec0c25ca47e812e489c0c1bf6c4b4c8bd99"


def test_it_is_the_same_in_every_process(tmp_path: Path) -> None:
    program = "from tests.reports.test_fingerprint import of; import sys; sys.stdout.write(of())"
    seen = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=str(Path(__file__).resolve().parents[2]),
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            stdout=subprocess.PIPE,
            check=True,
        ).stdout.decode()
        for seed in ("1", "2")
    }
    assert seen == {of()}


def test_the_same_fault_recorded_again_is_the_same() -> None:
    assert of(call=900, message="in other words") == of()
    assert of(evidence={"registers": [{"register": "rbx", "expected": "0x9", "found": "0x0"}]}) == of()
    assert of(filter_name="MyFilt") == of()


def test_a_round_trip_that_fails_elsewhere_is_the_same_fault(tmp_path: Path) -> None:
    script = failing()
    moved = failing()
    moved.records = moved.records[:1]
    moved.number = 0
    moved.plain("Dump_Start")
    moved.write(0x77000, b"other data" * 512)
    moved.read(0x77000, b"other data" * 511 + b"faulty!!!!")
    one = judged(tmp_path, "one", script).result.findings[0]
    two = judged(tmp_path, "two", moved).result.findings[0]
    assert one.evidence["disk_offset"] != two.evidence["disk_offset"]
    assert fingerprint("myfilt", one) == fingerprint("myfilt", two)


def test_another_fault_is_another() -> None:
    all_of_them = {
        of(),
        of(rule="DF-CALL-002"),
        of(filter_name="other"),
        of(callback="Dump_Read"),
        with_evidence({"registers": [{"register": "r12"}]}),
        with_evidence({"registers": [{"register": "r15"}]}),
        with_evidence({"registers": [{"register": "xmm6"}]}),
        with_evidence({"registers": [{"register": "rbx"}, {"register": "r12"}]}),
        with_evidence({"status": "0x00000103", "name": "STATUS_PENDING"}),
        with_evidence({"status": "0x80000005", "name": "STATUS_BUFFER_OVERFLOW"}),
        with_evidence({"problem": "pages twice"}),
        with_evidence({"problem": "larger than MaxPagesPerWrite"}),
        with_evidence({"inside": True}),
        with_evidence({"inside": False}),
    }
    assert len(all_of_them) == 14


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({"pfn": None}, {"pfn": "0x1a90"}),
        ({"known_shape": None}, {"known_shape": "a page of zeros"}),
        ({"kept_shape": "zeros"}, {"kept_shape": None}),
        (
            {"byte": 5, "expected": "00ff", "got": "cccc"},
            {"byte": 9, "expected": "aabb", "got": "deadbeefcafe"},
        ),
        ({"pfns": ["0x1"]}, {"pfns": ["0x7", "0x8", "0x9"]}),
        ({"changes": [{"field": "PFN[3]"}]}, {"changes": [{"field": "PFN[4]"}, {"field": "PFN[5]"}]}),
        ({"problem": "ends at 0x5000, past 16 pages"}, {"problem": "ends at 0x51086ac00, past 4 pages"}),
        ({"id": "7a1d6b5e-3c2f-4180-a9c4-d6f01b2e3d4c"}, {"id": "00000000-0000-0000-0000-000000000001"}),
        ({"flags": "0x1", "major_version": 1}, {"flags": "0x3", "major_version": 2}),
    ],
)
def test_numbers_and_bytes_do_not_count(one: Dict[str, Any], two: Dict[str, Any]) -> None:
    assert with_evidence(one) == with_evidence(two)


def test_hostile_text_does_no_harm() -> None:
    assert len(of(callback="\ud800\x00", evidence={"\ud800": ["\udfff", {"a": "\x00"}]})) == 64
