"""DF-ARGS-006: the kinds of MDLs and transfers, as notes and never as findings."""

from dataclasses import replace
from typing import Tuple

from pykd_dumpfilt.recording import Piece
from pykd_dumpfilt.rules.census import TransferCensus

from .contract_examples import by
from .examples import EXTENSION_ADDRESS, INITIALIZATION_DATA, MAPPED, Script, mdl, outcome, rule_result, side

RULE = "DF-ARGS-006"


def notes(script: Script) -> Tuple[str, ...]:
    result = by(TransferCensus, script)
    assert not result.findings
    return rule_result(result, RULE).notes


def given(script: Script, *mdls: Piece, offset: int = 0, table: bytes = INITIALIZATION_DATA) -> None:
    """A Dump_Write with these MDLs."""
    one = replace(
        side(offset, mdls),
        filter_initialization_data=Piece(EXTENSION_ADDRESS - 0x40, table, len(table)),
    )
    script.write(offset, b"", entry=one, exit=one)


def test_each_callback_is_counted_for_itself() -> None:
    script = Script()
    script.write(0, b"w" * 4096)
    script.write(4096, b"w" * 512, byte_offset=16)
    script.read(0, b"w" * 4096)
    assert notes(script) == (
        "Dump_Write: 2 transfers of 512 to 4096 bytes; ByteOffset is not 0 in 1",
        "Dump_Write: StartVa is the page of MappedSystemVa in 2",
        "Dump_Write: MdlFlags are 0x0001 (MDL_MAPPED_TO_SYSTEM_VA) in 2",
        "Dump_Read: 1 transfer of 4096 bytes",
        "Dump_Read: StartVa is the page of MappedSystemVa in 1",
        "Dump_Read: MdlFlags are 0x0001 (MDL_MAPPED_TO_SYSTEM_VA) in 1",
    )
    assert outcome(by(TransferCensus, script), RULE) == ("pass", 3)


def test_start_va_flags_and_scattered_page_frames() -> None:
    script = Script()
    given(script, mdl(8192, pfns=[5, 6], start_va=0, flags=0x11))
    given(script, mdl(8192, pfns=[6, 5], start_va=MAPPED + 0x1000, flags=0x11))
    given(script, mdl(8192, pfns=[5, 5], start_va=MAPPED, flags=0))
    given(script, mdl(8192, 0xE70, pfns=[5, 6, 7], flags=0xC003))
    assert notes(script) == (
        "Dump_Write: 4 transfers of 8192 bytes; ByteOffset is not 0 in 1; page frames are scattered in 2",
        "Dump_Write: StartVa is 0 in 1, another address in 1, the page of MappedSystemVa in 2",
        "Dump_Write: MdlFlags are 0x0011 (MDL_MAPPED_TO_SYSTEM_VA, MDL_PARTIAL) in 2",
        "Dump_Write: MdlFlags are 0x0000 (none) in 1",
        "Dump_Write: MdlFlags are 0xc003 (MDL_MAPPED_TO_SYSTEM_VA, MDL_PAGES_LOCKED, "
        "MDL_ALLOCATED_MUST_SUCCEED, MDL_INTERNAL) in 1",
    )


def test_a_chain_is_one_transfer_of_two_mdls() -> None:
    script = Script()
    second = 0xFFFFAB0000005000
    given(script, mdl(4096, next_mdl=second), mdl(512, address=second, flags=4))
    assert notes(script) == (
        "Dump_Write: 1 transfer of 4608 bytes; there is an MDL chain in 1",
        "Dump_Write: StartVa is the page of MappedSystemVa in 2",
        "Dump_Write: MdlFlags are 0x0001 (MDL_MAPPED_TO_SYSTEM_VA) in 1",
        "Dump_Write: MdlFlags are 0x0004 (MDL_SOURCE_IS_NONPAGED_POOL) in 1",
    )


def test_transfers_that_cross_a_multiple_of_max_pages_per_write() -> None:
    """16 pages: 0x10000 bytes."""
    crossed = "; a multiple of MaxPagesPerWrite pages is crossed in "
    script = Script()
    given(script, mdl(4096), offset=0xF000)
    given(script, mdl(4096), offset=0x10000)
    assert crossed not in notes(script)[0]
    given(script, mdl(4096), offset=0xF200)
    assert notes(script)[0].endswith(crossed + "1")
    # Without a limit there is nothing to cross.
    script = Script()
    given(script, mdl(4096), offset=0xF200, table=INITIALIZATION_DATA[:0x30] + bytes(16))
    assert crossed not in notes(script)[0]


def test_the_combinations_of_flags_are_bounded() -> None:
    script = Script()
    for flags in range(1, 21):
        given(script, mdl(512, flags=flags))
    given(script, mdl(512, flags=20))
    told = notes(script)
    assert len(told) == 19
    assert told[2] == "Dump_Write: MdlFlags are 0x0014 (MDL_SOURCE_IS_NONPAGED_POOL, MDL_PARTIAL) in 2"
    assert told[-1] == "Dump_Write: and 4 more combinations of MdlFlags"


def test_an_mdl_that_was_not_captured_is_not_counted() -> None:
    script = Script()
    given(script)
    given(script, Piece(0xFFFFAB0000005000, b"", 0x30, "not present"))
    assert notes(script) == ()
    assert outcome(by(TransferCensus, script), RULE) == ("not exercised", 0)
