"""A KD target on a TCP port: Microsoft's DbgEng attaches to it as to a machine over a serial line.

DbgEng's own transport for that is ``com:ipport=PORT,port=ADDRESS`` (made for serial lines over TCP), so
nothing need stand between the two.
"""

import contextlib
import queue
import socket
import threading
from dataclasses import dataclass
from typing import Callable, Iterator, List, Optional, Union

from pykd_dumpfilt.emulator import (
    BreakpointHit,
    DebugRegisterHit,
    Event,
    LoadedImage,
    ModuleLoaded,
    ModuleUnloaded,
    Running,
    SingleStep,
    Stopped,
    Target,
)

from .errors import LabError
from .hardships import EASY, Hardships
from .kd_breakpoints import BreakpointTable, CodeWatch
from .kd_line import BadLine
from .kd_processors import Processors
from .kd_protocol import BreakIn, DisconnectedError, Link, LinkResetError, Reset, Stream
from .kd_requests import INSTRUCTIONS, Requests, control_report
from .kd_statistics import Statistics
from .kd_structures import DEBUG_IO, EXCEPTION, LOAD_SYMBOLS, STATE_CHANGE, Code, PacketType, StateChange

__all__ = ["RELOAD_BASE", "KdServer"]

RELOAD_BASE = 0xFFFFF800_35000000
"""Where the filter's image goes when the dump stack is loaded anew."""

_PRINT_STRING = 0x3230
_MAX_LINE = 512
_NO_PROCESS = 0xFFFFFFFFFFFFFFFF

_KD_REBOOT = 0xFFFFFFFFFFFFFFFF
# What the kernel says before it resets the machine: DbgUnLoadImageSymbols with that for a base (bugcheck.c of
# the Windows Research Kernel).
_GOODBYE = {"path_length": 0, "base": _KD_REBOOT, "process": 0, "checksum": 0, "size": 0, "unload": 1}

Observer = Callable[[Event], None]


@dataclass(frozen=True)
class _GoingDown:
    """The machine is about to reboot."""


_Told = Union[Event, _GoingDown]


class KdServer:
    """Serves one target to one debugger at a time, in a thread.

    When the debugger goes, the target stays as it is, with the breakpoints that are in it, as a real machine
    would; the next debugger finds it stopped. :meth:`left_behind` tells what a debugger forgot.

    Args:
        target: stopped; nobody else may touch it while the server runs, but from ``observer``.
        observer: called in the server's thread with each event, before the debugger hears of it.
        hardships: what is hard about the target and the line to it.
        reboot: makes the machine that a reboot leads to, before the first instruction of its scenario;
            without it the target does not reboot.

    Attributes:
        target: the machine that is there now.
    """

    def __init__(
        self,
        target: Target,
        observer: Optional[Observer] = None,
        hardships: Hardships = EASY,
        reboot: Optional[Callable[[], Target]] = None,
    ) -> None:
        self.statistics = Statistics()
        self._observer = observer
        self._hardships = hardships
        self._reboot = reboot
        self._hits = 0
        self._left: List[str] = []
        self._power_on(target)
        self._listener: Optional[socket.socket] = None
        self._stream: Optional[_Stream] = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="KD server", daemon=True)
        self._error: Optional[BaseException] = None

    def _power_on(self, target: Target) -> None:
        """All that a machine takes with it when it goes down."""
        self.target = target
        self._breakpoints = BreakpointTable(target)
        self._code = CodeWatch(target)
        self._processors = Processors(target)
        self._requests = Requests(
            target, self._breakpoints, self.statistics, self._processors, self._hardships
        )
        self._event: _Told = BreakpointHit(target.get_register("rip"))
        self._going: Optional[LoadedImage] = None
        self._printed = 0
        self._booting: Optional[int] = None
        self._break_at_boot: Optional[int] = None

    def start(self) -> None:
        """Listen on a loopback port of the kernel's choice."""
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1)
        self._thread.start()

    def stop(self) -> None:
        """End the connection and the thread. A second call does nothing.

        Raises:
            LabError: the server itself failed; the cause says how.
        """
        self._stopping.set()
        if self._listener is not None:
            # close() alone does not wake a thread in accept().
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        stream = self._stream
        if stream is not None:
            stream.close()
        if self._thread.ident is not None:
            self._thread.join(30)
            if self._thread.is_alive():
                raise LabError("the KD server does not stop: the target does not come back")
        error, self._error = self._error, None
        if error is not None:
            raise LabError(f"the KD server failed: {type(error).__name__}: {error}") from error

    def __enter__(self) -> "KdServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1."""
        if self._listener is None:
            raise LabError("the KD server has not been started")
        return int(self._listener.getsockname()[1])

    @property
    def connection(self) -> str:
        """What to give to ``pykd.attachKernel``, or to ``kd -k``."""
        return f"com:ipport={self.port},port=127.0.0.1"

    @property
    def event(self) -> Event:
        """The target's last event."""
        if isinstance(self._event, _GoingDown):
            raise LabError("the target is about to reboot")
        return self._event

    @property
    def breakpoints_written(self) -> List[int]:
        """Where debuggers have written breakpoint bytes into the target so far, in order of time."""
        return list(self._breakpoints.written)

    def left_behind(self) -> List[str]:
        """Breakpoints and changed code in the target now, and in images that went away with them in; one line
        each. For a target that is stopped."""
        found = list(self._left)
        found += [f"a breakpoint is in at {address:#x}" for address in self._breakpoints.addresses]
        for image in self.target.modules():
            found += self._code.changes(image)
        return found

    # The server's thread

    def _serve(self) -> None:
        assert self._listener is not None
        try:
            while not self._stopping.is_set():
                try:
                    connection, _ = self._listener.accept()
                except OSError:
                    return
                self._stream = _Stream(connection, lambda: self.target.interrupt())
                if self._stopping.is_set():
                    self._stream.close()
                try:
                    line: Stream = self._stream
                    if self._hardships.line_is_bad:
                        line = BadLine(line, self._hardships, self.statistics)
                    self._converse(Link(line, self.statistics))
                except DisconnectedError:
                    pass
                finally:
                    self._stream.close()
        except BaseException as error:
            self._error = error

    def _converse(self, link: Link) -> None:
        """One debugger, from its first byte to its last."""
        told = False
        while True:
            try:
                item = link.receive()
                if isinstance(item, Reset) or (isinstance(item, BreakIn) and not told):
                    told = False
                    self._tell(link)
                    told = True
                elif isinstance(item, BreakIn):
                    # It is stopped, and the debugger knows. A kernel that boots looks at it later.
                    self._break_at_boot = self._booting
                elif item.type == PacketType.STATE_MANIPULATE:
                    answer = self._requests.answer(item.payload)
                    if answer.reply is not None:
                        link.send(PacketType.STATE_MANIPULATE, answer.reply)
                    if answer.reboot and self._reboot is not None:
                        told = False
                        link.flush()
                        self._start_anew(link)
                        self._tell(link)
                        told = True
                    if answer.switch is not None:
                        told = False
                        self._tell_from(link, answer.switch)
                        told = True
                    if answer.run:
                        told = False
                        link.flush()
                        self._run(link)
                        self._tell(link)
                        told = True
            except LinkResetError:
                # Begin anew, until it has heard of the stop.
                while not told:
                    with contextlib.suppress(LinkResetError):
                        self._tell(link)
                        told = True

    def _run(self, link: Link) -> None:
        """Let the target go until it has an event."""
        if self._going is not None:
            # The debugger has heard that this image goes, and had its chance to clean up.
            self._left += self._code.changes(self._going)
            self._breakpoints.forget(self._going)
            self._code.forget(self._going)
            self._going = None
        if isinstance(self._event, _GoingDown):
            self._start_anew(link)
            return
        self._booting = None
        if self._break_at_boot is not None:
            self.target.set_register("rip", self._break_at_boot)
            self._event = BreakpointHit(self._break_at_boot)
            self._break_at_boot = None
            return
        self._processors.thaw()
        step, self._requests.step = self._requests.step, False
        if not step and self._hits == self._hardships.reload_after_hit:
            self._hits += 1
            self.target.restart_dump_stack(RELOAD_BASE)
        if not step and self._hits == self._hardships.reboot_after_hit:
            self._hits += 1
            if not self._hardships.reboots_silently:
                self._event = _GoingDown()
            else:
                self._start_anew(link)
            return
        stream = self._stream
        assert stream is not None
        try:
            with stream.waking():
                event = self.target.step() if step else self.target.resume()
                while isinstance(event, Running):
                    if link.wants_attention():
                        event = BreakpointHit(self.target.get_register("rip"))
                    else:
                        event = self.target.resume()
        except DisconnectedError:
            # The next debugger finds it where it is, broken in.
            self._event = BreakpointHit(self.target.get_register("rip"))
            raise
        self._event = event
        if isinstance(event, BreakpointHit):
            self._hits += 1
        elif isinstance(event, ModuleLoaded):
            self._code.remember(event.module)
        elif isinstance(event, ModuleUnloaded):
            self._going = event.module
        if self._observer is not None:
            self._observer(event)

    def _start_anew(self, link: Link) -> None:
        """Reboot: another kernel, which does what a kernel does first, and knows of no breakpoint."""
        assert self._reboot is not None, "a server that is to reboot needs to know into what"
        self._power_on(self._reboot())
        self._event = ModuleLoaded(self.target.modules()[0])
        # A debugger that sees an int3 where the kernel reports an image steps over it.
        self._booting = self.target.get_register("rip")
        self.target.set_register("rip", self._booting + 1)
        link.begin_anew()

    def _tell(self, link: Link) -> None:
        """Send what the target printed, then why it stands."""
        lines = list(self.target.debug_output)
        while self._printed < len(lines):
            self._print(link, lines[self._printed])
            self._printed += 1
        event = self._event
        if isinstance(event, Stopped) and event.reason != "ended":
            # A machine says so, too, in front of its last break.
            self._print(link, f"\n*** Fatal System Error: {event.reason}: {event.detail}\n\n")
        if isinstance(event, _GoingDown):
            payload = self._state(StateChange.LOAD_SYMBOLS, bytes(LOAD_SYMBOLS.build(_GOODBYE)))
        elif isinstance(event, (ModuleLoaded, ModuleUnloaded)):
            payload = self._symbols(event.module, isinstance(event, ModuleUnloaded))
        else:
            # The processor raises the same exception for both; DR6 tells them apart.
            single = isinstance(event, (SingleStep, DebugRegisterHit))
            code = Code.SINGLE_STEP if single else Code.BREAKPOINT
            payload = self._exception(self.target.running.number, code)
        self.statistics.packet("state change", len(payload))
        link.send(PacketType.STATE_CHANGE, payload)

    def _tell_from(self, link: Link, processor: int) -> None:
        """The debugger wants another processor's view: that one wakes up and reports, and nothing runs."""
        payload = self._exception(processor, Code.WAKE_SYSTEM_DEBUGGER)
        self.statistics.packet("state change", len(payload))
        link.send(PacketType.STATE_CHANGE, payload)

    def _print(self, link: Link, line: str) -> None:
        # The wire carries the target's ANSI code page.
        text = line.encode("ascii", "replace")[:_MAX_LINE]
        header = DEBUG_IO.build({"api": _PRINT_STRING, "level": 0, "processor": 0, "length": len(text)})
        self.statistics.packet("debug i/o", len(text))
        link.send(PacketType.DEBUG_IO, bytes(header) + text)

    def _symbols(self, image: LoadedImage, unload: bool) -> bytes:
        path = image.path.encode("ascii", "replace") + b"\0"
        event = LOAD_SYMBOLS.build(
            {
                "path_length": len(path),
                "base": image.base,
                "process": _NO_PROCESS,
                "checksum": image.checksum,
                "size": image.size,
                "unload": int(unload),
            }
        )
        return self._state(StateChange.LOAD_SYMBOLS, bytes(event)) + path

    def _exception(self, processor: int, code: int) -> bytes:
        event = EXCEPTION.build(
            {
                "code": code,
                "flags": 0,
                "record": 0,
                "address": self._processors.get(processor, "rip"),
                "count": 1,
                "information": [0] * 15,
                "first_chance": 1,
            }
        )
        return self._state(StateChange.EXCEPTION, bytes(event), processor)

    def _state(self, state: int, event: bytes, processor: Optional[int] = None) -> bytes:
        number = self.target.running.number if processor is None else processor
        self._requests.reporting = number
        pc = self._processors.get(number, "rip")
        self._breakpoints.restore_range(pc, pc + INSTRUCTIONS)
        change = {
            "state": state,
            "level": 6,
            "processor": number,
            "processors": len(self.target.processors),
            "thread": self.target.processors[number].thread,
            "pc": pc,
            "event": event,
            "report": control_report(self.target, self._processors, number),
        }
        return bytes(STATE_CHANGE.build(change))


class _Stream:
    """A socket, read by a thread of its own, which can wake the target while it runs."""

    def __init__(self, connection: socket.socket, wake: Callable[[], None]) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connection
        self._wake = wake
        self._running = False
        self._ended = False
        self._queue: queue.Queue[bytes] = queue.Queue(maxsize=1024)
        threading.Thread(target=self._read, name="KD reader", daemon=True).start()

    def send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise DisconnectedError(str(error)) from error

    def receive(self, timeout: Optional[float]) -> bytes:
        if self._ended and self._queue.empty():
            raise DisconnectedError("the debugger closed the connection")
        try:
            data = self._queue.get(block=timeout != 0, timeout=timeout or None)
        except queue.Empty:
            return b""
        if not data:
            self._ended = True
            raise DisconnectedError("the debugger closed the connection")
        return data

    @contextlib.contextmanager
    def waking(self) -> Iterator[None]:
        """While this lasts, what arrives interrupts the target."""
        self._running = True
        try:
            if not self._queue.empty():
                self._wake()
            yield
        finally:
            self._running = False

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _read(self) -> None:
        while True:
            try:
                data = self._socket.recv(65536)
            except OSError:
                data = b""
            self._queue.put(data)
            if self._running:
                self._wake()
            if not data:
                return
