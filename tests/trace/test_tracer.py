"""The tracer on the emulator, with hand-assembled filters that behave and misbehave."""

from pathlib import Path
from typing import Dict, List, Optional, Tuple

import pytest

from pykd_dumpfilt.debugger import Module, StopReason
from pykd_dumpfilt.emulator import EmulatorDebugger, Scenario, Target
from pykd_dumpfilt.errors import RecordingError, UsageError
from pykd_dumpfilt.recording import (
    BugCheck,
    Call,
    Callbacks,
    Fault,
    LoadedModule,
    MemoryPageStore,
    Record,
    Unloaded,
    read_recording,
)
from pykd_dumpfilt.trace import Limits, Location, Session, Tracer, record

from ..emulator.code import ALL_FIVE, SUCCESS
from ..emulator.pe_writer import Driver, dump_filter
from .fake_debuggers import NoSymbols
from .fake_memory import context

CRASH = Scenario("crash", calls=4, pages=2)
HIBERNATE = Scenario("hibernate", calls=4, pages=2)
AT_WRITE = -1
"""Stands for any address in the filter."""


class Sink(MemoryPageStore):
    """Keeps records in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.records: List[Record] = []

    def write(self, record: Record) -> None:
        self.records.append(record)

    @property
    def calls(self) -> List[Call]:
        return [one for one in self.records if isinstance(one, Call)]

    def named(self, callback: str) -> List[Call]:
        return [call for call in self.calls if call.callbacks == (callback,)]


class Traced:
    """One run of a filter, traced from before its load to the end."""

    def __init__(
        self,
        driver: Driver,
        scenario: Scenario = CRASH,
        limits: Optional[Limits] = None,
        **given: Location,
    ) -> None:
        self.target = Target(driver.image(), "probe", scenario)
        self.sink = Sink()
        self.debugger = EmulatorDebugger(self.target)
        self.tracer = Tracer(self.debugger, "probe", self.sink, given, limits)
        self.tracer.arm()
        self.stop = self.debugger.run()
        self.tracer.disarm("the test is over")
        self.status = self.tracer.status()


def with_callback(name: str, code: str) -> Driver:
    """A filter that behaves, but for one callback."""
    callbacks: Dict[str, str] = {**ALL_FIVE, name: code}
    return dump_filter(callbacks)


def test_a_crash_is_seen_whole() -> None:
    run = Traced(dump_filter(ALL_FIVE))
    assert [call.callbacks[0] for call in run.sink.calls] == [
        "DriverEntry",
        "Dump_Start",
        *["Dump_Write"] * 4,
        "Dump_Finish",
        "Dump_Unload",
    ]
    assert [call.number for call in run.sink.calls] == list(range(8))
    assert all(call.status == 0 and call.unreturned is None for call in run.sink.calls)
    assert run.status.faults == ()
    assert run.status.breakpoints == 0


def test_a_hibernation_reads_back_after_a_second_start() -> None:
    run = Traced(dump_filter(ALL_FIVE), HIBERNATE)
    names = [call.callbacks[0] for call in run.sink.calls]
    assert names[:7] == ["DriverEntry", "Dump_Start", *["Dump_Write"] * 4, "Dump_Finish"]
    assert names[7] == "Dump_Start"
    assert set(names[8:-2]) == {"Dump_Read"}
    assert names[-2:] == ["Dump_Finish", "Dump_Unload"]


def test_modules_and_callbacks_are_told_as_they_become_known() -> None:
    run = Traced(dump_filter(ALL_FIVE))
    first, symbols, _, table = run.sink.records[:4]
    assert isinstance(first, LoadedModule)
    assert (first.number, first.name) == (0, "dump_probe")
    assert isinstance(symbols, Callbacks)
    assert [one.found_by for one in symbols.armed] == [("header",), *[("symbol",)] * 5]
    assert isinstance(table, Callbacks)
    # DriverEntry has run, and does not run again.
    assert [one.found_by for one in table.armed] == [("table",)] * 5
    assert isinstance(run.sink.records[-1], Unloaded)


def test_a_callback_that_is_not_registered_is_known_to_be_absent() -> None:
    callbacks = {name: code for name, code in ALL_FIVE.items() if name != "Dump_Read"}
    run = Traced(dump_filter(callbacks, flags=0), HIBERNATE)
    assert run.sink.named("Dump_Read") == []
    assert run.status.copies[0].absent == ("Dump_Read",)


def test_both_sides_hold_the_buffer_as_it_was() -> None:
    run = Traced(dump_filter(ALL_FIVE), HIBERNATE)
    for call in run.sink.named("Dump_Read") + run.sink.named("Dump_Write"):
        assert call.exit is not None
        (before,), (after,) = call.entry.buffers, call.exit.buffers
        plain = contents(run.sink, before.pages)[before.offset :][: before.size]
        changed = contents(run.sink, after.pages)[after.offset :][: after.size]
        assert changed == bytes(byte ^ 0xFF for byte in plain)


def contents(store: Sink, pages: Tuple[Optional[int], ...]) -> bytes:
    return b"".join(store.page(page) for page in pages if page is not None)


def test_recursion_gives_a_call_for_each_level() -> None:
    driver = dump_filter({**ALL_FIVE, "Dump_Start": ""})
    # It had no code, so its label fell on its neighbour's: the real one comes last.
    driver.data[0:4] = (2).to_bytes(4, "little")
    driver.label("Dump_Start").use("FF0D", "data+0").code("780D4883EC28").use("E8", "Dump_Start")
    driver.code("4883C42831C0C3")
    run = Traced(driver)
    starts = run.sink.named("Dump_Start")
    # Written as they end: the innermost first. Three levels, because the counter held 2.
    assert [call.number for call in starts] == [3, 2, 1]
    stacks = [call.entry.registers["rsp"] for call in starts]
    assert stacks[0] < stacks[1] < stacks[2]
    assert all(call.status == 0 for call in starts)


def test_a_call_that_is_jumped_over_is_told_as_never_returned() -> None:
    driver = dump_filter({**ALL_FIVE, "Dump_Start": "", "Dump_Finish": ""})
    # Dump_Start calls Dump_Finish, which drops the frame of its caller and returns in its place.
    driver.label("Dump_Start").code("4883EC28").use("E8", "Dump_Finish").code("4883C42831C0C3")
    driver.label("Dump_Finish").code("4883C43031C0C3")
    run = Traced(driver, Scenario("crash", calls=1, pages=1))
    inner, outer = run.sink.calls[1:3]
    assert inner.callbacks == ("Dump_Finish",)
    assert inner.unreturned == "a call around it returned first"
    assert inner.exit is None
    assert outer.callbacks == ("Dump_Start",)
    assert outer.status == 0


def test_a_call_that_ends_in_a_bug_check_is_kept_without_its_return() -> None:
    driver = dump_filter({**ALL_FIVE, "Dump_Write": ""})
    driver.label("Dump_Write").code("B9E2000000").call("KeBugCheck").code("C3")
    run = Traced(driver)
    last = run.sink.calls[-1]
    assert last.callbacks == ("Dump_Write",)
    assert last.unreturned == "the test is over"
    # 0xE2 is also what is being dumped here: another one of the same kind cannot be told from it.
    assert last.bug_check is None
    assert last.entry.buffers[0].size > 0
    assert run.stop.reason is StopReason.ENDED
    assert "bugcheck" in run.stop.detail
    assert run.status.breakpoints == 0


@pytest.mark.parametrize(
    ("scenario", "code", "bug_check"),
    [
        (CRASH, "0F0B", BugCheck(0x1E, (0xC000001D, AT_WRITE, 0, 0))),
        (HIBERNATE, "0F0B", BugCheck(0x1E, (0xC000001D, AT_WRITE, 0, 0))),
        # mov rax, [10h] at HIGH_LEVEL.
        (HIBERNATE, "488B042510000000", BugCheck(0xD1, (0x10, 15, 0, AT_WRITE))),
        # mov ecx, 2; int 29h.
        (HIBERNATE, "B902000000CD29", BugCheck(0x139, (2, 0, 0, 0))),
    ],
)
def test_a_fault_is_the_bug_check_that_windows_would_raise(
    scenario: Scenario, code: str, bug_check: BugCheck
) -> None:
    run = Traced(with_callback("Dump_Write", code), scenario)
    last = run.sink.calls[-1]
    assert last.callbacks == ("Dump_Write",)
    assert last.bug_check is not None
    assert last.bug_check.code == bug_check.code
    assert [
        AT_WRITE if 0xFFFFF80031000000 <= value < 0xFFFFF80031010000 else value
        for value in last.bug_check.parameters
    ] == list(bug_check.parameters)
    assert not last.gone


def test_a_bug_check_belongs_to_the_innermost_call() -> None:
    driver = dump_filter({**ALL_FIVE, "Dump_Start": "", "Dump_Finish": ""})
    driver.label("Dump_Start").code("4883EC28").use("E8", "Dump_Finish").code("4883C428C3")
    driver.label("Dump_Finish").code("4883EC28B9A0000000").call("KeBugCheck").code("C3")
    run = Traced(driver)
    inner, outer = run.sink.calls[-2:]
    assert (inner.callbacks, outer.callbacks) == (("Dump_Finish",), ("Dump_Start",))
    assert inner.bug_check == BugCheck(0xA0, (0, 0, 0, 0))
    assert outer.bug_check is None


def test_a_call_that_takes_for_ever_is_gone(tmp_path: Path) -> None:
    scenario = Scenario("crash", calls=1, pages=1, budget=500_000)
    target = Target(with_callback("Dump_Write", "EBFE").image(), "probe", scenario)
    summary = record(EmulatorDebugger(target), "probe", tmp_path / "run")
    assert summary.stop.reason is StopReason.STUCK
    with read_recording(summary.path) as recording:
        last = list(recording.calls())[-1]
    assert last.callbacks == ("Dump_Write",)
    assert last.gone
    assert last.unreturned is not None
    assert last.unreturned.startswith("budget: one call of the filter took more than 500000 instructions")


def test_a_return_with_a_wrong_stack_pointer_is_recorded_as_it_is() -> None:
    # pop rax; push rax; push rax; ret: eight bytes are left on the stack.
    run = Traced(with_callback("Dump_Start", "585050C3"))
    start = run.sink.named("Dump_Start")[0]
    assert start.exit is not None
    assert start.exit.registers["rsp"] == start.entry.registers["rsp"]


def test_registers_that_a_callee_must_keep_and_the_irql_are_recorded() -> None:
    # pxor xmm6, xmm6; xor eax, eax; mov cr8, rax; ret.
    run = Traced(with_callback("Dump_Finish", "660FEFF631C0440F22C0C3"))
    finish = run.sink.named("Dump_Finish")[0]
    assert finish.exit is not None
    assert {f"xmm{number}" for number in range(6, 16)} <= set(finish.entry.registers)
    assert finish.entry.registers["xmm6"] != 0
    assert finish.exit.registers["xmm6"] == 0
    assert (finish.entry.registers["cr8"], finish.exit.registers["cr8"]) == (15, 0)


def test_pages_around_a_buffer_are_read_where_they_are_asked_for() -> None:
    # mov rax,[r8+18h]; and rax,-1000h; dec byte [rax-1]: the last byte of the page before the buffer.
    code = "498B4018482500F0FFFFFE48FF31C0C3"
    run = Traced(with_callback("Dump_Write", code), limits=Limits(around=1))
    for call in run.sink.named("Dump_Write"):
        assert call.exit is not None
        (before,), (after,) = call.entry.around, call.exit.around
        assert (before.via, len(before.pages), before.size) == ("virtual", 2, 8192)
        old, new = contents(run.sink, before.pages), contents(run.sink, after.pages)
        assert [at for at in range(8192) if old[at] != new[at]] == [4095]
    # The pages two away are not mapped here; what is nearer is read all the same.
    wider = Traced(with_callback("Dump_Write", code), limits=Limits(around=2))
    (near,) = run.sink.named("Dump_Write")[0].entry.around
    (far,) = wider.sink.named("Dump_Write")[0].entry.around
    assert [page is None for page in far.pages] == [True, False, False, True]
    assert sorted(far.unreadable) == [0, 3]
    assert contents(wider.sink, far.pages) == contents(run.sink, near.pages)
    assert Traced(with_callback("Dump_Write", code)).sink.named("Dump_Write")[0].entry.around == ()


def test_one_address_for_several_callbacks_is_labelled_and_its_arguments_are_not_guessed() -> None:
    driver = dump_filter({**ALL_FIVE, "Dump_Finish": "", "Dump_Read": SUCCESS})
    driver.labels["Dump_Finish"] = driver.labels["Dump_Read"]
    run = Traced(driver, HIBERNATE)
    folded = [call for call in run.sink.calls if len(call.callbacks) > 1]
    assert {call.callbacks for call in folded} == {("Dump_Read", "Dump_Finish")}
    assert all(call.entry.mdls == () and call.entry.disk_byte_offset is None for call in folded)
    assert all(call.entry.filter_extension is not None for call in folded)


def test_a_swapped_buffer_is_read_where_it_was_and_where_it_is() -> None:
    # Exchanges the first PFN with the second: mov rax,[r8+30h]; xchg rax,[r8+38h]; mov [r8+30h],rax.
    swap = "498B4030498740384989403031C0C3"
    run = Traced(with_callback("Dump_Write", swap), Scenario("crash", calls=12, pages=4))
    swapped = [call for call in run.sink.named("Dump_Write") if len(call.entry.buffers[0].pages) > 1]
    assert swapped
    for call in swapped:
        assert call.exit is not None
        first, second = call.entry.buffers[0].pages[:2]
        assert call.exit.buffers[0].pages[:2] == (second, first)
        assert call.exit.source == call.entry.buffers


def test_a_page_that_is_not_there_is_a_value_with_a_reason() -> None:
    # mov qword [r8+30h], 7FFFFFFFh: a PFN far beyond this machine's memory.
    run = Traced(with_callback("Dump_Write", "49C74030FFFFFF7F31C0C3"))
    call = run.sink.named("Dump_Write")[0]
    assert call.exit is not None
    buffer = call.exit.buffers[0]
    assert buffer.pages[0] is None
    assert buffer.unreadable[0]
    assert run.status.faults == ()


def test_an_absurd_byte_count_is_cut_at_the_limit() -> None:
    # mov dword [r8+28h], 0FFFFFFFFh
    run = Traced(with_callback("Dump_Write", "41C74028FFFFFFFF31C0C3"))
    call = run.sink.named("Dump_Write")[0]
    assert call.exit is not None
    buffer = call.exit.buffers[0]
    assert len(buffer.pages) <= 1024
    assert buffer.truncated is not None
    assert "1024" in buffer.truncated


def test_an_mdl_chain_that_bites_its_tail_ends() -> None:
    run = Traced(with_callback("Dump_Write", "4D890031C0C3"))  # mov [r8], r8
    call = run.sink.named("Dump_Write")[0]
    assert call.exit is not None
    assert len(call.exit.mdls) == 1


def test_a_wild_mdl_pointer_is_recorded_and_nothing_fails() -> None:
    # Dump_Start calls Dump_Write itself, with an MDL pointer to nowhere.
    driver = dump_filter({**ALL_FIVE, "Dump_Start": "", "Dump_Write": SUCCESS})
    driver.label("Dump_Start").code("4883EC284D31C031D2").use("E8", "Dump_Write")
    driver.code("4883C42831C0C3")
    run = Traced(driver)
    wild = run.sink.named("Dump_Write")[0]
    assert wild.arguments[1:] == (0, 0)
    assert wild.entry.mdls == ()
    assert wild.entry.disk_byte_offset is not None
    assert wild.entry.disk_byte_offset.missing is not None
    assert run.status.faults == ()


def test_the_code_is_as_it_was_when_the_run_is_over() -> None:
    driver = dump_filter(ALL_FIVE)
    target = Target(driver.image(), "probe", CRASH)
    debugger = EmulatorDebugger(target)
    seen: List[bytes] = []

    def loaded(module: Module) -> None:
        seen.append(target.read_virtual(int(module.base) + 0x1000, len(driver.text)))

    def unloaded(module: Module) -> None:
        seen.append(target.read_virtual(int(module.base) + 0x1000, len(driver.text)))

    debugger.watch_modules(loaded, unloaded)
    tracer = Tracer(debugger, "probe", Sink())
    tracer.arm()
    debugger.run()
    tracer.disarm("done")
    text = driver.image()[0x1000 : 0x1000 + len(driver.text)]
    assert seen == [text, text]


def test_a_sink_that_fails_costs_calls_and_never_the_target() -> None:
    class Full(Sink):
        def put(self, content: bytes) -> int:
            raise RecordingError("no space left on device")

    target = Target(dump_filter(ALL_FIVE).image(), "probe", CRASH)
    debugger = EmulatorDebugger(target)
    sink = Full()
    tracer = Tracer(debugger, "probe", sink)
    tracer.arm()
    assert debugger.run().detail == "the scenario ran to its end"
    tracer.disarm("done")
    status = tracer.status()
    assert status.lost == 4  # the writes; the other callbacks have no pages
    assert "no space left on device" in status.faults[0]
    assert sum(isinstance(one, Fault) for one in sink.records) == 4


def test_a_symbol_that_is_not_there_is_told_when_the_copy_comes() -> None:
    run = Traced(dump_filter(ALL_FIVE), CRASH, Dump_Read=Location(symbol="MyRead"))
    assert "dump_probe has no symbol MyRead" in run.status.faults[0]
    # All that is known otherwise is watched all the same.
    assert len(run.sink.named("Dump_Write")) == 4


def test_an_offset_given_by_the_user_beats_the_table() -> None:
    driver = dump_filter(ALL_FIVE)
    offset = driver.labels["Dump_Write"]
    run = Traced(driver, CRASH, Dump_Write=Location(offset=offset))
    armed = {one.callbacks: one.found_by for one in run.status.copies[0].armed}
    assert armed[("Dump_Write",)] == ("address",)
    assert len(run.sink.named("Dump_Write")) == 4


def test_a_session_leaves_a_closed_recording(tmp_path: Path) -> None:
    debugger = EmulatorDebugger(Target(dump_filter(ALL_FIVE).image(), "probe", HIBERNATE))
    summary = record(debugger, "dump_probe.sys", tmp_path / "run")
    recording = read_recording(summary.path)
    assert recording.header.filter == "probe"
    assert recording.complete
    assert recording.footer is not None
    assert recording.footer.reason == "the scenario ran to its end"
    assert len(list(recording.calls())) == sum(summary.status.calls.values())


def test_an_observer_sees_what_the_recording_holds(tmp_path: Path) -> None:
    seen: List[Record] = []
    debugger = EmulatorDebugger(Target(dump_filter(ALL_FIVE).image(), "probe", HIBERNATE))
    summary = record(debugger, "probe", tmp_path / "run", observer=lambda one, pages: seen.append(one))
    assert seen == list(read_recording(summary.path))


def test_a_session_with_a_bad_name_leaves_no_folder(tmp_path: Path) -> None:
    debugger = EmulatorDebugger(Target(dump_filter(ALL_FIVE).image(), "probe", CRASH))
    with pytest.raises(UsageError):
        Session(debugger, "dump_", tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


class Late:
    """A tracer that comes when the copy is loaded already and its DriverEntry has run."""

    def __init__(self, driver: Driver, **given: Location) -> None:
        self.target = Target(driver.image(), "probe", CRASH)
        self.debugger = EmulatorDebugger(self.target)
        start = driver.labels["Dump_Start"]

        def loaded(module: Module) -> None:
            self.first = self.debugger.set_breakpoint(module.base + start, lambda: True)

        watch = self.debugger.watch_modules(loaded, lambda module: None)
        assert self.debugger.run().reason is StopReason.BREAK
        self.first.remove()
        watch.remove()
        self.sink = Sink()
        self.tracer = Tracer(self.debugger, "probe", self.sink, given)
        self.tracer.arm()
        self.at_first = self.tracer.status()
        self.debugger.run()
        self.tracer.disarm("the test is over")


def test_a_copy_that_is_there_already_is_armed_by_symbols_and_learns_the_table_at_its_first_call() -> None:
    late = Late(dump_filter(ALL_FIVE))
    assert {how for one in late.at_first.copies[0].armed for how in one.found_by} == {"symbol"}
    armed = [one for one in late.sink.records if isinstance(one, Callbacks)]
    # The table lies in front of FILTER_EXTENSION, which the first call brings.
    assert {how for one in armed[-1].armed for how in one.found_by} == {"table"}
    assert len(late.sink.named("Dump_Write")) == 4


def test_one_callback_given_by_address_leads_to_the_others() -> None:
    driver = dump_filter(ALL_FIVE)
    write = driver.labels["Dump_Write"]
    image = without_symbols_image(driver)
    target = Target(image, "probe", CRASH)
    debugger = EmulatorDebugger(target)
    sink = Sink()
    tracer = Tracer(debugger, "probe", sink, {"Dump_Write": Location(offset=write)})
    tracer.arm()
    debugger.run()
    tracer.disarm("done")
    assert len(sink.named("Dump_Write")) == 4
    assert len(sink.named("Dump_Finish")) == 1


def test_with_no_symbol_and_no_address_a_late_tracer_says_that_it_knows_nothing() -> None:
    driver = dump_filter(ALL_FIVE)
    start = driver.labels["Dump_Start"]
    target = Target(without_symbols_image(driver), "probe", CRASH)
    debugger = EmulatorDebugger(target)
    stops: List[Module] = []

    def loaded(module: Module) -> None:
        stops.append(module)
        debugger.set_breakpoint(module.base + start, lambda: True)

    debugger.watch_modules(loaded, lambda module: None)
    debugger.run()
    crashdmp = target.modules()[1]
    target.write_virtual(crashdmp.base + 0x2000, bytes(0x1000))  # and nothing leads to the table
    tracer = Tracer(debugger, "probe", Sink())
    tracer.arm()
    (copy,) = tracer.status().copies
    tracer.disarm("done")
    assert (copy.name, copy.armed) == ("dump_probe", ())
    assert copy.search is not None
    assert (copy.search.candidates, copy.search.reads) == ((), 12)


def without_symbols_image(driver: Driver) -> bytes:
    """The image with its export directory taken away."""
    image = bytearray(driver.image())
    export_directory = 0x80 + 24 + 112  # e_lfanew, signature and file header, PE32+ fixed part
    image[export_directory : export_directory + 8] = bytes(8)
    return bytes(image)


class Rebooting(EmulatorDebugger):
    """Can tell what a debugger is told when another kernel boots: that it loads, and nothing else."""

    def boots(self) -> None:
        for watch in list(self._watches):
            watch.loaded(self.modules()[0])


def test_a_kernel_that_loads_ends_all_that_was_before() -> None:
    debugger = Rebooting(Target(dump_filter(ALL_FIVE).image(), "probe", CRASH))
    sink = Sink()
    tracer = Tracer(debugger, "probe", sink)
    tracer.arm()

    def stop_in_dump_write(module: Module) -> None:
        address = debugger.symbol(module, "Dump_Write")
        assert address is not None
        debugger.set_breakpoint(address, lambda: True)

    watch = debugger.watch_modules(stop_in_dump_write, lambda module: None)
    debugger.run()
    watch.remove()
    assert tracer.status().open_calls == 1
    debugger.boots()
    status = tracer.status()
    # It watches on for what the new machine loads.
    assert status.armed
    assert (status.breakpoints, status.open_calls, status.faults) == (0, 0, ())
    assert [copy.loaded for copy in status.copies] == [False]
    call, unloaded = sink.records[-2:]
    assert isinstance(call, Call)
    assert call.callbacks == ("Dump_Write",)
    assert (call.unreturned, call.gone) == ("the target rebooted while the call was running", False)
    assert unloaded == Unloaded(0)
    # The same place may hold another machine's copy now: it is one more, not the same again.
    for watch in list(debugger._watches):
        watch.loaded(debugger.modules()[2])
    assert [copy.loaded for copy in tracer.status().copies] == [False, True]
    assert tracer.status().breakpoints == 6
    tracer.disarm("the test is over")


def attached(driver: Driver, attach: str, **given: Location) -> Tuple[Sink, EmulatorDebugger, Tracer]:
    """A tracer armed in the middle of a machine's life, with no symbols."""
    target = Target(driver.image(), "probe", Scenario("life", calls=2, pages=2, attach=attach))
    debugger = NoSymbols(target)
    sink = Sink()
    tracer = Tracer(debugger, "probe", sink, given)
    tracer.arm()
    return sink, debugger, tracer


def test_copies_without_symbols_are_found_in_memory() -> None:
    sink, debugger, tracer = attached(dump_filter(ALL_FIVE), "resume")
    dump, hiber = tracer.status().copies
    for copy in (dump, hiber):
        assert [one.found_by for one in copy.armed] == [("memory",)] * 5
        assert copy.search is not None
        assert copy.search.chosen is not None
    debugger.run()
    # The first call shows the table itself.
    assert [one.found_by for one in tracer.status().copies[1].armed] == [("table",)] * 5
    assert [one.found_by for one in tracer.status().copies[0].armed] == [("memory",)] * 5
    assert len(sink.named("Dump_Read")) == 2
    debugger.run()
    assert [one.found_by for one in tracer.status().copies[0].armed] == [("table",)] * 5
    assert len(sink.named("Dump_Write")) == 2


def test_what_is_not_in_a_table_found_for_certain_is_absent() -> None:
    callbacks = {name: code for name, code in ALL_FIVE.items() if name != "Dump_Read"}
    _, _, tracer = attached(dump_filter(callbacks, flags=0), "bugcheck")
    (copy,) = tracer.status().copies
    assert copy.absent == ("Dump_Read",)


@pytest.mark.parametrize(
    ("given", "searched"),
    [
        ({}, True),
        ({"Dump_Read": Location(offset=0x1080)}, False),
        # What the user says of another copy tells nothing of this one.
        ({"Dump_Read": Location(address=0xFFFFF800_41001080)}, True),
    ],
)
def test_memory_is_searched_only_where_nobody_tells(given: Dict[str, Location], searched: bool) -> None:
    _, _, tracer = attached(dump_filter(ALL_FIVE), "bugcheck", **given)
    assert (tracer.status().copies[0].search is not None) == searched


def test_symbols_make_a_search_needless() -> None:
    target = Target(
        dump_filter(ALL_FIVE).image(), "probe", Scenario("life", calls=2, pages=2, attach="bugcheck")
    )
    tracer = Tracer(EmulatorDebugger(target), "probe", Sink(), {})
    tracer.arm()
    (copy,) = tracer.status().copies
    assert copy.search is None
    assert [one.found_by for one in copy.armed] == [("symbol",)] * 5


def test_two_tables_that_differ_arm_nothing() -> None:
    """A filter that keeps a FILTER_CONTEXT of its own making in its data."""
    driver = dump_filter(ALL_FIVE)
    target = Target(driver.image(), "probe", Scenario("life", calls=2, pages=2, attach="bugcheck"))
    image = target.modules()[-1]
    decoy = context({"Dump_Write": 0x1000}, code=image.base)
    target.write_virtual(image.base + 0x2000, decoy)
    tracer = Tracer(NoSymbols(target), "probe", Sink())
    tracer.arm()
    (copy,) = tracer.status().copies
    assert copy.armed == ()
    assert copy.search is not None
    assert [one.sure for one in copy.search.candidates] == ["certain", "likely"]
