"""DF-CALL-004, DF-CALL-005 and DF-CALL-006: how a call ends."""

from dataclasses import replace
from typing import Optional

import pytest

from pykd_dumpfilt.recording import CALLBACKS, BugCheck
from pykd_dumpfilt.rules.ending import IrqlKept, NoBugCheck, ReturnsToCaller

from .contract_examples import AT_ENTRY, AT_RETURN, by, plain, plain_side
from .examples import Script, findings, outcome

CHECK = BugCheck(0xA0, (0x10A, 0xA, 0, 0xC000009C))


def at_irql(script: Script, before: Optional[int], after: Optional[int], callback: str = "Dump_Read") -> None:
    """A call with these values of CR8; None where the debugger gave none."""
    entry = {**AT_ENTRY, **({} if before is None else {"cr8": before})}
    done = {**AT_RETURN, **({} if after is None else {"cr8": after})}
    plain(
        script,
        callback,
        entry=replace(plain_side(), registers=entry),
        exit=replace(plain_side(), registers=done),
    )


@pytest.mark.parametrize("callback", CALLBACKS)
@pytest.mark.parametrize("irql", [0, 2, 15])
def test_the_same_irql_passes_whatever_it_is(callback: str, irql: int) -> None:
    script = Script()
    at_irql(script, irql, irql, callback)
    assert outcome(by(IrqlKept, script), "DF-CALL-004") == ("pass", 1)


@pytest.mark.parametrize(("before", "after"), [(15, 2), (0, 2), (15, 0)])
def test_another_irql_fails(before: int, after: int) -> None:
    script = Script()
    at_irql(script, before, after)
    (finding,) = findings(by(IrqlKept, script), "DF-CALL-004")
    assert f"Dump_Read was called at IRQL {before} and returned at IRQL {after}:" in finding.message
    assert finding.evidence == {"before": before, "after": after}


@pytest.mark.parametrize(("before", "after"), [(None, None), (15, None), (None, 15)])
def test_an_irql_that_the_target_does_not_show_is_not_judged(
    before: Optional[int], after: Optional[int]
) -> None:
    script = Script()
    at_irql(script, before, after)
    assert outcome(by(IrqlKept, script), "DF-CALL-004") == ("not exercised", 0)


def test_a_bug_check_fails_and_is_named() -> None:
    script = Script()
    plain(script, "Dump_Read", exit=None, status=None, unreturned="the target broke in", bug_check=CHECK)
    (finding,) = findings(by(NoBugCheck, script), "DF-CALL-005")
    assert finding.message == (
        "bug check 0xa0 INTERNAL_POWER_ERROR (0x10a, 0xa, 0x0, 0xc000009c) was raised while Dump_Read was "
        "running: the target broke in; a failure is reported by an error status"
    )
    assert finding.evidence == {
        "code": "0xa0",
        "name": "INTERNAL_POWER_ERROR",
        "parameters": ["0x10a", "0xa", "0x0", "0xc000009c"],
    }
    assert outcome(by(ReturnsToCaller, script), "DF-CALL-006") == ("not exercised", 0)


def test_a_machine_that_somebody_crashed_is_not_the_filter_s_doing() -> None:
    script = Script()
    plain(script, "Dump_Write", exit=None, status=None, bug_check=BugCheck(0xE2, (0, 0, 0, 0)))
    result = by(NoBugCheck, script)
    assert findings(result, "DF-CALL-005") == []
    assert (outcome(result, "DF-CALL-005"), result.verdict.value) == (("incomplete", 0), "incomplete")


def test_a_bug_check_without_a_known_name_is_told_by_number() -> None:
    script = Script()
    plain(script, "Dump_Write", exit=None, status=None, bug_check=BugCheck(0x29, (1, 2, 3, 4)))
    (finding,) = findings(by(NoBugCheck, script), "DF-CALL-005")
    assert finding.message.startswith("bug check 0x29 (0x1, 0x2, 0x3, 0x4) was raised while Dump_Write was")
    assert finding.evidence["name"] == ""


def test_a_call_that_returned_raised_no_bug_check() -> None:
    script = Script()
    plain(script, "Dump_Write")
    assert outcome(by(NoBugCheck, script), "DF-CALL-005") == ("pass", 1)
    assert outcome(by(ReturnsToCaller, script), "DF-CALL-006") == ("pass", 1)


def test_a_call_that_cannot_return_any_more_fails() -> None:
    script = Script()
    why = "its stack was used again by a later call"
    plain(script, "Dump_Read", exit=None, status=None, unreturned=why, gone=True)
    result = by(ReturnsToCaller, script)
    (finding,) = findings(result, "DF-CALL-006")
    assert finding.message == f"Dump_Read never returned to its caller: {why}"
    assert finding.evidence == {"why": why}
    assert result.verdict.value == "fail"


def test_a_return_that_went_unseen_proves_nothing() -> None:
    script = Script()
    plain(script, "Dump_Read", exit=None, status=None, unreturned="stopped by the user")
    for rule in (NoBugCheck, ReturnsToCaller):
        assert outcome(by(rule, script), rule.id) == ("not exercised", 0)
    assert by(ReturnsToCaller, script).verdict.value == "incomplete"
