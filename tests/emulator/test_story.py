"""A machine's life: both copies of the filter, the breaks that a debugger sees, and what it finds when it
comes late."""

import struct
from typing import List, Optional, Tuple

import pytest

from pykd_dumpfilt.debugger import BugCheckData, Module, Stop, StopReason
from pykd_dumpfilt.emulator import (
    ATTACH,
    BreakpointHit,
    EmulatorDebugger,
    ModuleLoaded,
    ModuleUnloaded,
    Scenario,
    Stopped,
    Target,
)

from .code import ALL_FIVE, SUCCESS, failing
from .pe_writer import Driver, dump_filter

CRASH_STACK = ["dump_dumpstorport", "dump_stornvme", "dump_probe"]
HIBERNATION_STACK = ["hiber_dumpstorport", "hiber_stornvme", "hiber_probe"]
MANUALLY_INITIATED_CRASH = BugCheckData(0xE2, (0, 0, 0, 0))


def life(attach: str, driver: Optional[Driver] = None) -> Target:
    return Target(
        (driver or dump_filter(ALL_FIVE)).image(), "probe", Scenario("life", calls=3, pages=2, attach=attach)
    )


def names(target: Target) -> List[str]:
    return [image.name for image in target.modules()]


def events(target: Target) -> List[str]:
    """What a debugger that sets no breakpoints hears, to the end."""
    heard: List[str] = []
    while True:
        event = target.resume()
        if isinstance(event, Stopped):
            return [*heard, event.detail]
        if isinstance(event, ModuleLoaded):
            heard.append(f"+{event.module.name}")
        elif isinstance(event, ModuleUnloaded):
            heard.append(f"-{event.module.name}")
        else:
            assert isinstance(event, BreakpointHit)
            heard.append(f"break {target.get_register('rcx')}")


def test_a_life_from_its_start() -> None:
    target = life("start")
    assert names(target) == ["nt", "crashdmp"]
    assert events(target) == [
        *(f"+{name}" for name in CRASH_STACK),
        *(f"+{name}" for name in HIBERNATION_STACK),
        *("-hiber_probe", "-hiber_stornvme", "-hiber_dumpstorport"),
        "break 3",  # DBG_STATUS_BUGCHECK_FIRST
        "the scenario ran to its end",
    ]
    assert names(target) == ["nt", "crashdmp", *CRASH_STACK]
    assert target.get_register("rcx") == 4  # DBG_STATUS_BUGCHECK_SECOND


@pytest.mark.parametrize(
    ("attach", "loaded", "status"),
    [
        ("boot", CRASH_STACK, 1),
        ("resume", [*CRASH_STACK, *HIBERNATION_STACK], 1),
        ("reading", [*CRASH_STACK, *HIBERNATION_STACK], 1),
        ("bugcheck", CRASH_STACK, 3),
    ],
)
def test_a_debugger_that_comes_late_finds_the_machine_broken_in(
    attach: str, loaded: List[str], status: int
) -> None:
    target = life(attach)
    assert names(target) == ["nt", "crashdmp", *loaded]
    assert target.get_register("rip") == target.modules()[0].exports["DbgBreakPointWithStatus"]
    assert target.get_register("rcx") == status
    assert EmulatorDebugger(target).bug_check() == (MANUALLY_INITIATED_CRASH if status == 3 else None)
    assert target.debug_output == []


class Watcher:
    """Breaks at every callback of both copies, also of those that are there already, and keeps the order."""

    def __init__(self, target: Target) -> None:
        self.debugger = EmulatorDebugger(target)
        self.calls: List[str] = []
        for module in self.debugger.modules():
            self._watch(module)
        self.debugger.watch_modules(self._watch, lambda module: None)

    def _watch(self, module: Module) -> None:
        if module.name.endswith("probe"):
            for name in ("DriverEntry", *ALL_FIVE):
                address = self.debugger.symbol(module, name)
                assert address is not None
                self.debugger.set_breakpoint(address, self._handler(f"{module.name[:-6]} {name}"))

    def _handler(self, what: str):  # type: ignore[no-untyped-def]
        def hit() -> bool:
            self.calls.append(what)
            return False

        return hit


# What each copy is called for, in order of time.
BOOT = ["dump DriverEntry"]
IMAGE_WRITTEN = ["hiber DriverEntry", "hiber Dump_Start", *["hiber Dump_Write"] * 3, "hiber Dump_Finish"]
RESUME = ["hiber Dump_Start"]
READS = ["hiber Dump_Read"] * 5
RESUMED = ["hiber Dump_Finish", "hiber Dump_Unload"]
DUMP = ["dump Dump_Start", *["dump Dump_Write"] * 3, "dump Dump_Finish"]


@pytest.mark.parametrize(
    ("attach", "before_the_bug_check"),
    [
        ("start", [*BOOT, *IMAGE_WRITTEN, *RESUME, *READS, *RESUMED]),
        ("boot", [*IMAGE_WRITTEN, *RESUME, *READS, *RESUMED]),
        ("resume", [*READS, *RESUMED]),
        ("reading", [*READS[2:], *RESUMED]),
    ],
)
def test_what_is_past_is_not_seen_and_all_else_is(attach: str, before_the_bug_check: List[str]) -> None:
    watcher = Watcher(life(attach))
    stop = watcher.debugger.run()
    assert stop.reason is StopReason.BREAK
    assert watcher.debugger.bug_check() == MANUALLY_INITIATED_CRASH
    assert watcher.calls == before_the_bug_check
    # The dump is written after the break.
    assert watcher.debugger.run() == Stop(StopReason.ENDED, "the scenario ran to its end")
    assert watcher.calls == [*before_the_bug_check, *DUMP]


def test_at_the_break_of_the_bug_check_the_dump_is_all_that_comes() -> None:
    watcher = Watcher(life("bugcheck"))
    assert watcher.debugger.run().reason is StopReason.ENDED
    assert watcher.calls == DUMP


def test_the_kernel_says_so_before_it_breaks_in() -> None:
    target = life("boot")
    while not isinstance(target.resume(), BreakpointHit):
        pass
    assert target.debug_output[-1].startswith("\n*** Fatal System Error: 0x000000e2\n")


def test_the_past_does_not_depend_on_when_the_debugger_comes() -> None:
    def at_the_end(attach: str) -> Tuple[bytes, bytes]:
        target = life(attach)
        while not isinstance(target.resume(), Stopped):
            pass
        crashdmp, probe = target.modules()[1], target.modules()[-1]
        return (
            target.read_virtual(crashdmp.base, crashdmp.size),
            target.read_virtual(probe.base, probe.size),
        )

    assert len({at_the_end(attach) for attach in ATTACH}) == 1


def u64(target: Target, address: int) -> int:
    return int(struct.unpack("<Q", target.read_virtual(address, 8))[0])


def filter_contexts(target: Target) -> List[int]:
    """Where crashdmp's lists keep a FILTER_CONTEXT, as the facts on its listing have it: a pointer in its
    data, the list's head inside of what that points at."""
    crashdmp = target.modules()[1]
    found = []
    for slot in (0x140, 0x1C0):
        context = u64(target, crashdmp.base + 0x2000 + slot)
        if not context:
            continue
        head = context + 0x250
        entry, back = u64(target, head), head
        while entry != head:
            assert u64(target, entry + 8) == back
            found.append(entry - 0x98)
            entry, back = u64(target, entry), entry
    return found


def test_crashdmp_keeps_the_filters_of_each_stack_in_a_list() -> None:
    boot = life("boot")
    (dump,) = filter_contexts(boot)
    image = boot.modules()[-1]
    assert u64(boot, dump + 0x08) == image.exports["Dump_Start"]
    assert boot.read_virtual(dump + 0x40, 4) == b"\1\0\0\0"  # DumpTypeCrashdump
    resumed = life("resume")
    assert len(filter_contexts(resumed)) == 2
    hiber = filter_contexts(resumed)[1]
    assert u64(resumed, hiber + 0x38) == resumed.modules()[-1].exports["Dump_Read"]
    assert resumed.read_virtual(hiber + 0x40, 4) == b"\2\0\0\0"
    assert filter_contexts(life("bugcheck")) == [dump]


def test_a_filter_that_is_critical_and_fails_leaves_the_machine_without_a_stack() -> None:
    target = life("boot", dump_filter(ALL_FIVE, entry="B8010000C0C3"))
    assert names(target) == ["nt", "crashdmp"]
    heard = events(target)
    assert "break 3" in heard
    assert heard[-1].count("DriverEntry failed with 0xC0000001") == 2


def test_an_int3_in_the_past_ends_the_machine_as_nobody_takes_it() -> None:
    target = life("bugcheck", dump_filter({**ALL_FIVE, "Dump_Start": "CC" + SUCCESS}))
    stopped = target.resume()
    assert isinstance(stopped, Stopped)
    assert stopped.detail.startswith("int3 at hiber_probe+0x")
    assert "no debugger was attached" in stopped.detail
    assert stopped.code == 0x1E


def test_a_filter_that_fails_in_the_past_is_told_of_at_the_end() -> None:
    target = life("bugcheck", dump_filter({**ALL_FIVE, "Dump_Read": failing(0xC000003E)}))
    assert events(target)[-1] == "Dump_Read failed with 0xC000003E: the filter was not called again"
