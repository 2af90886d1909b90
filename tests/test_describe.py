"""What start and status say of the copies, in sentences that tell what to do."""

from typing import Any, List, Optional

from pykd_dumpfilt.commands._describe import describe_calls, describe_copies
from pykd_dumpfilt.commands._next import describe_next, describe_sightings
from pykd_dumpfilt.debugger import HitHandler, VirtualAddress
from pykd_dumpfilt.emulator import EmulatorDebugger, Scenario, Target
from pykd_dumpfilt.recording import MemoryPageStore, Record
from pykd_dumpfilt.trace import Hardware, Tracer, bug_check_break, dump_stack_modules

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
    assert "Dump_Read  (symbol; in a debug register)" in lines[3]
    assert len(lines) == 6


def test_what_was_found_in_memory_says_where_and_how_sure_it_is() -> None:
    lines = described(NoSymbols(machine("boot")))
    assert lines[1].endswith("Dump_Start  (found in memory; in a debug register)")
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
    assert lines[1].startswith(
        "  nothing of it is armed: memory holds 2 FILTER_INITIALIZATION_DATA of it that differ (1"
    )
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


def coming(attach: str, debugger: Optional[EmulatorDebugger] = None) -> List[str]:
    debugger = debugger or EmulatorDebugger(machine(attach))
    tracer = Tracer(debugger, "probe", Sink())
    tracer.arm()
    return describe_next(tracer.status(), bug_check_break(debugger))


def test_what_comes_next_before_the_copies_exist() -> None:
    assert coming("start") == [
        "what comes next:",
        "  dump_probe is armed when it loads: at boot, or when crash dumps are set up anew",
        "  hiber_probe is armed when it loads: hibernate the machine (shutdown /h); its Dump_Read is called "
        "when it resumes",
    ]


def test_what_comes_next_on_a_booted_machine() -> None:
    lines = coming("boot")
    assert lines[1] == (
        "  dump_probe is called when the machine crashes: the bug check breaks in first, and the dump is "
        "written at the next g"
    )
    assert lines[2].startswith("  hiber_probe is armed when it loads: hibernate the machine")


def test_what_comes_next_on_a_resumed_machine() -> None:
    assert coming("resume")[2] == (
        "  hiber_probe is there while the machine hibernates and resumes: Dump_Write comes if the image is "
        "still to be written, Dump_Read if it is being read, Dump_Unload at the end"
    )


def test_what_comes_next_at_the_break_of_a_bug_check() -> None:
    first, second = coming("bugcheck")
    assert first.endswith("the machine stands at the break of a bug check; its dump is not written yet")
    assert second == (
        "  g writes it, and calls Dump_Start, Dump_Write and Dump_Finish of dump_probe. Do not type "
        ".crash here"
    )


def test_nothing_comes_after_the_dump() -> None:
    debugger = EmulatorDebugger(machine("bugcheck"))
    debugger.run()
    (line,) = coming("", debugger)
    assert "its dump has been written: the filter is not called any more" in line


def test_what_comes_next_at_a_bug_check_without_the_filter() -> None:
    critical = dump_filter(ALL_FIVE, entry="B8010000C0C3").image()
    target = Target(critical, "probe", Scenario("life", calls=2, pages=2, attach="bugcheck"))
    assert (
        "dump_probe is not loaded, so this dump goes without the filter"
        in coming("bugcheck", EmulatorDebugger(target))[1]
    )


def test_nothing_watched_is_not_promised() -> None:
    target = machine("bugcheck")
    target.write_virtual(target.modules()[1].base + 0x2000, bytes(0x1000))
    assert "but nothing of it is watched (see above)" in coming("bugcheck", NoSymbols(target))[1]


def listed(debugger: EmulatorDebugger) -> List[str]:
    return describe_sightings(dump_stack_modules(debugger))


def test_the_list_of_filters() -> None:
    assert listed(EmulatorDebugger(machine("resume"))) == [
        "loaded by the dump stacks:",
        "  dump_dumpstorport: a port driver or miniport, by its name",
        "  dump_stornvme: a port driver or miniport, by its name",
        "  dump_probe: a filter",
        "    found in memory (certain): FILTER_INITIALIZATION_DATA at 0xffffab0000004410, reached from "
        "crashdmp+0x2140, 21 reads",
        "  hiber_dumpstorport: a port driver or miniport, by its name",
        "  hiber_stornvme: a port driver or miniport, by its name",
        "  hiber_probe: a filter",
        "    found in memory (certain): FILTER_INITIALIZATION_DATA at 0xffffab0000006810, reached from "
        "crashdmp+0x21c0, 21 reads",
        "to trace one: dumpfilt start probe",
    ]


def test_the_list_before_anything_is_loaded() -> None:
    lines = listed(EmulatorDebugger(machine("start")))
    assert lines[0] == "no dump_ or hiber_ module is loaded, so there is no filter to list"
    assert "dumpfilt start NAME: it is armed when it loads" in lines[1]


def test_the_list_says_may_be_where_it_does_not_know() -> None:
    target = machine("boot")
    target.write_virtual(target.modules()[1].base + 0x2000, bytes(0x1000))
    assert listed(EmulatorDebugger(target))[-2:] == [
        "  dump_probe: may be a filter; no FILTER_INITIALIZATION_DATA of it was found (12 reads)",
        "to trace one: dumpfilt start probe",
    ]


class WithoutRegisters(EmulatorDebugger):
    """A virtual machine that takes what is written to debug registers, and does nothing with it."""

    def set_breakpoint(self, address: VirtualAddress, on_hit: HitHandler, hardware: bool = False) -> Any:
        return super().set_breakpoint(address, (lambda: False) if hardware else on_hit, hardware)


def after_a_hibernation(debugger: EmulatorDebugger, hardware: Hardware) -> str:
    tracer = Tracer(debugger, "probe", Sink(), hardware=hardware)
    tracer.arm()
    debugger.run()
    tracer.disarm("the test is over")
    return "\n".join(describe_calls(tracer.status()))


def test_where_debug_registers_do_nothing_that_is_guessed_and_said() -> None:
    one = Scenario("hibernate", calls=2, pages=2)
    image = dump_filter(ALL_FIVE).image()
    said = after_a_hibernation(WithoutRegisters(Target(image, "probe", one)), Hardware.ALWAYS)
    assert "start again with --no-hardware" in said
    for debugger, hardware in (
        (EmulatorDebugger(Target(image, "probe", one)), Hardware.ALWAYS),
        (WithoutRegisters(Target(image, "probe", one)), Hardware.NEVER),
    ):
        assert "--no-hardware" not in after_a_hibernation(debugger, hardware)
