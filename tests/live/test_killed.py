"""A tracer that is killed: what it recorded is there, and the target can be made clean."""

import os
import signal
import threading
from pathlib import Path
from typing import List

import pytest

from pykd_dumpfilt.emulator import BreakpointHit, EmulatorDebugger, Event, Scenario, Target
from pykd_dumpfilt.recording import Call, Record, read_recording
from pykd_dumpfilt.trace import record

from ..lab.errors import LabError
from ..lab.live_recording import record_live
from ..lab.session import Lab, LiveSession
from ..lab.toolchain import build_filter
from ..lab.wine import windows_path

pytestmark = pytest.mark.live

LAB = Path(__file__).resolve().parent.parent / "lab"
NAME = "aes_xts"
SCENARIO = Scenario("hibernate", seed=3, calls=5, pages=2)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> List[Record]:
    """The same run, not killed."""
    debugger = EmulatorDebugger(Target(build_filter(NAME).read_bytes(), NAME, SCENARIO))
    path = record(debugger, NAME, tmp_path_factory.mktemp("whole") / "run").path
    return list(read_recording(path))


@pytest.mark.parametrize("hits", [1, 6, 13, 22])
def test_killed_while_it_traces(hits: int, lab: Lab, tmp_path: Path, whole: List[Record]) -> None:
    enough = threading.Event()
    seen = 0

    def observe(event: Event) -> None:
        nonlocal seen
        seen += isinstance(event, BreakpointHit)
        if seen >= hits:
            enough.set()

    path = tmp_path / "run.dumpfilt"
    target = Target(build_filter(NAME).read_bytes(), NAME, SCENARIO)
    with LiveSession(lab, target, observe) as session:
        with session.start(LAB / "guest_record.py", [NAME, windows_path(path)]) as guest:
            assert enough.wait(120), guest.output
            guest.kill()
        recording = read_recording(path)
        records = list(recording)
        assert records == whole[: len(records)]
        assert sum(isinstance(one, Call) for one in records) >= (hits - 2) // 2
        assert recording.footer is None
        assert recording.damage != []
        assert session.rescue() == []


def test_a_debugger_killed_while_the_target_runs_leaves_bytes_and_attaching_again_takes_them_out(
    lab: Lab, tmp_path: Path
) -> None:
    """The claim that README makes about WinDbg's death, with a target that provably was left dirty."""
    loaded = threading.Event()
    killed = threading.Event()
    seen = 0

    def observe(event: Event) -> None:
        # The first hit has armed everything; at the second the server, and so the target, is held until the
        # debugger is dead: its breakpoints are in, and nobody is there to take them out.
        nonlocal seen
        seen += isinstance(event, BreakpointHit)
        if seen == 2 and not loaded.is_set():
            loaded.set()
            killed.wait(60)

    target = Target(build_filter(NAME).read_bytes(), NAME, SCENARIO)
    with LiveSession(lab, target, observe) as session:
        arguments = [NAME, windows_path(tmp_path / "run.dumpfilt")]
        with session.start(LAB / "guest_record.py", arguments) as guest:
            assert loaded.wait(120), guest.output
            guest.kill()
            killed.set()
        assert any("breakpoint" in line for line in session.server.left_behind())
        assert session.rescue() == []


def test_recording_cleans_up_after_a_tracer_that_was_killed(lab: Lab, tmp_path: Path) -> None:
    """The lab's own record: whatever ends the tracer, the target is left as it was."""
    seen = 0

    def observe(event: Event) -> None:
        nonlocal seen
        seen += isinstance(event, BreakpointHit)
        if seen == 8:
            for process in tracers(tmp_path):
                os.kill(process, signal.SIGKILL)

    with pytest.raises(LabError, match="nothing of it is left in the target"):
        record_live(
            lab, build_filter(NAME).read_bytes(), NAME, SCENARIO, tmp_path / "run.dumpfilt", observer=observe
        )
    assert seen >= 8
    assert any(isinstance(one, Call) for one in read_recording(tmp_path / "run.dumpfilt"))


def tracers(folder: Path) -> List[int]:
    """The processes that record into the folder: its path is among their arguments, as Windows spells it."""
    name = windows_path(folder).encode()
    return [
        int(process.name)
        for process in Path("/proc").iterdir()
        if process.name.isdigit() and name in command_line(process)
    ]


def command_line(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""
