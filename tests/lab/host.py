"""A debugger at whose prompt a test types what a user types: a program of DbgEng that stands in for WinDbg.

See windows/debugger_host.c and windows/pykd_bootstrapper.c for what stands in for what.
"""

import contextlib
import html
import re
import socket
import struct
import threading
import time
from dataclasses import dataclass
from typing import Callable, List, Optional

from .errors import LabError
from .host_programs import HOST, build_host
from .session import Guest, LiveSession
from .wine import windows_path

__all__ = ["DebuggerHost", "Output"]

_STATUS_BAR = 0x400
_PROMPTS = 0x10
_ATTACHED = 60.0
_TAIL = 30

_TAG = re.compile(r"<[^<>]*>")


@dataclass(frozen=True)
class Output:
    """One piece of output as the debugger's engine hands it on.

    Attributes:
        mask: DEBUG_OUTPUT_* of dbgeng.h: 1 normal, 2 error, 4 warning, 0x400 the status bar.
        dml: whether ``text`` is DML: its tags are in it, and ``<``, ``>``, ``&`` and quotes are escaped.
        text: as it came.
    """

    mask: int
    dml: bool
    text: str

    @property
    def plain(self) -> str:
        """The text without tags, as a window shows it."""
        return html.unescape(_TAG.sub("", self.text)) if self.dml else self.text


class DebuggerHost:
    """A debugger, attached to the session's target and broken in::

        with LiveSession(lab, target) as session, DebuggerHost(session) as windbg:
            windbg.load_pykd()
            windbg.type("!py -g -m pykd_dumpfilt start aes_xts")
            windbg.go_in_background()
            windbg.ctrl_break()
            windbg.wait_for_break()

    All commands go to one process and, with ``!py -g``, to one Python interpreter. On leaving, it is killed
    as by a crash; :meth:`close` ends it as a user would.

    Args:
        session: entered.
        dml: whether it shows DML, as WinDbg does and kd.exe does not.
        timeout: seconds for each step, unless the step says otherwise.

    Attributes:
        outputs: everything that the engine has put out.
        exit_code: with which code the script or module of the last command ended, None without one. A user
            never sees it.
    """

    def __init__(self, session: LiveSession, dml: bool = False, timeout: float = 120.0) -> None:
        self.outputs: List[Output] = []
        self.exit_code: Optional[int] = None
        self._session = session
        self._dml = dml
        self._timeout = timeout
        self._typed = session.prefix / "typed"
        self._stack = contextlib.ExitStack()
        self._guest: Optional[Guest] = None
        self._socket: Optional[socket.socket] = None
        self._changed = threading.Condition()
        self._prompt: Optional[str] = None
        self._runs = False
        self._runs_begun = 0
        self._gone: Optional[str] = None
        self._said: List[str] = []
        self._transcript: List[str] = []

    def __enter__(self) -> "DebuggerHost":
        folder = build_host()
        home = self._session.lab.python.home
        self._typed.mkdir(exist_ok=True)
        drive = self._session.prefix / "dosdevices" / "t:"
        if not drive.is_symlink():
            # A drive of its own: the path goes to pykd.pyd in a command line, where blanks would part it.
            drive.symlink_to("../typed")
        environment = {
            "DUMPFILT_TYPED": "T:",
            # pykd.pyd wants its python*.dll on PATH.
            "WINEPATH": home,
            "_NT_DEBUGGER_EXTENSION_PATH": windows_path(folder),
            # Without one DbgEng asks a server on the internet.
            "_NT_SYMBOL_PATH": "T:",
        }
        with contextlib.ExitStack() as stack:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=1))
            listener.settimeout(_ATTACHED)
            arguments = [
                str(listener.getsockname()[1]),
                home + r"\Lib\site-packages\pykd\dbgeng.dll",
                self._session.server.connection,
                "dml" if self._dml else "text",
            ]
            guest = self._session.start_program(folder / HOST, arguments, environment)
            self._guest = stack.enter_context(guest)
            try:
                self._socket, _ = listener.accept()
            except socket.timeout as error:
                raise LabError(f"the debugger host did not start; it said:\n{self._guest.output}") from error
            stack.callback(self._close_socket, self._socket)
            threading.Thread(target=self._read, args=(self._socket,), name="host", daemon=True).start()
            self._wait(lambda: self._prompt is not None, _ATTACHED, "did not attach")
            self._said.clear()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def running(self) -> bool:
        """Whether the target runs, and the prompt takes no command."""
        return self._runs

    @property
    def gone(self) -> Optional[str]:
        """Why the session is over; None while it is not."""
        return self._gone

    @property
    def transcript(self) -> str:
        """What a user's window holds by now: prompts, what was typed, what came; not the status bar."""
        with self._changed:
            return "".join(self._transcript)

    @property
    def status_bar(self) -> str:
        """What the status bar says."""
        with self._changed:
            return next((one.plain for one in reversed(self.outputs) if one.mask & _STATUS_BAR), "")

    def load_pykd(self) -> str:
        """``.load pykd.dll``.

        Raises:
            LabError: it does not load.
        """
        said = self.type(".load pykd.dll")
        if "pykd.dll" not in self._quietly(".chain"):
            raise LabError(f"pykd.dll does not load: {said}")
        return said

    def type(self, command: str, timeout: Optional[float] = None) -> str:
        """Type a command, wait for the next prompt, and give what was put out meanwhile. With a command that
        resumes the target (``g``), that is until it breaks in again.

        Raises:
            LabError: the target runs, the time is up, or the debugger is gone; see :meth:`end` for that.
        """
        self._send_command(command)
        return self._wait_for_prompt(timeout, f"{command!r} did not come back to the prompt")

    def go_in_background(self, command: str = "g") -> None:
        """Type a command that resumes the target, and come back when the target runs.

        Raises:
            LabError: it does not.
        """
        resumed = self._resumed()
        begun = self._runs_begun
        self._send_command(command)
        self._wait(lambda: self._runs_begun > begun, self._timeout, f"{command!r} did not resume the target")
        # What the debugger is told before it has let the target go is lost: it forgets Ctrl+Break then.
        deadline = time.monotonic() + self._timeout
        while self._resumed() == resumed:
            if time.monotonic() > deadline:
                raise LabError(self._explain(f"{command!r} did not resume the target"))
            time.sleep(0.005)

    def ctrl_break(self) -> None:
        """Press Ctrl+Break, at any moment; :meth:`wait_for_break` tells when it has worked."""
        self._send("b")

    def break_in(self, timeout: Optional[float] = None, every: float = 1.0) -> str:
        """Press Ctrl+Break as a user does, again each ``every`` seconds, until the prompt is there; give what
        was put out since the last command. One press may go unheard: DbgEng hears it while it waits for the
        target (and looks between two reads of the line, each up to four seconds), and while a callback runs
        that asks for it. A press that comes late may break in once more after the next ``g``.

        Raises:
            LabError: the time is up, or the debugger is gone.
        """
        deadline = time.monotonic() + (self._timeout if timeout is None else timeout)
        while time.monotonic() < deadline:
            self.ctrl_break()
            with self._changed:
                if self._changed.wait_for(lambda: self._prompt is not None or self._gone is not None, every):
                    break
        return self.wait_for_break(0)

    def wait_for_break(self, timeout: Optional[float] = None) -> str:
        """Wait until the debugger is at its prompt, and give what was put out since the last command.

        Raises:
            LabError: the time is up, or the debugger is gone.
        """
        return self._wait_for_prompt(timeout, "the target did not break in")

    def close(self, timeout: Optional[float] = None) -> str:
        """Close the window, as a user who is done; give the last words.

        Raises:
            LabError: the target runs, or the process does not end.
        """
        self._require_prompt("the window")
        self._send("q")
        return self._wait_for_end(timeout)

    def end(self, command: str, timeout: Optional[float] = None) -> str:
        """Type a command that ends the session, such as ``q`` or ``qd``, and wait for the end of the process.

        Raises:
            LabError: it does not end.
        """
        self._send_command(command)
        return self._wait_for_end(timeout)

    def kill(self) -> None:
        """End the process at once, as a crash would."""
        assert self._guest is not None
        self._guest.kill()

    def _resumed(self) -> int:
        return self._session.server.statistics.snapshot().packets.get("continue2", 0)

    def _quietly(self, command: str) -> str:
        with self._changed:
            kept = list(self._transcript)
        said = self.type(command)
        with self._changed:
            self._transcript[:] = kept
        return said

    def _send_command(self, command: str) -> None:
        self._require_prompt(repr(command))
        with contextlib.suppress(FileNotFoundError):
            (self._typed / "outcome").unlink()
        with self._changed:
            self._show(f"{self._prompt} {command}\n")
            self._prompt = None
            self._said.clear()
            self.exit_code = None
        self._send("x", command.encode())

    def _require_prompt(self, what: str) -> None:
        with self._changed:
            if self._prompt is None or self._gone is not None:
                state = "the session is over" if self._gone is not None else "the target runs"
                raise LabError(self._explain(f"cannot take {what}: {state}"))

    def _wait_for_prompt(self, timeout: Optional[float], otherwise: str) -> str:
        self._wait(lambda: self._prompt is not None, timeout, otherwise)
        with contextlib.suppress(OSError, ValueError):
            self.exit_code = int((self._typed / "outcome").read_text())
        with self._changed:
            return "".join(self._said)

    def _wait_for_end(self, timeout: Optional[float]) -> str:
        assert self._guest is not None
        with self._changed:
            if not self._changed.wait_for(lambda: self._gone is not None, timeout or self._timeout):
                raise LabError(self._explain("the session did not end"))
        self._guest.wait(timeout or self._timeout)
        with self._changed:
            return "".join(self._said)

    def _wait(self, condition: Callable[[], bool], timeout: Optional[float], otherwise: str) -> None:
        seconds = self._timeout if timeout is None else timeout
        with self._changed:
            self._changed.wait_for(lambda: condition() or self._gone is not None, seconds)
            if self._gone is not None:
                raise LabError(self._explain(f"{otherwise}: the debugger is gone ({self._gone})"))
            if not condition():
                raise LabError(self._explain(f"{otherwise} in {seconds:.0f} s"))

    def _explain(self, what: str) -> str:
        assert self._guest is not None
        shown = "".join(self._transcript).splitlines()[-_TAIL:] + self._guest.output.splitlines()[-_TAIL:]
        return "\n".join([f"{what}; it last said:", *shown])

    def _send(self, letter: str, data: bytes = b"") -> None:
        assert self._socket is not None
        try:
            self._socket.sendall(letter.encode() + struct.pack("<I", len(data)) + data)
        except OSError as error:
            raise LabError(self._explain(f"the debugger is gone ({error})")) from error

    def _show(self, text: str) -> None:
        self._transcript.append(text)

    # The reader's thread

    def _read(self, connection: socket.socket) -> None:
        reason = "its process ended"
        with contextlib.suppress(OSError), connection.makefile("rb") as stream:
            while True:
                head = stream.read(5)
                if len(head) < 5:
                    break
                data = stream.read(struct.unpack("<I", head[1:])[0])
                if head[:1] == b"g":
                    reason = data.decode("utf-8", "replace")
                with self._changed:
                    self._take(head[:1].decode(), data)
                    self._changed.notify_all()
        with self._changed:
            self._gone, self._runs = reason, False
            self._changed.notify_all()

    def _take(self, letter: str, data: bytes) -> None:
        if letter == "o":
            mask, dml = struct.unpack_from("<II", data)
            one = Output(mask, bool(dml), data[8:].decode("utf-8", "replace").replace("\r\n", "\n"))
            self.outputs.append(one)
            if not mask & (_STATUS_BAR | _PROMPTS):
                self._said.append(one.plain)
                self._show(one.plain)
        elif letter == "p":
            if self._transcript and not self._transcript[-1].endswith("\n"):
                self._show("\n")
            self._prompt, self._runs = data.decode("utf-8", "replace"), False
        elif letter == "r":
            self._runs = True
            self._runs_begun += 1
        elif letter == "e":
            self._said.append("")

    @staticmethod
    def _close_socket(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()
