"""DF-SEQ-001."""

from dataclasses import replace
from typing import List, Optional

import pytest

from pykd_dumpfilt.recording import Call
from pykd_dumpfilt.rules import Judge, Result
from pykd_dumpfilt.rules.sequence import OrderIsLegal
from pykd_dumpfilt.structures import Machine

from .contract_examples import PRESET, by, driver_entry, plain, plain_side, table, with_table
from .examples import DUMP, Script, findings, outcome, rule_result

NOT_NEEDED = 0xC0210001  # STATUS_FVE_NOT_ENCRYPTED


def run(*steps: str, left: Optional[bytes] = None) -> Result:
    """Calls of one copy: "Start", "Write!" (with an error), "Start|Finish" (one address for both)."""
    script = Script()
    for step in steps:
        status = 0xC0000001 if step.endswith("!") else 0
        names = step.rstrip("!").split("|")
        if names == ["Entry"]:
            driver_entry(script, table() if left is None else left, status=status)
            continue
        plain(script, *(f"Dump_{name}" for name in names), status=status)
    return by(OrderIsLegal, script)


def found(result: Result) -> List[str]:
    return [finding.message for finding in findings(result, "DF-SEQ-001")]


@pytest.mark.parametrize(
    "steps",
    [
        "Entry Start Write Write Finish Unload",
        "Entry Start Write Finish Start Read Read Finish Unload",
        "Entry Unload",
        "Entry Start Write Start Write Finish",
        "Entry Start Start Finish Unload",
        "Entry Start Unload",
        "Entry Start Write Unload",
        "Entry Start Finish Unload",
        "Entry Start Write Read Write Finish",
        "Entry!",
        "Entry! Unload",
        "Entry Start!",
        "Entry Start! Unload",
        "Entry Start Write! Unload",
        "Entry Start Write Finish!",
        "Entry Start Read! Read Finish Unload",
        "Entry Start Finish Unload!",
    ],
)
def test_a_legal_order_passes(steps: str) -> None:
    result = run(*steps.split())
    assert found(result) == []
    assert outcome(result, "DF-SEQ-001") == ("pass", len(steps.split()))


@pytest.mark.parametrize(
    "steps",
    ["Write Finish Unload", "Read Finish", "Finish Start Read", "Unload", "Start Write"],
)
def test_a_copy_that_was_at_work_before_may_begin_anywhere(steps: str) -> None:
    assert outcome(run(*steps.split()), "DF-SEQ-001") == ("pass", len(steps.split()))


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        ("Entry Write", "called Dump_Write in hiber_myfilt after call 0 (DriverEntry): a Dump_Start is"),
        ("Entry Read", "called Dump_Read in hiber_myfilt after call 0 (DriverEntry): a Dump_Start is"),
        ("Entry Finish", "called Dump_Finish in hiber_myfilt after call 0 (DriverEntry): a Dump_Start is"),
        ("Start Finish Write", "after call 1 (Dump_Finish): a Dump_Start is expected in between"),
        ("Start Finish Read", "after call 1 (Dump_Finish): a Dump_Start is expected in between"),
        ("Start Finish Finish", "after call 1 (Dump_Finish): a Dump_Start is expected in between"),
        ("Start Entry", "after call 0 (Dump_Start): DriverEntry is expected once, and first"),
        ("Entry Entry", "after call 0 (DriverEntry): DriverEntry is expected once, and first"),
        ("Unload Start", "after call 0 (Dump_Unload): nothing is expected after Dump_Unload"),
        ("Unload Unload", "after call 0 (Dump_Unload): nothing is expected after Dump_Unload"),
        ("Start! Write", "expected to be called no more"),
        ("Start! Start", "expected to be called no more"),
        ("Start Write! Write", "which returned STATUS_UNSUCCESSFUL (0xC0000001, an error value): a filter"),
        ("Start Write! Finish", "expected to be called no more"),
        ("Start Finish! Start", "expected to be called no more"),
        ("Entry! Start", "expected to be called no more"),
    ],
)
def test_an_illegal_order_is_a_warning(steps: str, text: str) -> None:
    result = run(*steps.split())
    (message,) = found(result)
    assert text in message
    (finding,) = findings(result, "DF-SEQ-001")
    assert finding.level.value == "warning"
    assert result.verdict.value != "fail"


def test_naive_4_a_start_that_is_not_needed_passes() -> None:
    script = Script()
    driver_entry(script)
    plain(script, "Dump_Start", status=NOT_NEEDED)
    plain(script, "Dump_Unload")
    assert outcome(by(OrderIsLegal, script), "DF-SEQ-001") == ("pass", 3)


def test_a_warning_status_takes_the_filter_out_of_use_too() -> None:
    """NT_SUCCESS is what crashdmp tests."""
    script = Script()
    plain(script, "Dump_Start", status=0x80000005)
    plain(script, "Dump_Write")
    assert len(found(by(OrderIsLegal, script))) == 1


def test_a_positive_status_does_not() -> None:
    script = Script()
    plain(script, "Dump_Start", status=0x103)
    plain(script, "Dump_Write")
    assert found(by(OrderIsLegal, script)) == []


@pytest.mark.parametrize("steps", ["Entry Write Finish Read Finish Unload", "Entry Read", "Entry Finish"])
def test_without_dump_start_nobody_waits_for_it(steps: str) -> None:
    """Callbacks are not mandatory."""
    result = run(*steps.split(), left=table(start=0))
    assert outcome(result, "DF-SEQ-001") == ("pass", len(steps.split()))


def test_where_the_table_is_not_known_no_start_is_missed() -> None:
    """Without symbols and table Dump_Start may have been called and not seen."""
    script = Script()
    driver_entry(script, None)
    plain(script, "Dump_Write")
    assert outcome(by(OrderIsLegal, script), "DF-SEQ-001") == ("pass", 2)


def test_a_table_found_later_tells_of_dump_start() -> None:
    script = Script()
    driver_entry(script, None)
    plain(script, "Dump_Write", entry=with_table(plain_side(), table()))
    assert len(found(by(OrderIsLegal, script))) == 1


def test_the_preset_table_tells_nothing() -> None:
    script = Script()
    driver_entry(script, table(start=0), preset=table(PRESET, start=0xFFFFF80031001000))
    plain(script, "Dump_Write")
    assert found(by(OrderIsLegal, script)) == []


@pytest.mark.parametrize(
    "steps",
    [
        "Entry Start|Finish Write Start|Finish Unload",
        "Entry Start|Finish Write Start|Finish Start|Finish Read Start|Finish Unload",
        "Entry Start|Write|Read|Finish Start|Write|Read|Finish Start|Write|Read|Finish Unload",
        "Start|Finish|Unload Start|Finish|Unload",
        "Start Read|Write! Read|Write",
    ],
)
def test_naive_9_a_folded_address_is_read_in_every_way(steps: str) -> None:
    assert found(run(*steps.split())) == []


def test_a_folded_address_that_no_reading_explains_is_found() -> None:
    (message,) = found(run("Start", "Unload", "Read|Write"))
    assert "called Dump_Read or Dump_Write" in message


def test_each_copy_has_its_own_order() -> None:
    script = Script()
    script.records.insert(1, DUMP)
    driver_entry(script, module=1)
    driver_entry(script, module=0)
    plain(script, "Dump_Start", module=1)
    plain(script, "Dump_Start", module=0, status=NOT_NEEDED)
    plain(script, "Dump_Write", module=1)
    plain(script, "Dump_Unload", module=0)
    plain(script, "Dump_Finish", module=1)
    assert outcome(by(OrderIsLegal, script), "DF-SEQ-001") == ("pass", 7)


def test_the_same_breach_is_told_once() -> None:
    result = run("Entry", *["Start", "Finish", "Write", "Finish", "Start"] * 30)
    one = rule_result(result, "DF-SEQ-001")
    assert one.found == 1
    assert one.notes == ("29 more times the same as the findings",)


def reordered(script: Script, *numbers: int) -> None:
    """Records in the order in which calls ended."""
    calls = {record.number: record for record in script.records if isinstance(record, Call)}
    script.records[1:] = [calls[number] for number in numbers]


def test_a_filters_own_call_within_a_call_is_not_the_systems() -> None:
    script = Script()
    for name in ("Dump_Start", "Dump_Finish", "Dump_Unload", "Dump_Finish"):
        plain(script, name)
    reordered(script, 0, 1, 3, 2)
    result = by(OrderIsLegal, script)
    assert outcome(result, "DF-SEQ-001") == ("pass", 3)
    (note,) = rule_result(result, "DF-SEQ-001").notes
    assert "call 3 (Dump_Finish) was made while call 2 (Dump_Unload) was running" in note


def test_calls_after_one_whose_return_was_not_seen_are_incomplete() -> None:
    script = Script()
    plain(script, "Dump_Start", exit=None, status=None, unreturned="the trace ended")
    plain(script, "Dump_Write")
    reordered(script, 1, 0)
    result = by(OrderIsLegal, script)
    assert outcome(result, "DF-SEQ-001") == ("incomplete", 1)
    assert "whose return was not seen" in rule_result(result, "DF-SEQ-001").reasons[0]


def test_a_call_that_did_not_return_still_counts() -> None:
    script = Script()
    plain(script, "Dump_Unload", exit=None, status=None, unreturned="its stack was used again")
    plain(script, "Dump_Write")
    assert len(found(by(OrderIsLegal, script))) == 1


def test_lost_calls_do_not_stop_it() -> None:
    script = Script()
    for _ in range(200):
        plain(script, "Dump_Write")
    del script.records[1:4]
    assert outcome(by(OrderIsLegal, script), "DF-SEQ-001") == ("pass", 197)


def test_numbers_that_come_again_are_incomplete() -> None:
    script = Script()
    for _ in range(3):
        script.records.append(replace(plain(script, "Dump_Write"), number=0))
    assert outcome(by(OrderIsLegal, script), "DF-SEQ-001")[0] == "incomplete"


def test_only_readings_that_were_legal_go_on() -> None:
    """After an error only Dump_Unload explains the folded call, and after that nothing may come."""
    (message,) = found(run("Entry", "Start!", "Start|Unload", "Start"))
    assert "nothing is expected after Dump_Unload" in message


def after_a_loss(count: int) -> Script:
    """Call 1 was lost; Dump_Finish and Dump_Write follow, and ``count`` more."""
    script = Script()
    for name in ("Dump_Start", "Dump_Start", "Dump_Finish", "Dump_Write", *["Dump_Write"] * count):
        plain(script, name)
    del script.records[2]
    return script


def test_a_breach_after_a_lost_call_is_found_at_the_end() -> None:
    result = by(OrderIsLegal, after_a_loss(0))
    assert outcome(result, "DF-SEQ-001") == ("fail", 3)


def test_a_breach_after_a_lost_call_is_found_live_once_enough_calls_came() -> None:
    script = after_a_loss(64)
    judge = Judge(script.memory.store, Machine.X64, rules=[OrderIsLegal])
    live = [finding for record in script.records for finding in judge.feed(record)]
    assert [finding.call for finding in live] == [3]


def test_asking_while_a_call_runs_changes_nothing() -> None:
    """A call within a call is recorded first, and waits for the outer one to be put in order."""
    script = Script()
    driver_entry(script, table())
    for name in ("Dump_Start", "Dump_Write", "Dump_Unload", "Dump_Finish"):
        plain(script, name)
    script.records[-2:] = reversed(script.records[-2:])  # Dump_Finish within Dump_Unload
    judge = Judge(script.memory.store, Machine.X64, [OrderIsLegal])
    for record in script.records:
        judge.feed(record)
        judge.finish()
    result = judge.finish()
    assert outcome(result, "DF-SEQ-001") == ("pass", 4)
    assert rule_result(result, "DF-SEQ-001").reasons == ()
    assert result == by(OrderIsLegal, script)
