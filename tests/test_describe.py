"""What start and status say of the copies, in sentences that tell what to do."""

from typing import List

from pykd_dumpfilt.commands._describe import describe_copies
from pykd_dumpfilt.emulator import EmulatorDebugger, Scenario, Target
from pykd_dumpfilt.recording import MemoryPageStore, Record
from pykd_dumpfilt.trace import Tracer

from .emulator.code import ALL_FIVE
from .emulator.pe_writer import dump_filter
from .trace.fake_debuggers import NoSymbols
from .trace.fake_memory import context


class Sink(MemoryPageStore):
    def write(self, record: Record) -> None:
        pass


def machine(attach: str) -> Target:
    return Target(dump_filter(ALL_FIVE).image(), "probe", Scenario("life", calls=2, pages=2, attach=attach))


def described(debugger: EmulatorDebugger) -> List[str]:
    tracer = Tracer(debugger, "probe", Sink())
    tracer.arm()
    return describe_copies(tracer.status())


def test_nothing_is_loaded() -> None:
    (line,) = described(EmulatorDebugger(machine("start")))
    assert line.startswith("dump_probe and hiber_probe are not loaded yet: they are armed when they come.")


def test_with_symbols_each_callback_says_so() -> None:
    lines = described(EmulatorDebugger(machine("boot")))
    assert lines[0] == "dump_probe at 0xfffff80031000000"
    assert "Dump_Read  (symbol)" in lines[3]
    assert len(lines) == 6


def test_what_was_found_in_memory_says_where_and_how_sure_it_is() -> None:
    lines = described(NoSymbols(machine("boot")))
    assert lines[1].endswith("Dump_Start  (found in memory)")
    assert lines[-1] == (
        "  found in memory (certain): FILTER_INITIALIZATION_DATA at 0xffffab0000004410, "
        "reached from crashdmp+0x2140, 13 reads"
    )


def test_after_the_first_call_the_search_is_history() -> None:
    debugger = NoSymbols(machine("bugcheck"))
    tracer = Tracer(debugger, "probe", Sink())
    tracer.arm()
    debugger.run()
    assert "memory" not in "\n".join(describe_copies(tracer.status()))


def test_a_find_that_is_not_certain_says_why() -> None:
    target = machine("boot")
    target.write_virtual(0xFFFFAB00_00004410 + 0x40, b"\2")  # DumpType: hibernation, in a dump_ copy
    lines = described(NoSymbols(target))
    assert lines[-2].startswith(
        "  found in memory (likely): FILTER_INITIALIZATION_DATA at 0xffffab0000004410"
    )
    assert lines[-1] == "  not certain: its DumpType is 2. The first call will show the real one"


def test_nothing_found_asks_for_addresses() -> None:
    target = machine("boot")
    target.write_virtual(target.modules()[1].base + 0x2000, bytes(0x1000))
    assert described(NoSymbols(target)) == [
        "dump_probe at 0xfffff80031000000",
        "  no callback found: the copy has no symbols, and its DriverEntry has run already; no "
        "FILTER_INITIALIZATION_DATA of it was found in memory (12 reads). Give addresses: "
        "--callback read=ADDRESS",
    ]


def test_two_that_differ_are_refused_with_the_options_to_type() -> None:
    target = machine("boot")
    base = target.modules()[-1].base
    target.write_virtual(base + 0x2000, context({"Dump_Write": 0x1000, "Dump_Read": 0}, code=base))
    lines = described(NoSymbols(target))
    assert lines[1].startswith("  NOT armed: memory holds 2 FILTER_INITIALIZATION_DATA for it that differ (1")
    assert lines[2] == (
        "    FILTER_INITIALIZATION_DATA at 0xffffab0000004410, reached from crashdmp+0x2140 (certain)"
    )
    assert lines[3].startswith("      --callback start=0xfffff800310010")
    assert lines[4].startswith(
        "    FILTER_INITIALIZATION_DATA at 0xfffff80031002000, reached from dump_probe+0x2000 (likely: "
    )
    assert lines[5] == (
        "      --callback start=0xfffff80031001000 --callback write=0xfffff80031001000 "
        "--callback finish=0xfffff80031001200 --callback unload=0xfffff80031001300"
    )
