"""The machine as a debugger sees it: events, registers, memory, lists, and every way it can stop."""

import struct
from typing import List, Tuple

import pefile
import pytest

from pykd_dumpfilt.debugger import MemoryReadError, Module
from pykd_dumpfilt.emulator import (
    BreakpointHit,
    DebugRegisterHit,
    EmulatorDebugger,
    Event,
    ModuleLoaded,
    ModuleUnloaded,
    Running,
    Scenario,
    SingleStep,
    Stopped,
    Target,
)
from pykd_dumpfilt.errors import TargetError, UsageError

from .code import ALL_FIVE, SUCCESS
from .pe_writer import Driver, dump_filter

CRASH = Scenario("crash", calls=2, pages=2)


def crash_target(start: str, budget: int = 2_000_000_000) -> Target:
    """A target whose Dump_Start is the given code."""
    image = dump_filter({"Dump_Start": start}).image()
    return Target(image, "probe", Scenario("crash", calls=1, pages=1, budget=budget))


def finish(target: Target) -> Stopped:
    while True:
        event = target.resume()
        if isinstance(event, Stopped):
            return event


def test_it_stands_at_the_initial_break() -> None:
    target = Target(dump_filter(ALL_FIVE).image(), "probe", CRASH)
    modules = {image.name: image for image in target.modules()}
    assert list(modules) == ["nt", "crashdmp"]
    rip = target.get_register("rip")
    assert rip == modules["nt"].exports["DbgBreakPointWithStatus"]
    assert target.read_virtual(rip, 2) == b"\xcc\xc3"
    assert target.get_register("cs") == 0x10
    assert target.get_register("cr0") & 0x80000001 == 0x80000001
    assert target.get_register("gsbase") == target.kpcr


def test_it_loads_runs_and_unloads() -> None:
    target = Target(dump_filter(ALL_FIVE).image(), "probe", CRASH)
    loaded = target.resume()
    assert isinstance(loaded, ModuleLoaded)
    assert loaded.module.name == "dump_probe"
    assert loaded.module.path == "\\SystemRoot\\System32\\Drivers\\dump_probe.sys"
    assert (loaded.module.timestamp, loaded.module.checksum) == (0x5F000001, 0xABCD)
    assert loaded.module in target.modules()
    unloaded = target.resume()
    assert unloaded == ModuleUnloaded(loaded.module)
    assert target.read_virtual(loaded.module.base, 2) == b"MZ"
    stopped = target.resume()
    assert stopped == Stopped("ended", "the scenario ran to its end")
    assert target.resume() is target.step() is stopped
    assert target.get_register("rip") == target.modules()[0].exports["DbgBreakPointWithStatus"]
    assert [image.name for image in target.modules()] == ["nt", "crashdmp"]
    with pytest.raises(MemoryReadError):
        target.read_virtual(loaded.module.base, 2)


def walk_modules(target: Target) -> List[Tuple[str, int, int]]:
    """The list as a debugger walks it: from KDBG in guest memory."""

    def u64(address: int) -> int:
        return int(struct.unpack("<Q", target.read_virtual(address, 8))[0])

    block = u64(target.debugger_data_list)
    assert target.read_virtual(block + 0x10, 4) == b"KDBG"
    assert u64(block + 0x18) == target.kernel_base
    head = u64(block + 0x48)
    assert head == target.ps_loaded_module_list
    found, back = [], head
    entry = u64(head)
    while entry != head:
        assert u64(entry + 8) == back
        size, _, at = struct.unpack("<HHxxxxQ", target.read_virtual(entry + 0x58, 16))
        name = target.read_virtual(at, size).decode("utf-16-le")
        found.append((name, u64(entry + 0x30), struct.unpack("<I", target.read_virtual(entry + 0x40, 4))[0]))
        back, entry = entry, u64(entry)
    assert u64(head + 8) == back
    return found


def test_the_module_list_in_guest_memory_is_right() -> None:
    target = Target(dump_filter(ALL_FIVE).image(), "probe", Scenario("hibernate", calls=1, pages=1))
    before = walk_modules(target)
    assert [name for name, _, _ in before] == ["ntoskrnl.exe", "crashdmp.sys"]
    event = target.resume()
    assert isinstance(event, ModuleLoaded)
    assert walk_modules(target) == [*before, ("hiber_probe.sys", event.module.base, 0x6000)]
    finish(target)
    assert walk_modules(target) == before


def test_a_debugger_can_resolve_nt_from_its_headers() -> None:
    driver = dump_filter({"Dump_Start": SUCCESS})
    driver.label("Unused").call("ZwSomething")
    target = Target(driver.image(), "probe", CRASH)
    nt = target.modules()[0]
    image = pefile.PE(data=target.read_virtual(nt.base, nt.size).ljust(nt.size, b"\0"), fast_load=True)
    image.full_load()
    names = {
        symbol.name.decode(): nt.base + symbol.address for symbol in image.DIRECTORY_ENTRY_EXPORT.symbols
    }
    assert names == dict(nt.exports)
    assert {"KeBugCheckEx", "DbgBreakPointWithStatus", "ZwSomething", "MmHighestUserAddress"} <= set(names)
    assert list(names) == sorted(names)


def test_processor_blocks_are_where_a_debugger_looks() -> None:
    target = Target(dump_filter(ALL_FIVE).image(), "probe", CRASH)
    pcr = struct.unpack("<QQ", target.read_virtual(target.kpcr + 0x18, 16))
    assert pcr == (target.kpcr, target.kprcb)
    thread = struct.unpack("<Q", target.read_virtual(target.kprcb + 8, 8))
    assert thread == (target.current_thread,)
    target.read_virtual(target.kprcb, 0x8000)


def test_int3_stops_at_itself_and_runs_again_until_taken_out() -> None:
    target = crash_target("90" + "CC" + "B801000000" + SUCCESS)
    loaded = target.resume()
    assert isinstance(loaded, ModuleLoaded)
    address = loaded.module.exports["Dump_Start"] + 1
    assert target.resume() == BreakpointHit(address)
    assert target.get_register("rip") == address
    assert target.resume() == BreakpointHit(address)
    assert target.step() == BreakpointHit(address)
    target.write_virtual(address, b"\x90")
    assert target.step() == SingleStep()
    assert target.get_register("rip") == address + 1
    target.write_virtual(address, b"\xcc")
    assert target.step() == SingleStep()
    assert target.get_register("rax") == 1
    assert finish(target).reason == "ended"


def test_breakpoints_in_code_that_has_run_take_effect() -> None:
    target = Target(dump_filter(ALL_FIVE).image(), "probe", Scenario("crash", calls=4, pages=1))
    loaded = target.resume()
    assert isinstance(loaded, ModuleLoaded)
    write = loaded.module.exports["Dump_Write"]
    target.write_virtual(write, b"\xcc")
    for _ in range(4):
        assert target.resume() == BreakpointHit(write)
        target.write_virtual(write, bytes.fromhex("49"))
        assert target.step() == SingleStep()
        target.write_virtual(write, b"\xcc")
    assert isinstance(target.resume(), ModuleUnloaded)


def test_a_step_over_the_last_return_ends_the_call() -> None:
    target = crash_target(SUCCESS)
    events: List[Event] = []
    while not any(isinstance(event, Stopped) for event in events):
        events.append(target.step())
        assert len(events) < 200
    kinds = [type(event).__name__ for event in events if not isinstance(event, SingleStep)]
    assert kinds == ["ModuleLoaded", "ModuleUnloaded", "Stopped"]


def test_running_comes_back_and_goes_on() -> None:
    # mov ecx, 1000; dec ecx; jnz; xor eax, eax; ret
    target = crash_target("B9E8030000" + "FFC9" + "75FC" + SUCCESS)
    target.resume()
    slices = 0
    while target.resume(max_instructions=100) == Running():
        slices += 1
    assert 19 <= slices <= 25


def test_code_that_ran_without_a_limit_is_limited_later() -> None:
    # mov ecx, 1000; dec ecx; jnz; int3; mov ecx, 1000; jmp back
    target = crash_target("B9E8030000" + "FFC9" + "75FC" + "CC" + "B9E8030000" + "EBF4")
    target.resume()
    hit = target.resume()
    assert isinstance(hit, BreakpointHit)
    for _ in range(3):
        target.set_register("rip", hit.address + 1)
        assert target.resume(max_instructions=500) == Running()
        assert 700 <= target.get_register("rcx") <= 800
        assert target.step() == SingleStep()
        assert target.resume() == hit


def test_interrupt_makes_resume_come_back() -> None:
    target = crash_target("EBFE")
    target.resume()
    target.interrupt()
    assert target.resume() == Running()
    assert target.resume(max_instructions=1000) == Running()


def test_registers() -> None:
    target = crash_target(SUCCESS)
    for name in ("rax", "r15", "rsp", "cr2", "dr0", "cr8"):
        target.set_register(name, 0xFFFFF80012345678 if name != "cr8" else 5)
        assert target.get_register(name) == (0xFFFFF80012345678 if name != "cr8" else 5)
    target.set_register("efl", 0x346)
    assert target.get_register("efl") & 0x100 == 0
    target.set_xmm(7, bytes(range(16)))
    assert target.get_xmm(7) == bytes(range(16))
    with pytest.raises(KeyError):
        target.get_register("RAX")
    with pytest.raises(KeyError):
        target.set_register("st0", 0)


def test_memory_reads_say_what_came() -> None:
    target = crash_target(SUCCESS)
    nt = target.modules()[0]
    end = nt.base + nt.size
    with pytest.raises(MemoryReadError) as caught:
        target.read_virtual(end - 4, 16)
    assert (caught.value.asked, len(caught.value.data)) == (16, 4)
    for address in (0, 0x8000_0000_0000, 0xFFFF_FFFF_FFFF_FFFF, 1 << 70, -8):
        with pytest.raises(MemoryReadError):
            target.read_virtual(address, 8)
        with pytest.raises(TargetError):
            target.write_virtual(address, b"x")
    with pytest.raises(MemoryReadError) as caught:
        target.read_physical((128 << 20) - 8, 64)
    assert len(caught.value.data) == 8
    with pytest.raises(MemoryReadError):
        target.read_physical(1 << 50, 1)
    with pytest.raises(TargetError):
        target.write_physical((128 << 20) - 8, bytes(64))
    assert target.read_virtual(0, 0) == b""
    target.write_physical(0x1000, b"hello")
    assert target.read_physical(0x1000, 5) == b"hello"


def test_nothing_is_written_where_not_all_is_mapped() -> None:
    target = crash_target(SUCCESS)
    nt = target.modules()[0]
    end = nt.base + nt.size
    before = target.read_virtual(end - 4, 4)
    with pytest.raises(TargetError):
        target.write_virtual(end - 4, b"12345678")
    assert target.read_virtual(end - 4, 4) == before


@pytest.mark.parametrize(
    ("code", "detail"),
    [
        ("488B042500000000", "page fault at dump_probe+{}: accessing 0x0"),  # mov rax, [0]
        ("31C0FFD0", "page fault executing 0x0, called from dump_probe+{}"),  # call rax
        ("0F0B", "invalid instruction at dump_probe+{}"),  # ud2
        ("31C931C0F7F1", "divide error at dump_probe+{}"),  # div ecx
        ("F4", "the processor was halted (hlt) at dump_probe+{} and nothing would wake it"),
        ("B902000000CD29", "fast fail 2 at dump_probe+{}"),
        ("48B80000000000000080488B00", "general protection fault at dump_probe+{}"),  # not canonical
        ("488D05F9FFFFFFC600CC", "page fault at dump_probe+{}: accessing 0xfffff80031001015"),  # own code
        ("B801000000C4E2791800", "invalid instruction at dump_probe+{}"),  # AVX: not this processor
    ],
)
def test_faults(code: str, detail: str) -> None:
    stopped = finish(crash_target(code))
    assert stopped.reason == "fault"
    before, after = detail.split("{}") if "{}" in detail else (detail, "")
    assert stopped.detail.startswith(before)
    assert stopped.detail.endswith(after)


def test_a_fault_leaves_the_machine_readable() -> None:
    target = crash_target("0F0B")
    stopped = finish(target)
    assert target.get_register("rip") == target.modules()[0].exports["DbgBreakPointWithStatus"]
    assert target.read_virtual(target.modules()[2].base, 2) == b"MZ"
    assert target.resume() is stopped


def test_bug_check() -> None:
    driver = dump_filter({"Dump_Start": "B94E000000BA99000000" + "4D31C0" + "41B907000000"})
    driver.call("KeBugCheckEx")
    stopped = finish(Target(driver.image(), "probe", CRASH))
    assert (stopped.reason, stopped.code, stopped.parameters[:3]) == ("bugcheck", 0x4E, (0x99, 0, 7))
    assert stopped.detail.startswith("0x0000004E (0x99, 0x0, 0x7, ")


def test_an_unknown_import_stops_only_when_called() -> None:
    driver = dump_filter({"Dump_Start": ""})
    driver.call("ZwCreateFile")
    target = Target(driver.image(), "probe", CRASH)
    assert isinstance(target.resume(), ModuleLoaded)
    stopped = finish(target)
    assert stopped.reason == "unknown import"
    assert "nt!ZwCreateFile was called from dump_probe+" in stopped.detail


@pytest.mark.parametrize("budget", [1000, 50_000])
def test_an_endless_call_ends(budget: int) -> None:
    stopped = finish(crash_target("EBFE", budget=budget))
    assert stopped.reason == "budget"
    assert f"more than {budget} instructions; RIP is dump_probe+" in stopped.detail


def test_an_endless_loop_of_kernel_calls_ends() -> None:
    driver = dump_filter({"Dump_Start": ""})
    driver.call("KeGetCurrentIrql").code("EBF0")
    stopped = finish(Target(driver.image(), "probe", Scenario("crash", budget=1_000_000)))
    assert stopped.reason == "budget"


def test_cr8_and_the_clock_are_emulated() -> None:
    # mov rax, cr8; mov ecx, eax; mov al, 2; mov cr8, rax; mov r9, cr8; rdtsc; int3
    target = crash_target("440F20C089C1B002440F22C0450F20C10F31CC" + SUCCESS)
    target.resume()
    assert isinstance(target.resume(), BreakpointHit)
    assert target.get_register("rcx") == 15
    assert target.get_register("r9") == 2
    assert target.get_register("cr8") == 2
    first = target.get_register("rax")
    again = crash_target("440F20C089C1B002440F22C0450F20C10F31CC" + SUCCESS)
    again.resume()
    again.resume()
    assert again.get_register("rax") == first


def test_emulated_instructions_can_be_stepped_and_broken_at() -> None:
    target = crash_target("440F20C0" + "CC" + SUCCESS)
    loaded = target.resume()
    assert isinstance(loaded, ModuleLoaded)
    address = loaded.module.exports["Dump_Start"]
    target.write_virtual(address, b"\xcc")
    assert target.resume() == BreakpointHit(address)
    target.write_virtual(address, b"\x44")
    assert target.step() == SingleStep()
    assert target.get_register("rip") == address + 4
    assert target.get_register("rax") == 15


def test_relocations_and_data_imports() -> None:
    driver = Driver()
    driver.pointer(0x20, "Callback")
    # mov rax, [data+20h]; mov [rdx+8], rax; mov rax, [__imp_NtBuildNumber]; mov eax, [rax]; mov [data], eax
    driver.label("DriverEntry").use("488B05", "data+32").code("48894208")
    driver.use("488B05", "import:NtBuildNumber").code("8B00").use("8905", "data+0").code(SUCCESS)
    driver.label("Callback").code("CC" + SUCCESS)
    target = Target(driver.image(), "probe", CRASH)
    loaded = target.resume()
    assert isinstance(loaded, ModuleLoaded)
    assert target.resume() == BreakpointHit(loaded.module.exports["Callback"])
    assert target.read_virtual(loaded.module.base + 0x2000, 4) == struct.pack("<I", 0xF0004A63)


def test_a_breakpoint_on_a_kernel_function_does_not_run_it_twice() -> None:
    driver = dump_filter({"Dump_Start": "31C9"})
    driver.use("488D0D", "data+0").call("DbgPrint").code(SUCCESS)
    driver.data[:6] = b"once\n\0"
    target = Target(driver.image(), "probe", CRASH)
    target.resume()
    address = target.modules()[0].exports["DbgPrint"]
    target.write_virtual(address, b"\xcc")
    assert target.resume() == BreakpointHit(address)
    assert target.debug_output == []
    target.write_virtual(address, b"\xc3")
    assert target.step() == SingleStep()
    assert target.debug_output == ["once\n"]
    assert finish(target).reason == "ended"
    assert target.debug_output == ["once\n"]


@pytest.mark.parametrize("name", ["", "a/b", "a\\b", "a" * 65, " x", "x.", "a\0b"])
def test_names_that_no_file_has(name: str) -> None:
    with pytest.raises(UsageError):
        Target(dump_filter(ALL_FIVE).image(), name, CRASH)


def test_a_name_with_odd_characters() -> None:
    target = Target(dump_filter(ALL_FIVE).image(), "my-filter 2", CRASH)
    loaded = target.resume()
    assert isinstance(loaded, ModuleLoaded)
    assert loaded.module.name == "dump_my_filter_2"
    assert loaded.module.file_name == "dump_my-filter 2.sys"


def test_two_runs_are_equal() -> None:
    def trace() -> List[object]:
        target = Target(
            dump_filter(ALL_FIVE).image(), "probe", Scenario("hibernate", seed=5, calls=4, pages=2)
        )
        seen: List[object] = []
        loaded = target.resume()
        assert isinstance(loaded, ModuleLoaded)
        write = loaded.module.exports["Dump_Write"]
        target.write_virtual(write, b"\xcc")
        while True:
            event = target.resume()
            seen.append(event)
            if not isinstance(event, BreakpointHit):
                return seen
            seen.append(
                [target.get_register(name) for name in ("rcx", "rdx", "r8", "r9", "rbx", "rsp", "cr8")]
            )
            seen.append(target.read_virtual(target.get_register("r8"), 0x40))
            target.write_virtual(write, b"\x49")
            target.step()
            target.write_virtual(write, b"\xcc")

    first = trace()
    assert first == trace()
    assert len(first) == 4 * 3 + 1


def test_a_breakpoint_costs_a_call_only_a_little_of_its_budget() -> None:
    target = Target(
        dump_filter(ALL_FIVE).image(), "probe", Scenario("crash", calls=2, pages=1, budget=1_000_000)
    )
    debugger = EmulatorDebugger(target)

    def loaded(module: Module) -> None:
        for name in ALL_FIVE:
            address = debugger.symbol(module, name)
            assert address is not None
            debugger.set_breakpoint(address, lambda: False)

    debugger.watch_modules(loaded, lambda module: None)
    assert debugger.run().detail == "the scenario ran to its end"


def at_dump_start(target: Target) -> int:
    """Load the filter, run DriverEntry, and give the address of Dump_Start."""
    loaded = target.resume()
    assert isinstance(loaded, ModuleLoaded)
    return loaded.module.exports["Dump_Start"]


def test_a_debug_register_stops_before_the_instruction() -> None:
    target = crash_target("90" + SUCCESS)
    address = at_dump_start(target)
    target.set_register("dr1", address + 1)
    target.set_register("dr7", 0x404)  # L1, and execution: condition and length are 0
    assert target.resume() == DebugRegisterHit(address + 1)
    assert target.get_register("rip") == address + 1
    assert target.get_register("dr6") & 0xF == 2
    # The code is as it was: nothing for a hibernation image to keep.
    assert target.read_virtual(address, 3) == bytes.fromhex("9031C0")
    # As on a real processor, it stops again where nobody sets the resume flag.
    assert target.resume() == DebugRegisterHit(address + 1)
    target.set_register("efl", target.get_register("efl") | 0x10000)
    assert not isinstance(finish(target), DebugRegisterHit)


def test_a_debug_register_that_is_off_stops_nobody() -> None:
    target = crash_target("90" + SUCCESS)
    address = at_dump_start(target)
    target.set_register("dr0", address)
    # Enabled for writing data only, and the one behind it not at all.
    target.set_register("dr7", 0x401 | 1 << 16)
    assert finish(target).reason == "ended"


def test_a_step_leaves_a_debug_register_behind() -> None:
    target = crash_target("9090" + SUCCESS)
    address = at_dump_start(target)
    target.set_register("dr0", address)
    target.set_register("dr7", 0x401)
    assert target.resume() == DebugRegisterHit(address)
    target.set_register("dr7", 0x400)
    assert target.step() == SingleStep()
    assert target.get_register("rip") == address + 1
    target.set_register("dr0", address + 1)
    target.set_register("dr7", 0x401)
    assert target.step() == DebugRegisterHit(address + 1)


@pytest.mark.parametrize("in_call", [False, True])
def test_the_dump_stack_can_be_taken_down_at_any_moment(in_call: bool) -> None:
    target = Target(dump_filter(ALL_FIVE).image(), "probe", CRASH)
    first = target.resume()
    assert isinstance(first, ModuleLoaded)
    if in_call:
        for _ in range(3):
            target.step()  # to crashdmp, sub rsp, call rax
        assert first.module.base <= target.get_register("rip") < first.module.base + first.module.size
    base = first.module.base + 0x100000
    target.restart_dump_stack(base)
    assert target.resume() == ModuleUnloaded(first.module)
    assert target.read_virtual(first.module.base, 2) == b"MZ"
    again = target.resume()
    assert isinstance(again, ModuleLoaded)
    assert again.module.base == base
    assert again.module.exports["Dump_Write"] == first.module.exports["Dump_Write"] + 0x100000
    with pytest.raises(MemoryReadError):
        target.read_virtual(first.module.base, 1)
    assert [image.name for image in target.modules()] == ["nt", "crashdmp", "dump_probe"]
    assert target.resume() == ModuleUnloaded(again.module)
    assert finish(target).reason == "ended"


def test_a_dump_stack_whose_image_goes_already() -> None:
    target = Target(dump_filter(ALL_FIVE).image(), "probe", CRASH)
    target.resume()
    gone = target.resume()
    assert isinstance(gone, ModuleUnloaded)
    target.restart_dump_stack(gone.module.base)
    # It was announced already, and is unmapped when the machine goes on; here the machine has not.
    assert target.resume() == gone
    again = target.resume()
    assert isinstance(again, ModuleLoaded)
    assert again.module.base == gone.module.base


def test_processors_take_turns_at_the_calls() -> None:
    target = Target(dump_filter(ALL_FIVE).image(), "probe", CRASH, processors=3)
    assert [processor.number for processor in target.processors] == [0, 1, 2]
    assert len({processor.thread for processor in target.processors}) == 3
    for processor in target.processors:
        pcr = struct.unpack("<QQ", target.read_virtual(processor.kpcr + 0x18, 16))
        assert pcr == (processor.kpcr, processor.kprcb)
        thread = struct.unpack("<Q", target.read_virtual(processor.kprcb + 8, 8))
        assert thread == (processor.thread,)
        assert target.read_virtual(processor.kprcb + 0x24, 4) == bytes([processor.number, 0, 0, 0])
    kdbg = struct.unpack("<Q", target.read_virtual(target.debugger_data_list, 8))[0]
    block = struct.unpack("<Q", target.read_virtual(kdbg + 0x218, 8))[0]
    listed = struct.unpack("<4Q", target.read_virtual(block, 32))
    assert listed == (*(processor.kprcb for processor in target.processors), 0)

    loaded = target.resume()
    assert isinstance(loaded, ModuleLoaded)
    seen = []
    for callback in ("Dump_Start", "Dump_Write", "Dump_Finish"):
        address = loaded.module.exports[callback]
        code = target.read_virtual(address, 1)
        target.write_virtual(address, b"\xcc")
        assert isinstance(target.resume(), BreakpointHit)
        target.write_virtual(address, code)
        stack = target.running.stack_top - target.get_register("rsp")
        assert 0 < stack < 0x1000
        assert target.get_register("gsbase") == target.running.kpcr
        seen.append(target.running.number)
    # DriverEntry was the first call, and there is a second Dump_Write between the last two.
    assert seen == [1, 2, 1]
    assert finish(target).reason == "ended"
