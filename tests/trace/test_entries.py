"""The breakpoints at entries: which there are, and in what."""

from typing import Callable, Dict, List

from pykd_dumpfilt.debugger import HitHandler, VirtualAddress
from pykd_dumpfilt.errors import TargetError
from pykd_dumpfilt.trace import Hardware
from pykd_dumpfilt.trace.entries import EntryBreakpoints
from pykd_dumpfilt.trace.placement import Watched


class Set:
    def __init__(self, target: "Target", address: int, hardware: bool) -> None:
        self.address = VirtualAddress(address)
        self.hardware = hardware
        self._target = target

    def remove(self) -> None:
        if self._target.stuck:
            raise TargetError("it sticks")
        del self._target.breakpoints[int(self.address)]


class Target:
    """Takes breakpoints; of the debug registers that it says are free, only ``registers`` are."""

    def __init__(self, free: int = 4, registers: int = 4) -> None:
        self.free = free
        self.registers = registers
        self.breakpoints: Dict[int, bool] = {}
        self.stuck = False
        self.set = 0

    def in_registers(self) -> List[int]:
        return sorted(at for at, hardware in self.breakpoints.items() if hardware)

    def free_debug_registers(self) -> int:
        return self.free - sum(self.breakpoints.values())

    def set_breakpoint(self, address: VirtualAddress, on_hit: HitHandler, hardware: bool = False) -> Set:
        if hardware and sum(self.breakpoints.values()) >= self.registers:
            raise TargetError("no debug register is free")
        self.set += 1
        self.breakpoints[int(address)] = hardware
        return Set(self, address, hardware)


def entries(target: Target) -> EntryBreakpoints:
    return EntryBreakpoints(target, Hardware.AUTO, lambda copy, address: lambda: False)  # type: ignore[arg-type]


def watched(copy: int, prefix: str) -> List[Watched]:
    names = ("Dump_Start", "Dump_Write", "Dump_Read", "Dump_Finish", "Dump_Unload")
    return [Watched(0x1000 * copy + at, copy, prefix, (name,)) for at, name in enumerate(names)]


def test_what_is_right_already_is_left_alone() -> None:
    target = Target()
    ours = entries(target)
    ours.arrange(watched(1, "hiber_"))
    ours.arrange(watched(1, "hiber_"))
    assert target.set == len(ours) == 5


def test_a_copy_that_comes_takes_the_registers_of_one_that_matters_less() -> None:
    target = Target()
    ours = entries(target)
    ours.arrange(watched(1, "dump_"))
    assert [at for at, hardware in target.breakpoints.items() if hardware] == [0x1000, 0x1001, 0x1002, 0x1003]
    ours.arrange(watched(1, "dump_") + watched(2, "hiber_"))
    assert sorted(at for at, hardware in target.breakpoints.items() if hardware) == list(
        range(0x2000, 0x2004)
    )
    assert len(target.breakpoints) == 10


def test_while_one_dumps_the_others_rest() -> None:
    target = Target()
    ours = entries(target)
    both = watched(1, "dump_") + watched(2, "hiber_")
    ours.arrange(both)
    ours.dumping = 2
    ours.arrange(both)
    assert sorted(target.breakpoints) == list(range(0x2000, 0x2004))
    ours.dumping = None
    ours.arrange(both)
    assert len(target.breakpoints) == 10


def test_a_register_that_somebody_took_meanwhile_is_no_reason_to_see_nothing() -> None:
    target = Target(free=4, registers=1)
    ours = entries(target)
    ours.arrange(watched(1, "hiber_"))
    assert len(target.breakpoints) == 5
    assert sum(target.breakpoints.values()) == 1
    assert sum(ours.in_registers().values()) == 1


def test_all_are_taken_out_whatever_fails() -> None:
    target = Target()
    ours = entries(target)
    ours.arrange(watched(1, "dump_") + watched(2, "hiber_"))
    failed: List[str] = []

    def guard(during: str, action: Callable[[], None]) -> None:
        try:
            action()
        except TargetError:
            failed.append(during)

    ours.remove(guard, 1)
    assert (len(ours), failed) == (5, [])
    assert min(target.breakpoints) == 0x2000
    target.stuck = True
    ours.remove(guard)
    assert (len(ours), len(failed)) == (0, 5)
    assert failed[0] == "taking out the breakpoint at 0x2000"
