"""Whatever happens in a handler, the target goes on; Ctrl+Break gives the prompt and costs no call."""

import itertools
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence

import pytest

from pykd_dumpfilt.debugger import StopReason, VirtualAddress
from pykd_dumpfilt.emulator import EmulatorDebugger, Scenario, Target
from pykd_dumpfilt.errors import RecordingError
from pykd_dumpfilt.recording import Call, Fault, Record, read_recording
from pykd_dumpfilt.trace import Session, Tracer, record

from ..emulator.code import ALL_FIVE
from ..emulator.pe_writer import dump_filter
from .test_tracer import CRASH, HIBERNATE, Sink

RAISED = (
    ValueError("a bug of ours"),
    SystemExit(3),
    MemoryError(),
    RecursionError("maximum recursion depth exceeded"),
    GeneratorExit(),
)
BREAKS = (KeyboardInterrupt(), SystemExit("CTRL+BREAK"))


class Failing(EmulatorDebugger):
    """Raises at the reads and registers whose number (counted while armed) is in ``at``."""

    def __init__(self, target: Target, error: BaseException, at: Sequence[int] = ()) -> None:
        super().__init__(target)
        self._error = error
        self._at = set(at)
        self.asked = 0

    def read_virtual(self, address: VirtualAddress, size: int) -> bytes:
        self._ask()
        return super().read_virtual(address, size)

    def read_registers(self, names: Sequence[str]) -> Dict[str, int]:
        self._ask()
        return super().read_registers(names)

    def _ask(self) -> None:
        number, self.asked = self.asked, self.asked + 1
        if number in self._at:
            raise self._error


def target(scenario: Scenario = CRASH) -> Target:
    return Target(dump_filter(ALL_FIVE).image(), "probe", scenario)


def calls_of(path: Path) -> List[Call]:
    with read_recording(path) as recording:
        return [one for one in recording if isinstance(one, Call)]


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
def test_what_a_handler_raises_is_a_fault_and_the_target_goes_on(error: BaseException) -> None:
    class Bad(Sink):
        def put(self, content: bytes) -> int:
            raise error

    sink = Bad()
    debugger = EmulatorDebugger(target())
    tracer = Tracer(debugger, "probe", sink)
    tracer.arm()
    assert debugger.run().detail == "the scenario ran to its end"
    tracer.disarm("done")
    status = tracer.status()
    # The same at each of four writes: told once, counted always.
    assert (len(status.faults), status.fault_count, status.lost) == (1, 4, 4)
    assert status.faults[0].startswith(f"entry: {type(error).__name__}")
    assert sum(isinstance(one, Fault) for one in sink.records) == 4
    assert len(sink.calls) == 4
    assert status.breakpoints == 0


def test_a_sink_that_takes_nothing_at_all_is_counted_and_arming_goes_on() -> None:
    class Dead(Sink):
        def write(self, record: Record) -> None:
            if isinstance(record, (Call, Fault)):
                raise MemoryError

    debugger = EmulatorDebugger(target())
    tracer = Tracer(debugger, "probe", Dead())
    tracer.arm()
    assert debugger.run().detail == "the scenario ran to its end"
    status = tracer.status()
    # DriverEntry's call could not be written, and the table that it left was learned all the same.
    assert status.fault_count == 8
    assert [one.found_by for one in status.copies[0].armed] == [("table",)] * 5
    assert status.hits == 16


def test_faults_without_number_take_no_memory_without_bound() -> None:
    class Bad(Sink):
        def put(self, content: bytes) -> int:
            raise RecordingError(f"trouble {next(numbers)}")

    numbers = itertools.count()
    debugger = EmulatorDebugger(target(Scenario("crash", calls=60, pages=1)))
    tracer = Tracer(debugger, "probe", Bad())
    tracer.arm()
    debugger.run()
    status = tracer.status()
    assert (len(status.faults), status.fault_count) == (20, 60)


def reads_of_a_run() -> int:
    debugger = Failing(target(HIBERNATE), ValueError())
    tracer = Tracer(debugger, "probe", Sink())
    tracer.arm()
    debugger.run()
    return debugger.asked


@pytest.mark.parametrize("error", BREAKS, ids=["KeyboardInterrupt", "pykd's SystemExit"])
def test_ctrl_break_in_any_read_gives_the_prompt_and_loses_no_call(error: BaseException) -> None:
    undisturbed = Sink()
    debugger = EmulatorDebugger(target(HIBERNATE))
    tracer = Tracer(debugger, "probe", undisturbed)
    tracer.arm()
    debugger.run()
    total = reads_of_a_run()
    assert total > 50
    # What arming a copy reads comes first: its headers, when the module comes.
    for number in range(5, total, 7):
        sink = Sink()
        failing = Failing(target(HIBERNATE), error, [number])
        tracer = Tracer(failing, "probe", sink)
        tracer.arm()
        with pytest.raises(KeyboardInterrupt):
            failing.run()
        status = tracer.status()
        assert status.armed
        assert (status.faults, status.lost) == ((), 0)
        assert failing.run().detail == "the scenario ran to its end"
        assert sink.records == undisturbed.records, number
        assert tracer.status().lost == 0


def test_a_second_ctrl_break_does_not_wait() -> None:
    failing = Failing(target(), KeyboardInterrupt(), range(40, 42))
    sink = Sink()
    tracer = Tracer(failing, "probe", sink)
    tracer.arm()
    with pytest.raises(KeyboardInterrupt):
        failing.run()
    assert failing.run().reason is StopReason.ENDED
    assert tracer.status().lost == 1


def test_an_automatic_run_that_is_interrupted_leaves_a_closed_recording(tmp_path: Path) -> None:
    failing = Failing(target(), KeyboardInterrupt(), [20])
    summary = record(failing, "probe", tmp_path / "run")
    assert summary.stop.reason is StopReason.INTERRUPTED
    with read_recording(summary.path) as recording:
        assert len(list(recording)) > 0
        assert recording.footer is not None


@pytest.mark.parametrize("error", [*RAISED, *BREAKS], ids=lambda error: type(error).__name__)
def test_an_observer_that_raises_costs_no_call_and_is_told_once(error: BaseException, tmp_path: Path) -> None:
    asked: List[Record] = []

    def observe(record: Record, pages: object) -> None:
        asked.append(record)
        # DriverEntry's: what follows from it is learned all the same.
        if isinstance(record, Call) and record.number == 0:
            raise error

    debugger = EmulatorDebugger(target())
    session = Session(debugger, "probe", tmp_path / "run", observer=observe)
    interrupted = False
    try:
        debugger.run()
    except KeyboardInterrupt:
        interrupted = True
        debugger.run()
    status = session.stop("done")
    assert interrupted == (error in BREAKS)
    # Ctrl+Break is no fault of whoever looks on.
    assert sum(isinstance(one, Call) for one in asked) == (8 if interrupted else 1)
    assert len(calls_of(session.path)) == 8
    assert status.fault_count == (0 if interrupted else 1)
    assert all(fault.startswith(f"looking on ended: {type(error).__name__}") for fault in status.faults)
    # The recording lacks nothing, so it is not what is at fault.
    with read_recording(session.path) as recording:
        assert not any(isinstance(one, Fault) for one in recording)


def test_every_breakpoint_is_tried_where_one_cannot_be_taken_out() -> None:
    class Sticky(EmulatorDebugger):
        def set_breakpoint(
            self, address: VirtualAddress, on_hit: Callable[[], bool], hardware: bool = False
        ) -> Any:
            one = super().set_breakpoint(address, on_hit, hardware)
            gone = one.remove

            def remove() -> None:
                gone()
                removed.append(int(address))
                raise RuntimeError("it sticks")

            one.remove = remove  # type: ignore[method-assign]
            return one

    removed: List[int] = []
    debugger = Sticky(target())
    tracer = Tracer(debugger, "probe", Sink())
    tracer.arm()
    reads: List[Optional[int]] = []
    watch = debugger.watch_modules(lambda module: reads.append(int(module.base)), lambda module: None)
    debugger.run()
    watch.remove()
    tracer.disarm("done")
    assert tracer.status().breakpoints == 0
    assert len(removed) >= 5


def test_cost_is_counted(tmp_path: Path) -> None:
    debugger = EmulatorDebugger(target())
    session = Session(debugger, "probe", tmp_path / "run")
    debugger.run()
    status = session.stop("done")
    assert status.hits == 16
    assert 0 < status.seconds < 60
    sides = [side for call in calls_of(session.path) for side in (call.entry, call.exit) if side is not None]
    pages = sum(len(buffer.pages) for side in sides for buffer in side.buffers)
    assert pages >= 8
    assert status.captured == pages * 4096
    assert session.size == sum(file.stat().st_size for file in session.path.iterdir())
