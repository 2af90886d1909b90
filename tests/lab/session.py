"""A live session: the KD server in front of a target, and a script under Wine with real pykd and DbgEng."""

import contextlib
import os
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Mapping, Optional, Sequence

from pykd_dumpfilt.emulator import Target

from .errors import LabError
from .hardships import EASY, Hardships
from .kd_server import KdServer, Observer
from .processes import end_group, start
from .windows_python import WindowsPython, windows_python
from .wine import Wine, find_wine, prefix_template, private_prefix, windows_path

__all__ = ["Guest", "GuestResult", "Lab", "LiveSession", "prepare"]

ROOT = Path(__file__).resolve().parent.parent.parent
"""The checkout: what the Windows Python imports our package from."""

_RESCUE = Path(__file__).with_name("guest_rescue.py")
_MAX_OUTPUT = 16 << 20


@dataclass(frozen=True)
class Lab:
    """What a live session is made of, all of it in the cache."""

    wine: Wine
    python: WindowsPython
    prefix: Path


@dataclass(frozen=True)
class GuestResult:
    """How a script ended: its exit code (negative when it was killed) and all that it printed."""

    code: int
    output: str
    seconds: float


def prepare(progress: Optional[Callable[[str], None]] = None, python: Optional[str] = None) -> Lab:
    """Find the tools and make what is missing in the cache.

    Args:
        progress: called with a line for people at each step that takes long; standard error without it.
        python: which Windows Python, of :data:`tests.lab.windows_python.PYTHONS`; without it the one that
            ``DUMPFILT_LAB_PYTHON`` names, or 3.9.

    Raises:
        LabUnavailableError: a tool is missing.
        LabError: something could not be made.
    """
    report = progress or _print
    wine = find_wine()
    version = python or os.environ.get("DUMPFILT_LAB_PYTHON") or "3.9"
    return Lab(wine, windows_python(version, report), prefix_template(wine, report))


class LiveSession:
    """One target, one KD server, one private Wine prefix::

        with LiveSession(prepare(), target) as session:
            result = session.run("tests/lab/guest_record.py", ["..."], timeout=120)

    On leaving, no process of it is left, whatever happened. Enter it in a thread that lasts as long as it:
    what runs under Wine dies with that thread.

    Attributes:
        server: the KD server; see there for statistics and what was left behind.
        lab: what it is made of.
    """

    def __init__(
        self,
        lab: Lab,
        target: Target,
        observer: Optional[Observer] = None,
        hardships: Hardships = EASY,
        reboot: Optional[Callable[[], Target]] = None,
    ) -> None:
        self.server = KdServer(target, observer, hardships, reboot)
        self.lab = lab
        self._stack = contextlib.ExitStack()
        self._environment: Dict[str, str] = {}

    def __enter__(self) -> "LiveSession":
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.server)
            self._environment = stack.enter_context(private_prefix(self.lab.wine, self.lab.prefix))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def prefix(self) -> Path:
        """The session's own Wine prefix; it goes with the session."""
        return Path(self._environment["WINEPREFIX"])

    @property
    def mark(self) -> str:
        """The value of :data:`tests.lab.wine.MARK` in the environment of each process of this session."""
        return self.prefix.name

    def run(
        self,
        script: Path,
        arguments: Sequence[str] = (),
        timeout: float = 120.0,
        on_line: Optional[Callable[[str], None]] = None,
    ) -> GuestResult:
        """Run a script under Wine with the connection string as its first argument, to its end.

        Args:
            script: of this system.
            arguments: those that follow; paths must be spelled the Windows way.
            timeout: seconds.
            on_line: sees each line of output as it comes.

        Raises:
            LabError: it took longer than ``timeout``; it has been killed, the message has its last lines.
        """
        with self.start(script, arguments, on_line) as guest:
            return guest.wait(timeout)

    def rescue(self, timeout: float = 60.0) -> List[str]:
        """Take out what a debugger that died left in the target, by attaching once more; gives what is left
        after that.

        Raises:
            LabError: attaching did not work.
        """
        self.run(_RESCUE, timeout=timeout)
        return self.server.left_behind()

    @contextlib.contextmanager
    def start(
        self, script: Path, arguments: Sequence[str] = (), on_line: Optional[Callable[[str], None]] = None
    ) -> Iterator["Guest"]:
        """As :meth:`run`, but comes back while the script runs. It is killed on leaving."""
        words = [windows_path(script), self.server.connection, *arguments]
        with self.start_program(self.lab.python.program, words, on_line=on_line) as guest:
            yield guest

    @contextlib.contextmanager
    def start_program(
        self,
        program: Path,
        arguments: Sequence[str],
        environment: Optional[Mapping[str, str]] = None,
        on_line: Optional[Callable[[str], None]] = None,
    ) -> Iterator["Guest"]:
        """Any Windows program, with the environment that the lab's Windows Python needs and ``environment``
        on top. It is killed on leaving."""
        whole = dict(
            self._environment,
            PYTHONHOME=self.lab.python.home,
            PYTHONPATH=windows_path(ROOT),
            PYTHONDONTWRITEBYTECODE="1",
            PYTHONIOENCODING="utf-8",
            PYTHONUNBUFFERED="1",
        )
        whole.update(environment or {})
        # A pipe for stdout: Windows Python does not start with a plain file there.
        guest = Guest([str(self.lab.wine.loader), str(program), *arguments], whole, on_line)
        try:
            yield guest
        finally:
            guest.kill()


class Guest:
    """What runs under Wine; made by :meth:`LiveSession.start` and :meth:`LiveSession.start_program`."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Dict[str, str],
        on_line: Optional[Callable[[str], None]],
    ) -> None:
        self._began = time.monotonic()
        self._process = start(command, environment)
        self._lines: List[str] = []
        self._on_line = on_line
        self._reader = threading.Thread(target=self._read, name="guest output", daemon=True)
        self._reader.start()

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return "".join(self._lines)

    def wait(self, timeout: float) -> GuestResult:
        """Wait for its end.

        Raises:
            LabError: it took longer; it has been killed.
        """
        deadline = time.monotonic() + timeout
        while self._process.poll() is None:
            if time.monotonic() > deadline:
                self.kill()
                tail = "\n".join(self.output.splitlines()[-20:])
                raise LabError(f"the script under Wine did not end in {timeout:.0f} s; it last said:\n{tail}")
            time.sleep(0.02)
        # Wine's own processes may hold the pipe for longer than the script lives.
        self._reader.join(1.0)
        return GuestResult(self._process.returncode, self.output, time.monotonic() - self._began)

    def wait_for(self, text: str, timeout: float) -> None:
        """Wait until it has printed ``text``.

        Raises:
            LabError: it ended, or the time was up, before.
        """
        deadline = time.monotonic() + timeout
        while text not in self.output:
            if time.monotonic() > deadline or (
                self._process.poll() is not None and not self._reader.is_alive()
            ):
                raise LabError(f"the script under Wine did not say {text!r}; it said:\n{self.output}")
            time.sleep(0.02)

    def kill(self) -> None:
        """End it at once, as a crash would. A second call does nothing."""
        end_group(self._process)
        self._reader.join(5.0)
        if self._process.stdout is not None and not self._reader.is_alive():
            self._process.stdout.close()

    def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        size = 0
        for raw in stream:
            size += len(raw)
            if size > _MAX_OUTPUT:
                continue  # Read on, or it would block; but keep no more.
            line = raw.decode("utf-8", "replace").replace("\r\n", "\n")
            self._lines.append(line)
            if self._on_line is not None:
                self._on_line(line)


def _print(line: str) -> None:
    print(f"lab: {line}", file=sys.stderr, flush=True)
