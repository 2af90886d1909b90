"""From rules to one verdict: the table, and why."""

import re
from dataclasses import replace
from typing import Callable, List, Tuple, Type

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pykd_dumpfilt.recording import (
    ArmedCallback,
    Call,
    Callbacks,
    Fault,
    LoadedModule,
    MemoryPageStore,
    Record,
    Unloaded,
)
from pykd_dumpfilt.rules import RULES, Judge, Outcome, Rule, Verdict, judge
from pykd_dumpfilt.structures import Machine

from ..recording.examples import records
from .examples import DUMP, Script, side


def good(script: Script) -> None:
    script.write(0, b"a" * 512)
    script.read(0, b"a" * 512)


def wrong(script: Script) -> None:
    good(script)
    script.read(0, b"b" * 512)


def no_read(script: Script) -> None:
    script.write(0, b"a" * 512)


def unreturned(script: Script) -> None:
    good(script)
    script.call(Call(0, 0, ("Dump_Unload",), 0, (), side(), unreturned="the target ended"))


def fault(script: Script) -> None:
    good(script)
    script.records.append(Fault("reading the PDB", "no symbols"))


def read_not_returned(script: Script) -> None:
    script.write(0, b"a" * 512)
    script.read(0, b"a" * 512, exit=None, status=None, unreturned="bug check")


def nothing(script: Script) -> None:
    pass


def only_failing_reads(script: Script) -> None:
    script.write(0, b"a" * 512)
    script.read(0, b"a" * 512, status=0xC0000001)


@pytest.mark.parametrize(
    ("build", "damage", "lost", "verdict"),
    [
        (good, (), 0, "pass"),
        (wrong, (), 0, "fail"),
        (no_read, (), 0, "not exercised"),
        (nothing, (), 0, "not exercised"),
        (only_failing_reads, (), 0, "not exercised"),
        (unreturned, (), 0, "incomplete"),
        (fault, (), 0, "incomplete"),
        (read_not_returned, (), 0, "incomplete"),
        (good, ("there is no footer",), 0, "incomplete"),
        (good, (), 3, "incomplete"),
        # fail > incomplete > not exercised > pass
        (wrong, ("there is no footer",), 3, "fail"),
        (no_read, ("there is no footer",), 0, "incomplete"),
        (nothing, ("there is no footer",), 0, "incomplete"),
    ],
)
def test_verdicts(build: Callable[[Script], None], damage: Tuple[str, ...], lost: int, verdict: str) -> None:
    script = Script()
    build(script)
    engine = Judge(script.memory.store, Machine.X64)
    for record in script.records:
        engine.feed(record)
    result = engine.finish(damage, lost)
    assert result.verdict.value == verdict
    assert bool(result.reasons) == (verdict != "pass")
    assert set(damage) <= set(result.reasons)


def test_zero_hits_is_never_a_pass_and_the_reason_is_told() -> None:
    script = Script()
    script.records[0] = DUMP
    script.write(0, b"a" * 512, module=1)
    result = script.judge()
    assert (result.verdict, result.scenario) == (Verdict.NOT_EXERCISED, "crash")
    assert result.reasons == (
        "no call of Dump_Read that returned was seen, so nothing is known about it",
        "a crash dump is written and not read back: record a hibernation, whose resume calls Dump_Read",
    )


def test_a_folded_dump_read_is_not_exercised() -> None:
    script = Script()
    names = ("Dump_Write", "Dump_Read")
    script.records.append(Callbacks(0, (ArmedCallback(0x1000, names, ("symbol", "symbol")),)))
    script.plain(*names)
    result = script.judge()
    assert result.verdict is Verdict.NOT_EXERCISED
    assert "one address serves Dump_Write and Dump_Read" in result.reasons[1]
    assert result.hits == {"Dump_Write|Dump_Read": 1}


@pytest.mark.parametrize(
    ("names", "called", "scenario"),
    [
        (["hiber_x"], [], "hibernate"),
        (["dump_x"], [], "crash"),
        (["x"], [0], "none"),
        ([], [], "none"),
        (["dump_x", "hiber_x"], [], "crash+hibernate"),
        # The crash stack's copy is there from boot on.
        (["dump_x", "hiber_x"], [1], "hibernate"),
        (["dump_x", "hiber_x"], [0, 1], "crash+hibernate"),
        (["HIBER_X"], [0], "hibernate"),
    ],
)
def test_scenarios(names: List[str], called: List[int], scenario: str) -> None:
    script = Script()
    script.records[:] = [
        LoadedModule(number, name, 0xFFFFF80000000000, 0x1000) for number, name in enumerate(names)
    ]
    for module in called:
        script.plain("Dump_Start", module=module)
    assert script.judge().scenario == scenario


def test_a_boot_time_driver_entry_does_not_make_a_crash() -> None:
    script = Script()
    script.records.append(DUMP)
    script.plain("DriverEntry", module=DUMP.number)
    good(script)
    assert script.judge().scenario == "hibernate"


def test_findings_come_live() -> None:
    script = Script()
    wrong(script)
    engine = Judge(script.memory.store, Machine.X64)
    live = [[one.rule for one in engine.feed(record)] for record in script.records]
    assert live == [[], [], [], ["DF-TRIP-001"]]


def test_rules_forget_between_recordings() -> None:
    script = Script()
    wrong(script)
    rule = next(rule for rule in RULES if rule.id == "DF-TRIP-001")()
    for record in range(3):
        rule.look(script.decoded(record))
    assert rule.finish().outcome is Outcome.FAIL
    rule.begin()
    assert rule.finish().outcome is Outcome.NOT_EXERCISED


def test_the_registry_is_in_order_and_complete() -> None:
    assert [rule.id for rule in RULES] == [
        "DF-REG-001",
        "DF-REG-002",
        "DF-REG-003",
        "DF-REG-004",
        "DF-REG-005",
        "DF-CALL-001",
        "DF-CALL-002",
        "DF-CALL-003",
        "DF-CALL-004",
        "DF-CALL-005",
        "DF-CALL-006",
        "DF-WRITE-001",
        "DF-WRITE-002",
        "DF-WRITE-003",
        "DF-WRITE-004",
        "DF-WRITE-005",
        "DF-WRITE-006",
        "DF-WRITE-007",
        "DF-READ-001",
        "DF-READ-002",
        "DF-READ-003",
        "DF-READ-004",
        "DF-TRIP-001",
        "DF-SEQ-001",
        "DF-ARGS-001",
        "DF-ARGS-002",
        "DF-ARGS-003",
        "DF-ARGS-004",
        "DF-ARGS-005",
        "DF-ARGS-006",
    ]
    assert {rule.id for rule in RULES if rule.essential} == {"DF-READ-001", "DF-TRIP-001"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.id))
def test_every_rule_says_what_it_demands_and_who_says_so(rule: Type[Rule]) -> None:
    assert rule.statement.endswith(".")
    assert re.search(r"\. ", rule.statement) is None
    assert rule.source.startswith("https://learn.microsoft.com/")
    assert rule.callbacks
    # What the system does is never held against the filter; others tell what real filters do on purpose.
    mild = {
        "DF-REG-005": "note",
        "DF-WRITE-006": "warning",
        "DF-WRITE-007": "warning",
        "DF-ARGS-006": "note",
    }
    usual = "warning" if rule.family == "environment" else "error"
    assert rule.level.value == mild.get(rule.id, usual)


@settings(max_examples=150)
@given(st.lists(records, max_size=12), st.sampled_from(list(Machine)))
def test_hostile_records_never_raise(stream: List[Record], machine: Machine) -> None:
    result = judge([*stream, Unloaded(0)], MemoryPageStore(), machine)
    assert isinstance(result.verdict, Verdict)


def test_what_a_recording_repeats_without_end_is_not_kept_without_end() -> None:
    engine = Judge(MemoryPageStore(), Machine.X64)
    for module in range(20_000):
        engine.feed(Callbacks(module, (), ("Dump_Read",)))
    assert len(engine._seen.absent) == 10_000


def test_long_texts_of_a_recording_are_cut_in_findings() -> None:
    script = Script()
    script.plain("Dump_Start")
    gone = replace(script.plain("Dump_Write"), exit=None, status=None, unreturned="x" * 100_000, gone=True)
    script.records[-1] = gone
    result = script.judge()
    (finding,) = [one for one in result.findings if one.rule == "DF-CALL-006"]
    assert (len(finding.message), len(finding.evidence["why"])) == (4000, 4000)
    assert max(len(reason) for rule in result.rules for reason in rule.reasons) < 1000
