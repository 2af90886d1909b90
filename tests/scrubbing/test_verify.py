"""What may differ between a recording and its scrubbed twin, and what may not."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pykd_dumpfilt.checking import CheckResult, check
from pykd_dumpfilt.rules import RULES, Outcome, Verdict
from pykd_dumpfilt.scrubbing._verify import CONTENTS, differences

from ..reports.examples import failing, passing, write


def changed(checked: CheckResult, rule: str, **changes: Any) -> CheckResult:
    """The same with other values in one rule's result."""
    rules = tuple(replace(one, **changes) if one.rule == rule else one for one in checked.result.rules)
    return replace(checked, result=replace(checked.result, rules=rules))


@pytest.fixture
def bad(tmp_path: Path) -> CheckResult:
    return check(write(tmp_path / "bad", failing()))


def with_evidence(checked: CheckResult, **changes: Any) -> CheckResult:
    (finding,) = checked.result.findings
    other = replace(finding, message="in other words", evidence={**finding.evidence, **changes})
    return changed(checked, "DF-TRIP-001", findings=(other,))


def test_every_key_that_holds_contents_is_known() -> None:
    told = {
        (rule.id, key)
        for rule in RULES
        for key, what in rule.evidence.items()
        if "16 bytes" in what or "registers" in what
    }
    assert {(rule, key) for rule, keys in CONTENTS.items() for key in keys} == told


def test_bytes_may_be_other_ones(bad: CheckResult) -> None:
    assert differences(bad, with_evidence(bad, got="a1" * 16), damaged=False) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"disk_offset": 0x2001},
        {"differing_bytes": 511},
        {"known_shape": "a crash dump header (PAGEDU64)"},
        {"got": "cc" * 15},
        {"got": "00" + "cc" * 15},
    ],
)
def test_places_counts_and_zeros_may_not(bad: CheckResult, changes: Any) -> None:
    (told,) = differences(bad, with_evidence(bad, **changes), damaged=False)
    assert told.startswith("DF-TRIP-001, call 1: ")


@pytest.mark.parametrize("changes", [{"calls_checked": 2}, {"unjudged": 1}, {"notes": ("another",)}])
def test_what_was_judged_may_differ_of_a_damaged_one(bad: CheckResult, changes: Any) -> None:
    other = changed(bad, "DF-READ-004", **changes)
    assert len(differences(bad, other, damaged=False)) == 1
    assert differences(bad, other, damaged=True) == []


def test_of_a_damaged_one_a_rule_may_say_that_it_cannot_tell(tmp_path: Path) -> None:
    good = check(write(tmp_path / "good", passing()))
    other = changed(good, "DF-READ-003", outcome=Outcome.INCOMPLETE)
    other = replace(other, result=replace(other.result, verdict=Verdict.INCOMPLETE))
    assert len(differences(good, other, damaged=False)) == 2
    assert differences(good, other, damaged=True) == []


def test_a_finding_may_never_be_lost(bad: CheckResult) -> None:
    lost = changed(bad, "DF-TRIP-001", findings=(), found=0, by_callback={}, outcome=Outcome.PASS)
    lost = replace(lost, result=replace(lost.result, verdict=Verdict.PASS))
    for damaged in (False, True):
        told = differences(bad, lost, damaged)
        assert "the verdict is pass, and was fail" in told
        assert "DF-TRIP-001: pass, and was fail" in told
        assert "DF-TRIP-001: findings {}, and was {'Dump_Read': 1}" in told


def test_many_differences_are_not_all_told(bad: CheckResult) -> None:
    other = bad
    for rule in RULES:
        other = changed(other, rule.id, calls_checked=99)
    told = differences(bad, other, damaged=False)
    assert (len(told), told[-1]) == (9, "and more")
