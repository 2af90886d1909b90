"""A trace from start to stop: tracer and recording together.

:func:`record` is for automation that owns its debugger session (the emulator, the lab, a machine with a VM);
:func:`start_session` is for WinDbg, where the user keeps the prompt and comes back later to ask.
"""

import datetime
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Callable, Mapping, Optional, TypeVar, Union

from .. import __version__
from ..debugger import Debugger, Stop, StopReason
from ..errors import RecordingError, UsageError, is_interrupt
from ..recording import Header, PageStore, Record, RecordingWriter
from .bug_check import BugCheckBreak, bug_check_break
from .callbacks import Location
from .capture import Limits
from .placement import Hardware
from .selection import Selection
from .tracer import Tracer, TraceStatus

__all__ = ["Session", "Summary", "active_session", "default_recording_name", "record", "start_session"]

_T = TypeVar("_T")

Observer = Callable[[Record, PageStore], object]
"""Called with each record after it has been written, and with the pages that it names; what it gives is
ignored."""


@dataclass(frozen=True)
class Summary:
    """What a trace left: the recording, why it ended, and the tracer's last state."""

    path: Path
    stop: Stop
    status: TraceStatus


class Session:
    """A tracer that writes a recording.

    Args:
        debugger: the target, stopped.
        filter_name: the driver's plain name.
        output: the recording's folder; it must not exist.
        callbacks: where the user says that callbacks are.
        limits: bounds on what one call may cost.
        observer: sees every record as it is written; what it raises becomes a fault of the tool, and it is
            not asked again.
        hardware: how debug registers are used.
        selection: which calls are captured, and what of them.
        on_end: called with the reason when the trace ends by itself, at a bound of the selection.
        on_failure: called once, when the recording takes no more (a full disk), with why and what to do. The
            trace goes on, and counts what it loses.

    Raises:
        UsageError, TargetError, RecordingError: nothing is left in the target, and no empty recording.
    """

    def __init__(
        self,
        debugger: Debugger,
        filter_name: str,
        output: Union[str, Path],
        callbacks: Optional[Mapping[str, Location]] = None,
        limits: Optional[Limits] = None,
        observer: Optional[Observer] = None,
        hardware: Hardware = Hardware.AUTO,
        selection: Optional[Selection] = None,
        on_end: Optional[Callable[[str], None]] = None,
        on_failure: Optional[Callable[[str], None]] = None,
    ) -> None:
        limits = limits or Limits()
        selection = selection or Selection()
        info = debugger.describe()
        given = {name: _location_text(where) for name, where in (callbacks or {}).items()}
        self._observer = observer
        self._on_end = on_end
        self._on_failure = on_failure
        self._failure: Optional[str] = None
        self._observer_fault: Optional[str] = None
        self._captured = 0
        # The tracer refuses bad names and targets before a folder is made.
        self._tracer = Tracer(
            debugger, filter_name, self, callbacks, limits, hardware, selection, self._exhausted
        )
        self._writer = RecordingWriter(
            Path(output),
            Header(
                filter=self._tracer.filter,
                machine=debugger.machine.value,
                created=datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
                tool=f"pykd-dumpfilt {__version__}",
                debugger={"engine": info.engine, "version": info.version, "target": info.target},
                options={
                    "limits": asdict(limits),
                    "callbacks": given,
                    "hardware": hardware.value,
                    **selection.options(),
                },
            ),
        )
        try:
            self._tracer.arm()
        except BaseException as error:
            self.stop(f"arming failed: {error}")
            raise

    @property
    def path(self) -> Path:
        """The recording's folder."""
        return self._writer.path

    @property
    def observer(self) -> Optional[Observer]:
        """Who looks on."""
        return self._observer

    @property
    def size(self) -> Optional[int]:
        """Bytes that the recording takes on disk so far; None where it is out of reach."""
        try:
            return sum(file.stat().st_size for file in self.path.iterdir() if file.is_file())
        except OSError:
            return None

    @property
    def running(self) -> bool:
        """Whether it is still armed."""
        return self.status().armed

    def status(self) -> TraceStatus:
        """What is watched and what has been seen so far."""
        status = self._tracer.status()
        faults, count = status.faults, status.fault_count
        if self._observer_fault is not None:
            faults, count = (*faults, self._observer_fault), count + 1
        return replace(
            status,
            lost=status.lost + self._writer.lost,
            faults=faults,
            fault_count=count,
            captured=self._captured,
            failure=self._failure,
        )

    def stop(self, reason: str, gone: bool = False) -> TraceStatus:
        """Take our breakpoints out and close the recording; ``gone`` where the calls that are still open will
        not return. Where it cannot be closed the status says so. A second call does nothing."""
        self._tracer.disarm(reason, gone)
        status = self._tracer.status()
        try:
            self._writer.close(reason, lost=status.lost, left_out=status.left_out)
        except RecordingError as error:
            self._failure = str(error)
        return self.status()

    def _exhausted(self, reason: str) -> None:
        self.stop(reason)
        if self._on_end is not None:
            self._on_end(reason)

    # The tracer's sink: the writer, and whoever looks on.

    def write(self, record: Record) -> None:
        self._kept(lambda: self._writer.write(record))
        if self._observer is None or self._observer_fault is not None:
            return
        try:
            self._observer(record, self._writer)
        except BaseException as error:
            if is_interrupt(error):
                raise  # the user's wish, and no fault
            # The recording has all of it, so this is no fault of the recording's.
            self._observer_fault = f"looking on ended: {type(error).__name__}: {error}"

    def put(self, content: bytes) -> int:
        self._captured += len(content)
        return self._kept(lambda: self._writer.put(content))

    def _kept(self, action: Callable[[], _T]) -> _T:
        try:
            return action()
        except RecordingError as error:
            # Of all that the writer will refuse from now on, the first error says why.
            if self._writer.failure is not None and self._failure is None:
                self._failure = str(error)
                if self._on_failure is not None:
                    self._on_failure(self._failure)
            raise

    def page(self, number: int) -> bytes:
        return self._writer.page(number)


def record(
    debugger: Debugger,
    filter_name: str,
    output: Union[str, Path],
    callbacks: Optional[Mapping[str, Location]] = None,
    limits: Optional[Limits] = None,
    observer: Optional[Observer] = None,
    hardware: Hardware = Hardware.AUTO,
    selection: Optional[Selection] = None,
) -> Summary:
    """Trace until the target ends or breaks in, and leave a closed recording whatever happens. A bug check
    outside of the filter is not the end: its dump is still to be written, by the filter.

    Arguments and errors are those of :class:`Session`.
    """
    session = Session(debugger, filter_name, output, callbacks, limits, observer, hardware, selection)
    reason = "interrupted"
    stuck = False
    try:
        stop = debugger.run()
        if _is_before_a_dump(stop, session, debugger):
            stop = debugger.run()
        reason = stop.detail or stop.reason.value
        stuck = stop.reason is StopReason.STUCK
    except KeyboardInterrupt:
        stop = Stop(StopReason.INTERRUPTED, "Ctrl+C")
    except BaseException as error:
        reason = f"{type(error).__name__}: {error}"
        raise
    finally:
        status = session.stop(reason, gone=stuck)
    return Summary(session.path, stop, status)


def _is_before_a_dump(stop: Stop, session: Session, debugger: Debugger) -> bool:
    """Whether the machine bug-checked outside of the filter and has yet to write its dump."""
    if stop.reason is not StopReason.BREAK or session.status().open_calls:
        return False
    return bug_check_break(debugger) is BugCheckBreak.BEFORE_DUMP


# Commands typed at the debugger's prompt come in separate runs of __main__, but in one interpreter: the
# session lives here, in an imported module, and nowhere else.
_active: Optional[Session] = None


def start_session(session: Callable[[], Session]) -> Session:
    """Make the session that later commands will find.

    Raises:
        UsageError: another one is still armed.
    """
    global _active
    if _active is not None and _active.running:
        raise UsageError(
            f"{_active.status().filter} is being traced already, into {_active.path}: type stop first"
        )
    _active = session()
    return _active


def active_session() -> Session:
    """The session of the last start, armed or stopped.

    Raises:
        UsageError: there is none.
    """
    if _active is None:
        raise UsageError(
            "nothing has been started in this interpreter: type start MODULE first, and use !py -g every "
            "time (without -g each !py begins anew and forgets)"
        )
    return _active


def default_recording_name(filter_name: str, now: Optional[datetime.datetime] = None) -> str:
    """``NAME-20261123-142501.dumpfilt``, in local time."""
    when = (now or datetime.datetime.now()).strftime("%Y%m%d-%H%M%S")
    safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in filter_name)
    return f"{safe}-{when}.dumpfilt"


def _location_text(where: Location) -> str:
    if where.symbol is not None:
        return where.symbol
    if where.offset is not None:
        return f"+{where.offset:#x}"
    return f"{where.address:#x}"
