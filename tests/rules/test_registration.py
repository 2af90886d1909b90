"""DF-REG-001 to DF-REG-005."""

from dataclasses import replace
from typing import List, Type

import pytest

from pykd_dumpfilt.recording import Piece
from pykd_dumpfilt.rules import Rule
from pykd_dumpfilt.rules.registration import (
    CallbacksInImage,
    FlagHasTwoNames,
    MaxPagesIsInput,
    ReadSupportIsComplete,
    VersionIsKnown,
)

from .contract_examples import PRESET, TABLE_ADDRESS, by, driver_entry, plain, plain_side, table, with_table
from .examples import DUMP, HIBER, INITIALIZATION_DATA, Script, findings, outcome, rule_result

ALL: List[Type[Rule]] = [
    VersionIsKnown,
    ReadSupportIsComplete,
    CallbacksInImage,
    MaxPagesIsInput,
    FlagHasTwoNames,
]
# VeraCrypt, TrueCrypt and DiskCryptor: four callbacks, no DumpRead, Flags 1 for CRITICAL.
CRITICAL_WITHOUT_READ = table(read=0, flags=1)


@pytest.mark.parametrize("rule", ALL)
def test_a_read_filter_passes(rule: Type[Rule]) -> None:
    script = Script()
    driver_entry(script)
    assert outcome(by(rule, script), rule.id) == ("pass", 1)


@pytest.mark.parametrize("rule", ALL)
@pytest.mark.parametrize("major", [1, 2])
def test_naive_3_critical_without_dump_read_passes(rule: Type[Rule], major: int) -> None:
    script = Script()
    driver_entry(script, table(CRITICAL_WITHOUT_READ, major=major))
    assert outcome(by(rule, script), rule.id) == ("pass", 1)


@pytest.mark.parametrize("rule", ALL)
def test_null_callbacks_pass(rule: Type[Rule]) -> None:
    script = Script()
    driver_entry(script, table(start=0, write=0, finish=0, unload=0, read=0, flags=0))
    assert outcome(by(rule, script), rule.id) == ("pass", 1)


@pytest.mark.parametrize("rule", ALL)
def test_naive_9_callbacks_at_one_address_pass(rule: Type[Rule]) -> None:
    stub = 0xFFFFF80031001000
    script = Script()
    driver_entry(script, table(start=stub, write=stub, finish=stub, unload=stub, read=stub))
    assert outcome(by(rule, script), rule.id) == ("pass", 1)


@pytest.mark.parametrize("rule", [VersionIsKnown, ReadSupportIsComplete, CallbacksInImage, FlagHasTwoNames])
def test_a_driver_entry_that_failed_registered_nothing(rule: Type[Rule]) -> None:
    script = Script()
    driver_entry(script, table(major=9, flags=0, start=0x10), status=0xC0000022)
    assert outcome(by(rule, script), rule.id) == ("not exercised", 0)


@pytest.mark.parametrize("rule", ALL)
def test_a_driver_entry_that_did_not_return_is_incomplete(rule: Type[Rule]) -> None:
    script = Script()
    driver_entry(script, exit=None, status=None, unreturned="bug check")
    result = by(rule, script)
    assert outcome(result, rule.id) == ("incomplete", 0)
    assert rule_result(result, rule.id).reasons == ("call 0 (DriverEntry): did not return: bug check",)


@pytest.mark.parametrize("rule", ALL)
def test_a_table_that_could_not_be_read_is_incomplete(rule: Type[Rule]) -> None:
    script = Script()
    gone = Piece(TABLE_ADDRESS, INITIALIZATION_DATA[:0x18], 0x40, "not present")
    driver_entry(script, exit=replace(plain_side(returned=True), filter_initialization_data=gone))
    result = by(rule, script)
    assert outcome(result, rule.id) == ("incomplete", 0)
    assert "unreadable: 24 of 64 bytes" in rule_result(result, rule.id).reasons[0]


@pytest.mark.parametrize("rule", ALL)
def test_a_table_of_no_known_size_is_incomplete(rule: Type[Rule]) -> None:
    script = Script()
    driver_entry(script, INITIALIZATION_DATA[:0x3C])
    assert outcome(by(rule, script), rule.id) == ("incomplete", 0)


@pytest.mark.parametrize(
    ("left", "version"),
    [
        (table(major=0), "0.0"),
        (table(major=3), "3.0"),
        (table(minor=1), "2.1"),
        (table(major=0x20000), "131072.0"),
    ],
)
def test_an_unknown_version_fails(left: bytes, version: str) -> None:
    script = Script()
    driver_entry(script, left)
    result = by(VersionIsKnown, script)
    (finding,) = findings(result, "DF-REG-001")
    assert f"registered version {version}:" in finding.message
    assert (finding.callback, finding.level.value) == ("DriverEntry", "error")
    assert result.verdict.value == "fail"


@pytest.mark.parametrize(
    ("left", "text"),
    [
        (table(flags=0), "Flags is 0x0, without DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ (0x1)"),
        (table(flags=2), "Flags is 0x2, without"),
        (table(major=1), "MajorVersion is 1, not 2:"),
        (table(major=1, flags=0), "MajorVersion is 1, not 2 and Flags is 0x0"),
    ],
)
def test_dump_read_without_its_two_conditions_fails(left: bytes, text: str) -> None:
    script = Script()
    driver_entry(script, left)
    (finding,) = findings(by(ReadSupportIsComplete, script), "DF-REG-002")
    assert text in finding.message
    assert finding.evidence["dump_read"] == "0xfffff80031001fc0"


def test_incomplete_read_support_is_seen_without_driver_entry() -> None:
    """The crash stack's copy is loaded at boot, long before anyone traces it."""
    script = Script()
    for _ in range(3):
        plain(script, "Dump_Start", entry=with_table(plain_side(), table(flags=0)))
    result = by(ReadSupportIsComplete, script)
    assert outcome(result, "DF-REG-002") == ("fail", 1)
    assert len(findings(result, "DF-REG-002")) == 1


def test_a_table_that_was_not_found_is_no_matter() -> None:
    script = Script()
    plain(script, "Dump_Start")
    assert outcome(by(ReadSupportIsComplete, script), "DF-REG-002") == ("not exercised", 0)


def test_dump_read_that_was_there_before_driver_entry_is_not_the_filters() -> None:
    """On Windows 7 the structure ends before DumpRead, and what lies there is something else."""
    script = Script()
    other = 0xFFFFAB0000009000
    driver_entry(script, table(read=other, major=1, flags=0), table(PRESET, read=other))
    assert outcome(by(ReadSupportIsComplete, script), "DF-REG-002") == ("pass", 1)
    assert outcome(by(CallbacksInImage, script), "DF-REG-003") == ("pass", 1)


def test_the_oldest_form_has_no_dump_read() -> None:
    script = Script()
    driver_entry(script, table(major=1, flags=0)[:0x38], PRESET[:0x38])
    for rule in ALL:
        assert outcome(by(rule, script), rule.id) == ("pass", 1)


@pytest.mark.parametrize(
    ("left", "name", "pointer"),
    [
        (table(start=0xFFFFF80030FFFFFF), "DumpStart", "0xfffff80030ffffff"),
        (table(write=0xFFFFF80031007000), "DumpWrite", "0xfffff80031007000"),
        (table(finish=0xFFFFF80020001000), "DumpFinish", "0xfffff80020001000"),
        (table(unload=1), "DumpUnload", "0x1"),
        (table(read=0xFFFFF80032001FC0), "DumpRead", "0xfffff80032001fc0"),
        (table() + bytes.fromhex("0000003200f8ffff"), "DumpPreReadWrite", "0xfffff80032000000"),
    ],
)
def test_a_callback_outside_the_image_fails(left: bytes, name: str, pointer: str) -> None:
    script = Script()
    preset = PRESET + bytes(len(left) - len(PRESET))
    driver_entry(script, left, preset)
    (finding,) = findings(by(CallbacksInImage, script), "DF-REG-003")
    assert f"{name} {pointer} lies outside hiber_myfilt" in finding.message
    assert finding.evidence == {
        "callback": name,
        "pointer": pointer,
        "image_base": "0xfffff80031000000",
        "image_size": 0x7000,
    }


def test_the_first_and_last_byte_of_the_image_are_inside() -> None:
    script = Script()
    driver_entry(script, table(start=HIBER.base, write=HIBER.base + 0x6FFF))
    assert outcome(by(CallbacksInImage, script), "DF-REG-003") == ("pass", 1)


def test_an_image_that_was_not_recorded_is_incomplete() -> None:
    script = Script()
    driver_entry(script, module=7)
    assert outcome(by(CallbacksInImage, script), "DF-REG-003") == ("incomplete", 0)


@pytest.mark.parametrize("status", [0, 0xC0000001])
def test_a_changed_limit_fails(status: int) -> None:
    script = Script()
    driver_entry(script, table(pages=0x20), status=status)
    (finding,) = findings(by(MaxPagesIsInput, script), "DF-REG-004")
    assert "from 16 to 32" in finding.message
    assert finding.evidence == {"before": 16, "after": 32}


@pytest.mark.parametrize("pages", [1, 16, 256])
def test_whatever_limit_the_system_sets_passes(pages: int) -> None:
    script = Script()
    driver_entry(script, table(pages=pages), table(PRESET, pages=pages))
    assert outcome(by(MaxPagesIsInput, script), "DF-REG-004") == ("pass", 1)


@pytest.mark.parametrize(
    ("left", "meaning"),
    [(table(), "it announces read support"), (CRITICAL_WITHOUT_READ, "a failing DriverEntry is fatal")],
)
def test_bit_0_is_noted_with_both_names(left: bytes, meaning: str) -> None:
    script = Script()
    driver_entry(script, left)
    result = by(FlagHasTwoNames, script)
    assert findings(result, "DF-REG-005") == []
    (note,) = rule_result(result, "DF-REG-005").notes
    assert "DUMP_FILTER_CRITICAL, DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ" in note
    assert meaning in note


def test_nothing_is_noted_of_a_clear_bit() -> None:
    script = Script()
    driver_entry(script, table(read=0, flags=2))
    assert rule_result(by(FlagHasTwoNames, script), "DF-REG-005").notes == ()


@pytest.mark.parametrize("major", [0, 3])
def test_a_version_that_there_is_not_is_one_finding_and_not_two(major: int) -> None:
    script = Script()
    driver_entry(script, table(major=major))
    assert outcome(by(VersionIsKnown, script), "DF-REG-001") == ("fail", 1)
    assert outcome(by(ReadSupportIsComplete, script), "DF-REG-002") == ("pass", 1)


def test_a_copy_loaded_again_is_looked_at_again() -> None:
    script = Script()
    script.records.insert(1, DUMP)
    for module in (0, 1):
        driver_entry(script, table(flags=0, start=0, write=0, finish=0, unload=0), module=module)
    assert outcome(by(ReadSupportIsComplete, script), "DF-REG-002") == ("fail", 2)


def test_a_positive_status_is_success_to_the_system() -> None:
    script = Script()
    driver_entry(script, table(major=3), status=0x103)
    assert outcome(by(VersionIsKnown, script), "DF-REG-001") == ("fail", 1)
