"""A loaded copy's table, found in memory: where it is, how sure that is, what it costs, what misleads it."""

import struct
from typing import Dict, List, Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pykd_dumpfilt.debugger import Module, VirtualAddress
from pykd_dumpfilt.emulator import EmulatorDebugger, Scenario, Target
from pykd_dumpfilt.trace.search import Found, SearchLimits, find_tables

from ..emulator.code import ALL_FIVE
from ..emulator.pe_writer import dump_filter
from .fake_memory import CRASHDMP_DATA, DUMP, DUMP_DATA, POOL, FakeMemory, context

LIST_ENTRY = 0x98
"""Where FILTER_CONTEXT has its LIST_ENTRY, in the form with DumpRead."""


def one(memory: FakeMemory, limits: Optional[SearchLimits] = None) -> Found:
    """The answer for the one copy of a fake, and that the reads are those that were made."""
    (found,) = find_tables(memory, memory.copies, limits)  # type: ignore[arg-type]
    assert found.reads == len(memory.reads)
    assert all(size <= 3944 for _, size in memory.reads)
    return found


def on_a_list(memory: FakeMemory, *contexts: bytes, at: int = POOL + 0x400, entry: int = LIST_ENTRY) -> None:
    """FILTER_CONTEXTs in a list whose head is in crashdmp's data."""
    entries = []
    for number, data in enumerate(contexts):
        memory.put(at + 0x100 * number, data)
        entries.append(at + 0x100 * number + entry)
    memory.list(CRASHDMP_DATA + 0x300, *entries)


# The machine that the emulator plays


@pytest.mark.parametrize("table", [0x40, 0x48])
@pytest.mark.parametrize(
    ("attach", "prefixes"), [("boot", ["dump"]), ("resume", ["dump", "hiber"]), ("bugcheck", ["dump"])]
)
def test_every_loaded_copy_is_found_for_certain(table: int, attach: str, prefixes: List[str]) -> None:
    scenario = Scenario("life", calls=2, pages=2, table=table, attach=attach)
    target = Target(dump_filter(ALL_FIVE).image(), "probe", scenario)
    debugger = EmulatorDebugger(target)
    copies = [module for module in debugger.modules() if module.name.endswith("_probe")]
    answers = find_tables(debugger, copies)
    assert [answer.module.name for answer in answers] == [f"{prefix}_probe" for prefix in prefixes]
    for answer, image in zip(answers, [one for one in target.modules() if one.name.endswith("_probe")]):
        assert answer.chosen is not None
        assert answer.chosen.table == {name: image.exports[name] for name in ALL_FIVE}
        assert answer.chosen.doubts == ()
        assert answer.chosen.sure == "certain"
        assert (
            answer.chosen.reached == {"dump": "crashdmp+0x2140", "hiber": "crashdmp+0x21c0"}[image.name[:-6]]
        )
        assert not answer.cut
        assert answer.reads < 30


# Where it can be


def test_a_list_head_in_crashdmps_own_data() -> None:
    memory = FakeMemory()
    on_a_list(memory, context())
    found = one(memory)
    assert found.chosen is not None
    assert (found.chosen.address, found.chosen.sure) == (POOL + 0x400, "certain")
    assert found.chosen.reached == "crashdmp+0x2300"
    assert found.chosen.table == {
        "Dump_Start": DUMP + 0x1000,
        "Dump_Write": DUMP + 0x1100,
        "Dump_Read": DUMP + 0x1400,
        "Dump_Finish": DUMP + 0x1200,
        "Dump_Unload": DUMP + 0x1300,
    }
    # Three for the headers and two for the data of each image, one for the step; the list's other member is
    # known by then.
    assert found.reads == 11


def test_two_steps_away() -> None:
    memory = FakeMemory()
    block, page = 0xFFFFAB00_00008100, 0xFFFFAB00_00010000
    memory.map(block)
    memory.map(page)
    memory.put_u64(CRASHDMP_DATA + 0x40, block)
    memory.put(page + 0x200, context())
    memory.list(block + 0x580, page + 0x200 + LIST_ENTRY)
    found = one(memory)
    assert found.chosen is not None
    assert found.chosen.sure == "certain"
    assert found.chosen.reached == "crashdmp+0x2040 -> 0xffffab0000008680"


def test_three_steps_away() -> None:
    memory = FakeMemory()
    pages = (0xFFFFAB00_00008000, 0xFFFFAB00_00010000, 0xFFFFAB00_00018000)
    for page in pages:
        memory.map(page)
    memory.put_u64(CRASHDMP_DATA + 0x40, pages[0] + 0x10)
    memory.put_u64(pages[0] + 0x100, pages[1] + 0x20)
    memory.put(pages[2] + 0x200, context())
    memory.list(pages[1] + 0x300, pages[2] + 0x200 + LIST_ENTRY)
    found = one(memory)
    assert found.chosen is not None
    assert found.chosen.sure == "certain"
    assert found.chosen.reached == "crashdmp+0x2040 -> 0xffffab0000008100 -> 0xffffab0000010300"
    assert not found.cut


def test_the_form_of_windows_7() -> None:
    memory = FakeMemory()
    on_a_list(memory, context(table=0x38, major=1), entry=0x88)
    found = one(memory)
    assert found.chosen is not None
    assert (found.chosen.sure, found.chosen.table["Dump_Read"]) == ("certain", 0)


def test_at_the_very_ends_of_a_page() -> None:
    for at in (POOL, POOL + 0x1000 - LIST_ENTRY - 16):
        memory = FakeMemory()
        on_a_list(memory, context(), at=at)
        found = one(memory)
        assert found.chosen is not None
        assert (found.chosen.address, found.chosen.sure) == (at, "certain")


def test_another_filter_on_the_list_is_none_of_ours() -> None:
    memory = FakeMemory()
    other = memory.image("dump_other", DUMP + 0x100000)
    on_a_list(memory, context({**dict.fromkeys(ALL_FIVE, 0x101000), "Dump_Read": 0}), context())
    first, second = find_tables(memory, memory.copies)  # type: ignore[arg-type]
    assert first.chosen is not None
    assert second.chosen is not None
    assert first.chosen.address == POOL + 0x500
    assert second.module == other
    assert second.chosen.address == POOL + 0x400
    assert second.chosen.table["Dump_Read"] == 0
    assert first.chosen.sure == second.chosen.sure == "certain"


def test_a_filter_that_remembers_its_extension_does_not_make_it_less_sure() -> None:
    """crashdmp leads there in two steps, the filter in one."""
    memory = FakeMemory()
    block, page = 0xFFFFAB00_00008100, 0xFFFFAB00_00010000
    memory.map(block)
    memory.map(page)
    memory.put_u64(CRASHDMP_DATA + 0x40, block)
    memory.put_u64(DUMP_DATA + 0x10, page + 0x240)
    memory.put(page + 0x200, context())
    memory.list(block + 0x580, page + 0x200 + LIST_ENTRY)
    found = one(memory)
    assert found.chosen is not None
    assert (len(found.candidates), found.chosen.doubts) == (1, ())
    assert found.chosen.reached == "crashdmp+0x2040 -> 0xffffab0000008680"


def test_where_only_the_filter_knows_it_is_likely() -> None:
    memory = FakeMemory()
    memory.put(POOL + 0x400, context())
    memory.list(POOL + 0x400 + LIST_ENTRY, POOL + 0x800)
    memory.put_u64(DUMP_DATA + 0x10, POOL + 0x440)
    found = one(memory)
    assert found.chosen is not None
    assert found.chosen.doubts == ("nothing in crashdmp's data leads there",)
    assert found.chosen.reached == "dump_probe+0x2010"


# How sure it is


def test_two_that_differ_are_both_told_and_none_is_chosen() -> None:
    memory = FakeMemory()
    on_a_list(memory, context(), context({"Dump_Write": 0x1180}))
    found = one(memory)
    assert found.chosen is None
    assert [one.table["Dump_Write"] for one in found.candidates] == [DUMP + 0x1100, DUMP + 0x1180]


def test_two_that_agree_are_as_good_as_one() -> None:
    memory = FakeMemory()
    on_a_list(memory, context())
    memory.put(DUMP_DATA + 0x100, context())
    found = one(memory)
    assert len(found.candidates) == 2
    assert found.chosen is not None
    assert (found.chosen.address, found.chosen.sure) == (POOL + 0x400, "certain")


def test_a_decoy_in_the_filters_own_data_is_not_believed_and_not_hidden() -> None:
    memory = FakeMemory()
    on_a_list(memory, context())
    memory.put(DUMP_DATA + 0x100, context({"Dump_Write": 0x1180}))
    memory.list(DUMP_DATA + 0x100 + LIST_ENTRY)
    found = one(memory)
    assert found.chosen is None
    assert [one.sure for one in found.candidates] == ["certain", "likely"]
    assert found.candidates[1].reached == "dump_probe+0x2100"
    assert found.candidates[1].doubts == (
        "nothing in crashdmp's data leads there",
        "its LIST_ENTRY points at itself, so it is on no list",
    )


@pytest.mark.parametrize(
    ("changed", "doubt"),
    [
        ({"dump_type": 2}, "its DumpType is 2"),
        ({"size": 0x60}, "FILTER_EXTENSION.Size is 0x60, not 0x58"),
        ({"pages": 5000}, "its MaxPagesPerWrite is 5000"),
        ({"device": 0x1000}, "its DeviceObject is 0x1000"),
    ],
)
def test_what_does_not_agree_makes_it_likely_only(changed: Dict[str, int], doubt: str) -> None:
    memory = FakeMemory()
    on_a_list(memory, context(**changed))  # type: ignore[arg-type]
    found = one(memory)
    assert found.chosen is not None
    assert (found.chosen.sure, found.chosen.doubts) == ("likely", (doubt,))


@pytest.mark.parametrize(
    "data",
    [
        context(said_dump_data=0x9999),
        context(pages=0),
        context(major=3),
        context(major=0),
        context(dump_type=0),
        context(dump_type=3),
        context({"Dump_Write": 0x5000}),  # past the image's end
        context({"Dump_Finish": -0x1000}),  # before its begin
        context({"Dump_Unload": 0x2100}),  # in its data
        context(dict.fromkeys(ALL_FIVE, 0)),
    ],
    ids=range(10),
)
def test_what_only_looks_like_one_is_not_one(data: bytes) -> None:
    memory = FakeMemory()
    on_a_list(memory, data)
    assert one(memory).candidates == ()


def test_nothing_there_costs_little() -> None:
    found = one(FakeMemory())
    assert (found.candidates, found.chosen, found.cut) == ((), None, False)
    assert found.reads == 10


# A hostile target


def test_lists_that_come_to_no_end() -> None:
    entry = POOL + 0x400 + LIST_ENTRY
    broken = "its list is broken: the LIST_ENTRY at {:#x} does not point back"
    far = POOL + 0x800
    for links, doubt in (
        ({entry: (far, far), far: (far, entry)}, broken.format(far)),  # a ring that leaves us out
        ({entry: (far, far), far: (entry, 0)}, broken.format(far)),
        ({entry: (0x10, far)}, "its list cannot be read at 0x10"),
        ({entry: (far + 1, far)}, f"its list cannot be read at {far + 1:#x}"),
        ({entry: (POOL + 0x1000, far)}, f"its list cannot be read at {POOL + 0x1000:#x}"),
        ({entry: (0xFFFFFFFF_FFFFFFF8, far)}, "its list cannot be read at 0xfffffffffffffff8"),
        ({entry: (entry, entry)}, "its LIST_ENTRY points at itself, so it is on no list"),
    ):
        memory = FakeMemory()
        memory.put_u64(CRASHDMP_DATA + 0x300, entry)
        memory.put(POOL + 0x400, context())
        for address, (flink, blink) in links.items():
            memory.put_u64(address, flink, blink)
        found = one(memory)
        assert found.chosen is not None
        assert found.chosen.doubts == (doubt,)


def test_a_list_without_end_is_left() -> None:
    memory = FakeMemory()
    memory.put_u64(CRASHDMP_DATA + 0x300, POOL + 0x400 + LIST_ENTRY)
    memory.put(POOL + 0x400, context())
    memory.list(POOL + 0x400 + LIST_ENTRY, *(POOL + 0x800 + 16 * number for number in range(100)))
    found = one(memory)
    assert found.chosen is not None
    assert found.chosen.doubts == ("its list has more than 32 members",)


def test_memory_that_cannot_be_read() -> None:
    memory = FakeMemory()
    on_a_list(memory, context())
    memory.unmap(CRASHDMP_DATA)
    assert one(memory).candidates == ()
    memory = FakeMemory()
    on_a_list(memory, context())
    memory.unmap(DUMP)
    found = one(memory)
    assert found.chosen is not None
    assert found.chosen.doubts == ("the image's headers cannot be read, so its pointers may lead to data",)
    memory = FakeMemory()
    memory.put(POOL + 0x1000 - 0x90, context()[:0x90])  # the next page is not there
    memory.put_u64(CRASHDMP_DATA, POOL + 0x1000 - 0x90)
    assert one(memory).candidates == ()


def test_gigantic_data_is_not_read_whole() -> None:
    memory = FakeMemory()
    huge = memory.image("hiber_probe", DUMP + 0x10000000, data_size=0x20000)
    found, _ = find_tables(memory, memory.copies)  # type: ignore[arg-type]
    assert found.cut
    assert sum(size for address, size in memory.reads if address in huge) < 0xA000
    # Headers may say anything: a section of 4 GiB in an image of 4 GiB.
    memory = FakeMemory()
    section = DUMP + 0x80 + 24 + 0xF0 + 40
    memory.put(section + 8, struct.pack("<I", 0xFFFFFFFF))
    copy = Module("dump_probe", VirtualAddress(DUMP), 1 << 32)
    (found,) = find_tables(memory, [copy])  # type: ignore[arg-type]
    assert found.candidates == ()
    assert len(memory.reads) < 12


def test_data_full_of_pointers_costs_no_more_than_the_limit() -> None:
    memory = FakeMemory()
    for number in range(300):
        memory.map(POOL + 0x2000 * (number + 1))
        memory.put_u64(CRASHDMP_DATA + 8 * number, POOL + 0x2000 * (number + 1) + 0x800)
    found = one(memory)
    assert found.cut
    assert found.reads <= 192
    assert one_with_limit(5).reads == 5


def test_one_step_leaves_reads_for_the_next() -> None:
    memory = FakeMemory()
    block = POOL + 0x400
    memory.put_u64(CRASHDMP_DATA, block)
    for number in range(200):
        page = POOL + 0x10000 + 0x2000 * number
        memory.map(page)
        memory.put_u64(CRASHDMP_DATA + 8 + 8 * number, page + 0x800)
    far = 0xFFFFAB00_00800000
    memory.map(far)
    memory.put(far + 0x200, context())
    memory.list(block + 0x20, far + 0x200 + LIST_ENTRY)
    found = one(memory)
    assert found.cut
    assert found.chosen is not None
    assert found.chosen.sure == "certain"
    assert found.reads == 81


def test_what_is_certain_ends_the_search() -> None:
    memory = FakeMemory()
    on_a_list(memory, context())
    for number in range(40):
        page = POOL + 0x10000 + 0x2000 * number
        memory.map(page)
        # Pointers, and LIST_ENTRYs of lists with more than one member.
        memory.put_u64(CRASHDMP_DATA + 16 * number, page + 0x800, page + 0x900 if number % 2 else 0)
        memory.put_u64(DUMP_DATA + 16 * number, page + 0xA00, page + 0xB00)
    found = one(memory)
    assert found.chosen is not None
    assert (found.chosen.sure, found.reads, found.cut) == ("certain", 11, False)


def test_candidates_by_the_dozen_are_not_all_kept() -> None:
    memory = FakeMemory()
    for number in range(25):
        memory.put(DUMP_DATA + 0xA0 * number, context({"Dump_Write": 0x1100 + number}))
    found = one(memory)
    assert len(found.candidates) == 16
    assert found.chosen is None


def test_a_section_that_the_system_has_dropped_is_not_asked_for() -> None:
    memory = FakeMemory()
    characteristics = 0x80 + 24 + 0xF0 + 40 + 36  # of the second section, .data
    memory.put(DUMP + characteristics, struct.pack("<I", 0xC2000040))
    assert one(memory).reads == 8


def one_with_limit(reads: int) -> Found:
    memory = FakeMemory()
    on_a_list(memory, context())
    found = one(memory, SearchLimits(reads=reads))
    assert found.cut
    return found


def test_a_limit_reached_on_the_way_says_so() -> None:
    memory = FakeMemory()
    far = 0xFFFFAB00_00010000
    memory.map(far)
    memory.put(POOL + 0x400, context())
    memory.list(POOL + 0x400 + LIST_ENTRY, far + 0x800)
    memory.put_u64(CRASHDMP_DATA + 0x300, POOL + 0x400 + LIST_ENTRY)
    found = one(memory, SearchLimits(reads=11))
    assert found.cut
    assert found.chosen is not None
    assert found.chosen.doubts == ("the limit of this search was reached before its list had been seen",)


def test_pointers_of_the_filter_come_after_crashdmps() -> None:
    memory = FakeMemory()
    for number in range(0, 200, 2):
        page = POOL + 0x2000 * (number + 1)
        memory.map(page)
        memory.put_u64(DUMP_DATA + 8 * number, page + 0x800, page + 0x800)
    memory.put(POOL + 0x400, context())
    memory.list(POOL + 0x800, POOL + 0x400 + LIST_ENTRY)
    memory.put_u64(CRASHDMP_DATA + 0x40, POOL + 0x700)
    found = one(memory)
    assert found.chosen is not None
    assert found.chosen.sure == "certain"
    assert found.reads < 15


def test_copies_of_the_version_everywhere() -> None:
    memory = FakeMemory()
    memory.put(CRASHDMP_DATA, b"\2\0\0\0\0\0\0\0" * 512)
    memory.put(DUMP_DATA, b"\1\0\0\0\0\0\0\0" * 512)
    assert one(memory).candidates == ()


WORDS = st.sampled_from(
    [
        *(0, 1, 2, 0x10_00000000, DUMP + 0x1000, DUMP + 0x1100, DUMP_DATA, POOL, POOL + 0x100, POOL + 0xFF8),
        *(0xFFFFAB00_00005000, 0xFFFFFFFF_FFFFFFFF, CRASHDMP_DATA, 0x58, 0x10_00000001),
    ]
)


@settings(max_examples=60)
@given(st.lists(WORDS, min_size=1, max_size=64), st.lists(WORDS, min_size=1, max_size=64))
def test_whatever_memory_holds_it_comes_to_an_end(data: List[int], pool: List[int]) -> None:
    memory = FakeMemory()
    memory.put_u64(CRASHDMP_DATA, *data)
    memory.put_u64(DUMP_DATA, *pool)
    memory.put_u64(POOL, *pool, *data)
    found = one(memory)
    assert found.reads <= 192
    for candidate in found.candidates:
        assert all(
            not pointer or DUMP + 0x1000 <= pointer < DUMP + 0x2000 for pointer in candidate.table.values()
        )
