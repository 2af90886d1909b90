"""DF-CALL-002 and DF-CALL-003."""

from dataclasses import replace
from typing import Mapping

import pytest

from pykd_dumpfilt.recording import CALLBACKS, Piece
from pykd_dumpfilt.rules.callback import ExtensionUnchanged, RegistersKept
from pykd_dumpfilt.structures import Machine

from .contract_examples import (
    AT_ENTRY,
    AT_RETURN,
    EXTENSION_PRESET,
    PRESET,
    by,
    driver_entry,
    plain,
    plain_side,
    with_table,
)
from .examples import EXTENSION, EXTENSION_ADDRESS, Script, findings, outcome, rule_result


def patched(at: int, data: str) -> bytes:
    new = bytes.fromhex(data)
    return EXTENSION[:at] + new + EXTENSION[at + len(new) :]


NO_DUMP_DATA = patched(0x48, "0000000000000000")


@pytest.mark.parametrize("callback", CALLBACKS)
def test_an_extension_left_alone_passes(callback: str) -> None:
    script = Script()
    plain(script, callback)
    assert outcome(by(ExtensionUnchanged, script), "DF-CALL-002") == ("pass", 1)


def test_naive_8_dump_data_cleared_in_unload_passes() -> None:
    script = Script()
    plain(script, "Dump_Unload", exit=plain_side(True, NO_DUMP_DATA))
    assert outcome(by(ExtensionUnchanged, script), "DF-CALL-002") == ("pass", 1)


def test_naive_9_dump_data_cleared_where_unload_is_folded_passes() -> None:
    script = Script()
    plain(script, "Dump_Finish", "Dump_Unload", exit=plain_side(True, NO_DUMP_DATA))
    assert outcome(by(ExtensionUnchanged, script), "DF-CALL-002") == ("pass", 1)


@pytest.mark.parametrize("callback", ["Dump_Start", "Dump_Write", "Dump_Read", "Dump_Finish"])
def test_dump_data_changed_elsewhere_fails(callback: str) -> None:
    script = Script()
    plain(script, callback, exit=plain_side(True, NO_DUMP_DATA))
    result = by(ExtensionUnchanged, script)
    (finding,) = findings(result, "DF-CALL-002")
    assert f"{callback} changed FILTER_EXTENSION.DumpData from 0xffffab0000004000 to 0x0:" in finding.message
    assert result.verdict.value == "fail"


@pytest.mark.parametrize(
    ("after", "text"),
    [
        (patched(0x00, "01000000"), "DumpType"),
        (patched(0x0F, "7f"), "DeviceObject from 0xffffab0000000810 to 0x7fffab0000000810"),
        (patched(0x24, "00100000"), "Geometry.BytesPerSector from 512 to 4096"),
        (patched(0x2C, "11"), "DiskSize from 0x1000000000 to 0x1100000000"),
        (patched(0x50, "50"), "Size from 88 to 80"),
        (patched(0x54, "01"), "Flags from 0x0 to 0x1"),
        (patched(0x04, "01"), "padding at 0x4 from 00000000 to 01000000"),
    ],
)
@pytest.mark.parametrize("callback", ["Dump_Write", "Dump_Unload"])
def test_any_other_member_fails_and_is_named(after: bytes, text: str, callback: str) -> None:
    script = Script()
    plain(script, callback, exit=plain_side(True, after))
    (finding,) = findings(by(ExtensionUnchanged, script), "DF-CALL-002")
    assert f"{callback} changed FILTER_EXTENSION.{text}" in finding.message


def test_dump_data_set_by_driver_entry_is_noted() -> None:
    """The system overwrites it, so no harm is done; the filter's context is lost all the same."""
    script = Script()
    driver_entry(script, exit=with_table(plain_side(True, EXTENSION), PRESET))
    result = by(ExtensionUnchanged, script)
    assert outcome(result, "DF-CALL-002") == ("pass", 1)
    (note,) = rule_result(result, "DF-CALL-002").notes
    assert "hiber_myfilt: DriverEntry set FILTER_EXTENSION.DumpData" in note


def test_another_member_changed_by_driver_entry_fails() -> None:
    script = Script()
    driver_entry(script, exit=plain_side(True, b"\x01" + EXTENSION_PRESET[1:]))
    (finding,) = findings(by(ExtensionUnchanged, script), "DF-CALL-002")
    assert [change["field"] for change in finding.evidence["changes"]] == ["DumpType"]


def test_what_lies_behind_the_oldest_form_is_not_it() -> None:
    """Before Windows 8 the structure ends before Size; a list entry lies there, and that is the system's."""
    script = Script()
    entry = with_table(plain_side(), PRESET[:0x38])
    plain(script, "Dump_Write", entry=entry, exit=plain_side(True, patched(0x50, "1122334455667788")))
    assert outcome(by(ExtensionUnchanged, script), "DF-CALL-002") == ("pass", 1)


def test_one_finding_lists_all_changes() -> None:
    script = Script()
    plain(script, "Dump_Read", exit=plain_side(True, b"\x01" + EXTENSION[1:0x54] + b"\x01\0\0\0"))
    (finding,) = findings(by(ExtensionUnchanged, script), "DF-CALL-002")
    assert "(and 1 more changes)" in finding.message
    assert finding.evidence["changes"][1] == {"field": "Flags", "before": "0x0", "after": "0x1"}


@pytest.mark.parametrize(
    ("piece", "why"),
    [
        (Piece(EXTENSION_ADDRESS, b"", 0x58, "not present"), "at return: unreadable: 0 of 88 bytes"),
        (Piece(EXTENSION_ADDRESS, EXTENSION[:0x50], 0x58, "not present"), "unreadable: 80 of 88 bytes"),
        (Piece(EXTENSION_ADDRESS, EXTENSION[:0x50], 0x50), "88 bytes of FILTER_EXTENSION at entry, 80 at"),
        (Piece(0xFFFFAB0000009000, EXTENSION, 0x58), "0xffffab0000002450 at entry, at 0xffffab0000009000"),
        (None, "at return: not captured"),
    ],
)
def test_an_extension_that_cannot_be_compared_is_incomplete(piece: Piece, why: str) -> None:
    script = Script()
    plain(script, "Dump_Write", exit=replace(plain_side(True), filter_extension=piece))
    result = by(ExtensionUnchanged, script)
    assert outcome(result, "DF-CALL-002") == ("incomplete", 0)
    assert why in rule_result(result, "DF-CALL-002").reasons[0]


@pytest.mark.parametrize("callback", CALLBACKS)
def test_kept_registers_pass(callback: str) -> None:
    script = Script()
    plain(script, callback)
    assert outcome(by(RegistersKept, script), "DF-CALL-003") == ("pass", 1)


def returned(script: Script, registers: Mapping[str, int], status: int = 0) -> None:
    plain(
        script,
        "Dump_Write",
        status=status,
        exit=replace(plain_side(True), registers={**AT_RETURN, **registers}),
    )


@pytest.mark.parametrize("name", ["rbx", "rbp", "rsi", "rdi", "r12", "r13", "r14", "r15"])
@pytest.mark.parametrize("bit", [0, 32, 63])
def test_one_changed_bit_of_a_kept_register_fails(name: str, bit: int) -> None:
    script = Script()
    returned(script, {name: AT_ENTRY[name] ^ (1 << bit)}, status=0xC0000001)
    (finding,) = findings(by(RegistersKept, script), "DF-CALL-003")
    assert finding.message.startswith(f"Dump_Write broke the x64 calling convention: {name} is ")
    assert finding.evidence["registers"][0]["expected"] == f"{AT_ENTRY[name]:#x}"


@pytest.mark.parametrize("rsp", [0xFFFFE40000015EC8, 0xFFFFE40000015ED8, 0])
def test_a_stack_pointer_elsewhere_fails(rsp: int) -> None:
    script = Script()
    returned(script, {"rsp": rsp})
    (finding,) = findings(by(RegistersKept, script), "DF-CALL-003")
    assert f"rsp is {rsp:#x} at return and should be 0xffffe40000015ed0" in finding.message


@pytest.mark.parametrize("name", [f"xmm{number}" for number in range(6, 16)])
def test_a_lost_xmm_register_fails(name: str) -> None:
    script = Script()
    value = 0x716EADD322E9343FACB970FB4BEFCF5A
    plain(
        script,
        "Dump_Read",
        entry=replace(plain_side(), registers={**AT_ENTRY, name: value}),
        exit=replace(plain_side(), registers={**AT_RETURN, name: value ^ 1 << 127}),
    )
    (finding,) = findings(by(RegistersKept, script), "DF-CALL-003")
    assert f"{name} is 0xf16eadd322e9343facb970fb4befcf5a at return and should be 0x716e" in finding.message


def test_xmm_registers_that_may_change_and_those_not_given_are_not_judged() -> None:
    script = Script()
    plain(
        script,
        "Dump_Read",
        entry=replace(plain_side(), registers={**AT_ENTRY, "xmm5": 1, "xmm6": 2}),
        exit=replace(plain_side(), registers={**AT_RETURN, "xmm5": 3}),
    )
    assert outcome(by(RegistersKept, script), "DF-CALL-003") == ("pass", 1)


def test_a_direction_flag_left_set_fails() -> None:
    script = Script()
    returned(script, {"efl": 0x646})
    (finding,) = findings(by(RegistersKept, script), "DF-CALL-003")
    assert "efl is 0x646 at return and should be 0x246" in finding.message


def test_a_direction_flag_that_the_caller_had_set_is_not_the_filters() -> None:
    script = Script()
    plain(
        script,
        "Dump_Read",
        entry=replace(plain_side(), registers={**AT_ENTRY, "efl": 0x682}),
        exit=replace(plain_side(), registers={**AT_RETURN, "efl": 0x646}),
    )
    assert outcome(by(RegistersKept, script), "DF-CALL-003") == ("pass", 1)


def test_other_flags_and_volatile_registers_are_free() -> None:
    script = Script()
    returned(script, {"efl": 0x893, "rax": 0xFFFFFFFFC0000001})
    assert outcome(by(RegistersKept, script), "DF-CALL-003") == ("pass", 1)


def test_two_registers_are_one_finding() -> None:
    script = Script()
    returned(script, {"rbx": 0, "r15": 1})
    (finding,) = findings(by(RegistersKept, script), "DF-CALL-003")
    assert [one["register"] for one in finding.evidence["registers"]] == ["rbx", "r15"]


def test_registers_that_were_not_recorded_are_incomplete() -> None:
    script = Script()
    registers = {name: value for name, value in AT_RETURN.items() if name not in ("r12", "efl")}
    plain(script, "Dump_Write", exit=replace(plain_side(True), registers=registers))
    result = by(RegistersKept, script)
    assert outcome(result, "DF-CALL-003") == ("incomplete", 0)
    assert "not recorded at both sides: r12, efl" in rule_result(result, "DF-CALL-003").reasons[0]


def test_a_breach_is_told_even_where_others_are_missing() -> None:
    script = Script()
    plain(script, "Dump_Write", exit=replace(plain_side(True), registers={"rbx": 0}))
    assert outcome(by(RegistersKept, script), "DF-CALL-003") == ("fail", 1)


@pytest.mark.parametrize("machine", [Machine.ARM64, Machine.X86])
def test_other_machines_have_other_conventions(machine: Machine) -> None:
    script = Script()
    returned(script, {"rbx": 0})
    assert outcome(by(RegistersKept, script, machine), "DF-CALL-003") == ("not exercised", 0)


@pytest.mark.parametrize("rule", [ExtensionUnchanged, RegistersKept])
def test_a_call_that_did_not_return_is_incomplete(rule: type) -> None:
    script = Script()
    plain(script, "Dump_Write", exit=None, status=None, unreturned="bug check")
    assert outcome(by(rule, script), rule.id) == ("incomplete", 0)  # type: ignore[attr-defined]
