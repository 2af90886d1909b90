"""Breakpoints in debug registers, as DbgEng puts them there: nothing in the code that a hibernation image
holds."""

from pathlib import Path
from typing import Dict, List, Set

import pytest

from pykd_dumpfilt.emulator import BreakpointHit, DebugRegisterHit, Event, ModuleLoaded, Scenario, Target
from pykd_dumpfilt.recording import Call, read_recording

from ..lab.session import ROOT, Lab, LiveSession
from ..lab.toolchain import build_filter
from ..lab.wine import windows_path

pytestmark = pytest.mark.live

RECORD = ROOT / "tests" / "lab" / "guest_record.py"
NAME = "aes_xts"
CALLS = ["DriverEntry", "Dump_Start", *["Dump_Write"] * 4, "Dump_Finish"]


class Watched:
    """One trace; at each stop in the middle of a dump, which callbacks have an int3 in them."""

    def __init__(self, lab: Lab, folder: Path, *options: str) -> None:
        self.int3: Set[str] = set()
        self.in_registers: List[bool] = []
        self._exports: Dict[int, str] = {}
        self._dumping = False
        self._target = Target(
            build_filter(NAME).read_bytes(), NAME, Scenario("hibernate", seed=3, calls=4, pages=2)
        )
        path = folder / "run.dumpfilt"
        with LiveSession(lab, self._target, self._observe) as session:
            done = session.run(RECORD, [NAME, windows_path(path), *options])
            assert done.code == 0, done.output
            assert session.server.left_behind() == []
        with read_recording(path) as recording:
            self.calls = [one.callbacks[0] for one in recording if isinstance(one, Call)]

    def _observe(self, event: Event) -> None:
        """The debugger has not heard of the stop yet, so its breakpoints are in."""
        if isinstance(event, ModuleLoaded):
            names = ("DriverEntry", "Dump_Start", "Dump_Write", "Dump_Read", "Dump_Finish", "Dump_Unload")
            self._exports = {
                event.module.exports[name]: name for name in names if name in event.module.exports
            }
        if not isinstance(event, BreakpointHit):
            return
        name = self._exports.get(event.address, "")
        # Dump_Start's own hit is where what is not called in a dump is taken out.
        if self._dumping:
            self.int3 |= {
                one for at, one in self._exports.items() if self._target.read_virtual(at, 1) == b"\xcc"
            }
            if name:
                self.in_registers.append(isinstance(event, DebugRegisterHit))
        self._dumping = (self._dumping or name == "Dump_Start") and name != "Dump_Finish"


def test_no_int3_is_in_the_code_while_an_image_is_written(lab: Lab, tmp_path: Path) -> None:
    run = Watched(lab, tmp_path)
    assert run.calls[: len(CALLS)] == CALLS
    assert run.calls[-1] == "Dump_Unload"
    assert run.int3 == set()
    assert run.in_registers
    assert all(run.in_registers)


def test_without_debug_registers_there_are(lab: Lab, tmp_path: Path) -> None:
    """What the test above would see if it saw anything; and the same calls."""
    run = Watched(lab, tmp_path, "--no-hardware")
    assert run.calls[: len(CALLS)] == CALLS
    assert run.int3 == {"Dump_Start", "Dump_Write", "Dump_Read", "Dump_Finish"}
    assert not any(run.in_registers)
