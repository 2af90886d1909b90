"""The port on the emulator."""

import os
import signal
import struct
from typing import List

import pytest

from pykd_dumpfilt.debugger import (
    Breakpoint,
    Debugger,
    HitHandler,
    MemoryReadError,
    Module,
    PhysicalAddress,
    StopReason,
    VirtualAddress,
)
from pykd_dumpfilt.emulator import EmulatorDebugger, Scenario, Target
from pykd_dumpfilt.errors import TargetError
from pykd_dumpfilt.structures import Machine

from .code import ALL_FIVE, SUCCESS
from .pe_writer import Driver, dump_filter


class Attached:
    """A debugger that has stopped when the filter was loaded."""

    def __init__(self, driver: Driver, scenario: Scenario) -> None:
        self.target = Target(driver.image(), "probe", scenario)
        self.debugger = EmulatorDebugger(self.target)
        self.as_port: Debugger = self.debugger
        self.modules: List[Module] = []
        self.unloaded: List[Module] = []
        self.debugger.watch_modules(self.modules.append, self.unloaded.append)

    def arm(self, name: str, handler: HitHandler) -> None:
        """Set a breakpoint on a symbol as soon as the filter is there."""

        def loaded(module: Module) -> None:
            address = self.debugger.symbol(module, name)
            assert address is not None
            self.debugger.set_breakpoint(address, handler)

        self.debugger.watch_modules(loaded, lambda module: None)


def note(where: List[str], what: str, answer: bool) -> HitHandler:
    """A handler that leaves a trace."""

    def handler() -> bool:
        where.append(what)
        return answer

    return handler


def attached(calls: int = 3) -> Attached:
    return Attached(dump_filter(ALL_FIVE), Scenario("crash", calls=calls, pages=1))


def test_it_describes_itself() -> None:
    ours = attached().debugger
    info = ours.describe()
    assert info.engine == "emulator"
    assert info.target == "emulated x64 kernel, crash, seed 1, 3 writes, 1 pages"
    assert ours.machine is Machine.X64
    assert [module.name for module in ours.modules()] == ["nt", "crashdmp"]


def test_symbols() -> None:
    ours = attached().debugger
    nt = ours.modules()[0]
    address = ours.symbol(nt, "KeBugCheckEx")
    assert isinstance(address, VirtualAddress)
    assert address in nt
    assert ours.symbol(nt, "Nothing") is None
    with pytest.raises(TargetError):
        ours.symbol(Module("gone", VirtualAddress(0x1000), 0x1000), "x")


def test_registers_that_it_does_not_know_are_left_out() -> None:
    values = attached().debugger.read_registers(["rip", "rax", "st0", "RAX"])
    assert set(values) == {"rip", "rax"}


def test_reads_that_fail() -> None:
    ours = attached().debugger
    with pytest.raises(MemoryReadError, match="virtual address 0x10"):
        ours.read_virtual(VirtualAddress(0x10), 8)
    with pytest.raises(MemoryReadError, match="physical address 0x7ff0000000"):
        ours.read_physical(PhysicalAddress(0x7FF0000000), 8)
    with pytest.raises(TargetError):
        ours.set_breakpoint(VirtualAddress(0x10), lambda: False)


def test_modules_come_and_go() -> None:
    ours = attached()
    stop = ours.debugger.run()
    assert stop.reason is StopReason.ENDED
    assert [module.name for module in ours.modules] == ["dump_probe"]
    assert ours.unloaded == ours.modules
    assert ours.debugger.run() == stop


def test_a_watch_can_be_removed() -> None:
    ours = attached()
    seen: List[Module] = []
    watch = ours.debugger.watch_modules(seen.append, seen.append)
    watch.remove()
    watch.remove()
    ours.debugger.run()
    assert seen == []


def test_a_true_handler_stops_and_run_goes_on() -> None:
    ours = attached(calls=3)
    hits: List[int] = []

    def hit() -> bool:
        hits.append(ours.debugger.read_registers(["rip"])["rip"])
        return True

    ours.arm("Dump_Write", hit)
    for count in (1, 2, 3):
        assert ours.debugger.run().reason is StopReason.BREAK
        assert len(hits) == count
    assert ours.debugger.run().reason is StopReason.ENDED
    assert len(set(hits)) == 1


def test_no_int3_is_seen_while_it_is_stopped() -> None:
    ours = attached()
    ours.arm("Dump_Write", lambda: True)
    ours.debugger.run()
    rip = ours.debugger.read_registers(["rip"])["rip"]
    assert ours.debugger.read_virtual(VirtualAddress(rip), 4) == bytes.fromhex("498B4018")


def test_several_handlers_at_one_address() -> None:
    ours = attached(calls=1)
    order: List[str] = []
    ours.arm("Dump_Write", note(order, "first", False))
    ours.arm("Dump_Write", note(order, "second", True))
    ours.arm("Dump_Write", note(order, "third", False))
    assert ours.debugger.run().reason is StopReason.BREAK
    assert order == ["first", "second", "third"]


def test_a_handler_may_remove_itself_and_others() -> None:
    ours = attached(calls=3)
    hits: List[str] = []

    def loaded(module: Module) -> None:
        address = ours.debugger.symbol(module, "Dump_Write")
        assert address is not None

        def first() -> bool:
            hits.append("first")
            one.remove()
            one.remove()
            two.remove()
            return False

        def second() -> bool:
            hits.append("second")
            return False

        one = ours.debugger.set_breakpoint(address, first)
        two = ours.debugger.set_breakpoint(address, second)
        assert one.address == address

    ours.debugger.watch_modules(loaded, lambda module: None)
    assert ours.debugger.run().reason is StopReason.ENDED
    assert hits == ["first"]


def test_a_breakpoint_set_inside_a_handler_is_hit() -> None:
    ours = attached(calls=2)
    returns: List[int] = []

    def entered() -> bool:
        registers = ours.debugger.read_registers(["rsp"])
        back = struct.unpack("<Q", ours.debugger.read_virtual(VirtualAddress(registers["rsp"]), 8))[0]

        def left() -> bool:
            assert ours.debugger.read_registers(["rsp"])["rsp"] == registers["rsp"] + 8
            returns.append(ours.debugger.read_registers(["rax"])["rax"])
            at_return.remove()
            return False

        at_return = ours.debugger.set_breakpoint(VirtualAddress(back), left)
        return False

    ours.arm("Dump_Write", entered)
    ours.debugger.run()
    assert returns == [0, 0]


def test_a_handler_that_raises_does_no_harm() -> None:
    ours = attached(calls=3)
    others: List[str] = []

    def broken() -> bool:
        raise RuntimeError("on purpose")

    ours.arm("Dump_Write", broken)
    ours.arm("Dump_Write", note(others, "ran", False))
    for count in (1, 2, 3):
        with pytest.raises(RuntimeError, match="on purpose"):
            ours.debugger.run()
        assert len(others) == count
        rip = ours.debugger.read_registers(["rip"])["rip"]
        assert ours.target.read_virtual(rip, 1) == b"\x49"
    assert ours.debugger.run().reason is StopReason.ENDED


def test_an_int3_of_the_filter_itself_breaks_once() -> None:
    driver = dump_filter({**ALL_FIVE, "Dump_Start": "CC" + SUCCESS})
    ours = Attached(driver, Scenario("crash", calls=1, pages=1))
    stop = ours.debugger.run()
    assert stop.reason is StopReason.BREAK
    assert "executed int3" in stop.detail
    assert ours.debugger.run().reason is StopReason.ENDED


def test_a_breakpoint_on_an_int3_of_the_filter() -> None:
    driver = dump_filter({**ALL_FIVE, "Dump_Start": "CC" + SUCCESS})
    ours = Attached(driver, Scenario("crash", calls=1, pages=1))
    hits: List[str] = []
    ours.arm("Dump_Start", note(hits, "hit", False))
    assert ours.debugger.run().reason is StopReason.ENDED
    assert hits == ["hit"]


@pytest.mark.parametrize(
    ("code", "reason", "detail"),
    [
        ("0F0B", StopReason.ENDED, "fault: invalid instruction at dump_probe+0x"),
        ("EBFE", StopReason.STUCK, "budget: one call of the filter"),
    ],
)
def test_bad_ends_say_why(code: str, reason: StopReason, detail: str) -> None:
    driver = dump_filter({"Dump_Start": code})
    stop = Attached(driver, Scenario("crash", budget=10_000)).debugger.run()
    assert stop.reason is reason
    assert stop.detail.startswith(detail)


def test_ctrl_c_interrupts_and_run_goes_on() -> None:
    ours = attached(calls=2)
    hits: List[str] = []

    def hit() -> bool:
        hits.append("hit")
        os.kill(os.getpid(), signal.SIGINT)
        return False

    before = signal.getsignal(signal.SIGINT)
    ours.arm("Dump_Write", hit)
    assert ours.debugger.run().reason is StopReason.INTERRUPTED
    assert signal.getsignal(signal.SIGINT) is before
    assert ours.debugger.run().reason is StopReason.INTERRUPTED
    assert ours.debugger.run().reason is StopReason.ENDED
    assert hits == ["hit", "hit"]


def test_a_filter_that_calls_the_break_function_goes_on() -> None:
    driver = dump_filter({"Dump_Start": ""})
    driver.call("DbgBreakPointWithStatus").code(SUCCESS)
    ours = Attached(driver, Scenario("crash", calls=1, pages=1))
    stop = ours.debugger.run()
    nt = ours.debugger.modules()[0]
    address = ours.debugger.symbol(nt, "DbgBreakPointWithStatus")
    assert address is not None
    assert stop.detail == f"the target itself executed int3 at {int(address):#x}"
    assert ours.debugger.run().detail == "the scenario ran to its end"


def test_a_debug_register_serves_as_a_breakpoint() -> None:
    one = attached()
    seen: List[str] = []

    def arm(module: Module) -> None:
        address = one.debugger.symbol(module, "Dump_Write")
        assert address is not None
        one.debugger.set_breakpoint(address, look, hardware=True)

    def look() -> bool:
        rip = one.target.get_register("rip")
        assert one.target.read_virtual(rip, 1) != b"\xcc"
        assert one.target.get_register("dr7") == 0x400  # as DbgEng does, only while the target runs
        seen.append("hit")
        return False

    one.debugger.watch_modules(arm, lambda module: None)
    one.debugger.run()
    assert seen == ["hit"] * 3


def test_there_are_four_debug_registers() -> None:
    one = attached()
    breakpoints: List[Breakpoint] = []

    def arm(module: Module) -> None:
        for number in range(4):
            assert one.debugger.free_debug_registers() == 4 - number
            breakpoints.append(
                one.debugger.set_breakpoint(module.base + number, lambda: False, hardware=True)
            )
        with pytest.raises(TargetError, match="no debug register is free"):
            one.debugger.set_breakpoint(module.base, lambda: False, hardware=True)
        breakpoints[2].remove()
        assert one.debugger.free_debug_registers() == 1

    one.debugger.watch_modules(arm, lambda module: None)
    one.debugger.run()
    assert len(breakpoints) == 4


def test_breaks_of_its_own_are_told() -> None:
    one = attached()
    told: List[str] = []
    watch = one.debugger.watch_breaks(lambda: told.append("break"))
    one.arm("Dump_Write", lambda: False)
    one.debugger.run()
    # The end of the scenario, and none of the hits before.
    assert told == ["break"]
    watch.remove()
    watch.remove()
    one.debugger.run()
    assert told == ["break"]


def test_how_much_memory_there_is() -> None:
    assert attached().debugger.physical_memory() == 192 << 20
