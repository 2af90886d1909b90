"""The machine reboots, or the debugger lets go of it, while real pykd and DbgEng trace."""

from pathlib import Path
from typing import List, Optional, Tuple

import pytest

from pykd_dumpfilt.checking import check
from pykd_dumpfilt.emulator import BreakpointHit, EmulatorDebugger, Event, Running, Scenario, Stopped, Target
from pykd_dumpfilt.recording import Call, LoadedModule, Record, Unloaded, read_recording
from pykd_dumpfilt.trace import record

from ..lab.hardships import EASY, Hardships
from ..lab.kd_server import RELOAD_BASE, KdServer
from ..lab.session import Lab, LiveSession
from ..lab.toolchain import build_filter
from ..lab.wine import windows_path

pytestmark = pytest.mark.live

GUEST = Path(__file__).with_name("guest_reboot.py")
RECORD = Path(__file__).resolve().parent.parent / "lab" / "guest_record.py"
NAME = "aes_xts"
SCENARIO = Scenario("hibernate", seed=3, calls=2, pages=1)
FIRST_BASE = 0xFFFFF80031000000
LIFE = ["DriverEntry", "Dump_Start", "Dump_Write", "Dump_Write", "Dump_Finish"]
LIFE += ["Dump_Start", *["Dump_Read"] * 4, "Dump_Finish", "Dump_Unload"]
REBOOTED = "the target rebooted while the call was running"


def machine() -> Target:
    return Target(build_filter(NAME).read_bytes(), NAME, SCENARIO)


def elsewhere() -> Target:
    """A machine whose filter will be at another base."""
    target = machine()
    target.restart_dump_stack(RELOAD_BASE)
    return target


def recorded(path: Path) -> List[Record]:
    with read_recording(path) as recording:
        assert recording.damage == []
        return list(recording)


def names(records: List[Record], module: int = 0) -> List[str]:
    return [one.callbacks[0] for one in records if isinstance(one, Call) and one.module == module]


def unreturned(records: List[Record]) -> List[Tuple[int, Optional[str], bool]]:
    return [
        (one.number, one.unreturned, one.gone)
        for one in records
        if isinstance(one, Call) and one.unreturned is not None
    ]


def assert_only_new(server: KdServer, base: int) -> None:
    """No breakpoint was written into the new machine but in its own filter, and where that returns to."""
    allowed = ((base, base + 0x9000), (0xFFFFF80020000000, 0xFFFFF80020004000))
    written = server.breakpoints_written
    assert written != []
    assert all(any(begin <= address < end for begin, end in allowed) for address in written)
    # crashdmp stands where it stood before: its first breakpoint comes after the first in the filter.
    assert base <= written[0] < base + 0x9000


# The third callback is entered at the fifth hit and returns at the sixth.
@pytest.mark.parametrize("hit", [5, 6])
@pytest.mark.parametrize("base", [FIRST_BASE, RELOAD_BASE])
def test_somebody_presses_the_reset_button(base: int, hit: int, lab: Lab, tmp_path: Path) -> None:
    """Without a word: DbgEng still believes in what was loaded before, and hears of a kernel that loads."""
    path = tmp_path / "run.dumpfilt"
    fresh = machine if base == FIRST_BASE else elsewhere
    hardships = Hardships(reboot_after_hit=hit, reboots_silently=True)
    with LiveSession(lab, machine(), hardships=hardships, reboot=fresh) as session:
        done = session.run(RECORD, [NAME, windows_path(path)], timeout=120)
        server = session.server
        assert isinstance(server.event, Stopped)
        assert server.left_behind() == []
    assert done.code == 0, done.output
    assert_only_new(server, base)
    records = recorded(path)
    first, gone, second, gone_too = [one for one in records if isinstance(one, (LoadedModule, Unloaded))]
    assert isinstance(first, LoadedModule)
    assert isinstance(second, LoadedModule)
    assert (first.base, second.base) == (FIRST_BASE, base)
    assert (gone, gone_too) == (Unloaded(0), Unloaded(1))
    assert (names(records, 0), names(records, 1)) == (LIFE[:3], LIFE)
    assert unreturned(records) == ([(2, REBOOTED, False)] if hit == 5 else [])
    # Nobody knows why it rebooted: that is not held against the filter.
    assert check(path).verdict.value == ("incomplete" if hit == 5 else "pass")


def test_windows_reboots_and_a_new_trace_begins(lab: Lab, tmp_path: Path) -> None:
    first, second = tmp_path / "first.dumpfilt", tmp_path / "second.dumpfilt"
    server = typed(lab, "g", first, second, Hardships(reboot_after_hit=5))
    assert_only_new(server, FIRST_BASE)
    assert names(recorded(first)) == LIFE[:3]
    assert unreturned(recorded(first)) == [(2, REBOOTED, False)]
    assert_whole(second, tmp_path)


def test_the_debugger_reboots_the_machine(lab: Lab, tmp_path: Path) -> None:
    first, second = tmp_path / "first.dumpfilt", tmp_path / "second.dumpfilt"
    server = typed(lab, ".reboot", first, second, EASY)
    assert_only_new(server, FIRST_BASE)
    assert names(recorded(first)) == LIFE[:3]
    assert unreturned(recorded(first)) == [(2, REBOOTED, False)]
    assert_whole(second, tmp_path)


class Drowsy(Target):
    """A machine that can be so slow that nothing happens in it for a while."""

    asleep = False

    def resume(self, max_instructions: Optional[int] = None) -> Event:
        return Running() if self.asleep else super().resume(max_instructions)


@pytest.mark.parametrize("command", [".detach", "qd"])
def test_the_debugger_lets_go_and_another_takes_over(command: str, lab: Lab, tmp_path: Path) -> None:
    first, second = tmp_path / "first.dumpfilt", tmp_path / "second.dumpfilt"
    target = Drowsy(build_filter(NAME).read_bytes(), NAME, SCENARIO)
    hits: List[Event] = []

    def observe(event: Event) -> None:
        if isinstance(event, BreakpointHit):
            hits.append(event)
            # Dump_Write has been entered, and gets no further before the next debugger is there.
            target.asleep = len(hits) == 5

    with LiveSession(lab, target, observe) as session:
        done = session.run(GUEST, [command, windows_path(first)], timeout=120)
        assert done.code == 0, done.output
        assert "no breakpoint of ours is left" in done.output
        assert session.server.left_behind() == []
        target.asleep = False
        again = session.run(RECORD, [NAME, windows_path(second)], timeout=120)
        assert again.code == 0, again.output
        assert session.server.left_behind() == []
        assert isinstance(session.server.event, Stopped)
    assert names(recorded(first)) == LIFE[:3]
    assert unreturned(recorded(first)) == [(2, "stopped by the user", False)]
    # The call that the first trace left open returned with nobody looking.
    assert names(recorded(second)) == LIFE[3:]
    assert unreturned(recorded(second)) == []


def typed(lab: Lab, command: str, first: Path, second: Path, hardships: Hardships) -> KdServer:
    """A session at the prompt with a reboot in it; nothing is left in the new machine."""
    with LiveSession(lab, machine(), hardships=hardships, reboot=machine) as session:
        arguments = [command, windows_path(first), windows_path(second)]
        done = session.run(GUEST, arguments, timeout=120)
        assert done.code == 0, done.output
        assert session.server.left_behind() == []
        assert isinstance(session.server.event, Stopped)
    # At the new machine's initial break nothing of the old one is armed any more.
    assert "at nt!DbgBreakPointWithStatus\n" in done.output
    assert "aes_xts: armed, 0 breakpoints" in done.output
    assert "hiber_aes_xts at 0xfffff80031000000, unloaded" in done.output
    return session.server


def assert_whole(path: Path, folder: Path) -> None:
    """The recording is what a trace of one undisturbed life gives."""
    assert recorded(path) == recorded(record(EmulatorDebugger(machine()), NAME, folder / "whole").path)
    assert check(path).verdict.value == "pass"
