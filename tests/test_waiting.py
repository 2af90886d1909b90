"""What people see while a long check runs, on a real terminal."""

import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, Iterator, Mapping, Tuple

import pytest

from pykd_dumpfilt.commands import _progress
from pykd_dumpfilt.recording import RecordingWriter

from .recording.examples import HEADER, MODULE, PAGE_OF_A, PAGE_OF_ZEROS, small_call
from .windbg import attach

pty = pytest.importorskip("pty", reason="a terminal that a program can hold needs POSIX")

_CALLS = 20_000
_LONG = 60.0


@pytest.fixture(scope="module")
def long_recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that takes a second or two to check."""
    with RecordingWriter(tmp_path_factory.mktemp("waiting") / "long", HEADER) as writer:
        writer.write(MODULE)
        writer.put(PAGE_OF_ZEROS)
        writer.put(PAGE_OF_A)
        writer.write(small_call(0, 0, 1))
        writer.write(small_call(1, 0, 1))
    file = writer.path / "calls.jsonl"
    *before, line, footer = file.read_bytes().splitlines(keepends=True)
    more = [line.replace(b'"number": 1,', b'"number": %d,' % number) for number in range(1, _CALLS)]
    ending = json.loads(footer)
    ending["calls"] = _CALLS
    file.write_bytes(b"".join(before + more) + json.dumps(ending).encode() + b"\n")
    return writer.path


class Terminal:
    """``dumpfilt check`` with its standard error on a terminal."""

    def __init__(self, recording: Path, environment: Mapping[str, str]) -> None:
        self._end, other = pty.openpty()
        base = {name: value for name, value in os.environ.items() if name not in ("CI", "TERM", "COLUMNS")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pykd_dumpfilt", "check", str(recording)],
            stdin=other,
            stdout=subprocess.PIPE,
            stderr=other,
            env={**base, "TERM": "xterm", "COLUMNS": "100", **environment},
            # Its own session, whose terminal this is: Ctrl+C typed there reaches it, and nothing else.
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(other)
        self.seen = ""

    def read_until(self, done: Callable[[str], bool]) -> None:
        """Read what appears until ``done`` says so, or until the program lets go of the terminal."""
        end = time.monotonic() + _LONG
        while not done(self.seen) and time.monotonic() < end:
            if select.select([self._end], [], [], 0.1)[0]:
                try:
                    part = os.read(self._end, 4096)
                except OSError:
                    # Linux's way to say that nobody is at the other end.
                    return
                if not part:
                    return
                self.seen += part.decode()

    def type(self, text: bytes) -> None:
        os.write(self._end, text)

    def finish(self) -> Tuple[int, str]:
        """Exit code and standard output."""
        output, _ = self._process.communicate(timeout=_LONG)
        self.read_until(lambda seen: False)
        return self._process.returncode, output.decode()

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()
        os.close(self._end)


def _take_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.fixture
def terminal(long_recording: Path) -> Iterator[Callable[..., Terminal]]:
    opened = []

    def make(**environment: str) -> Terminal:
        opened.append(Terminal(long_recording, environment))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def test_a_terminal_shows_progress_and_is_left_empty(terminal: Callable[..., Terminal]) -> None:
    one = terminal()
    code, output = one.finish()
    assert code == 3
    assert output.startswith("INCOMPLETE")
    lines = one.seen.split("\r")
    shown = [line for line in lines if "%" in line]
    assert shown
    assert all("calls/s" in line and " s left" in line and len(line) < 100 for line in shown)
    assert "\n" not in one.seen
    # A line of blanks over the last one, then back to the start; the same where the report is made.
    assert lines[-3:-2] == ["making the text report ..."]
    assert lines[-1] == ""
    for told, blanks in ((shown[-1], lines[lines.index(shown[-1]) + 1]), tuple(lines[-3:-1])):
        assert blanks.strip() == ""
        assert len(blanks) >= len(told.rstrip())


def test_ci_logs_stay_clean(terminal: Callable[..., Terminal]) -> None:
    one = terminal(CI="true")
    code, _ = one.finish()
    assert (code, one.seen) == (3, "")


def test_ctrl_c_is_one_line(tmp_path: Path, terminal: Callable[..., Terminal]) -> None:
    one = terminal(TMPDIR=str(tmp_path))
    one.read_until(lambda seen: "%" in seen)
    one.type(b"\x03")
    code, output = one.finish()
    assert (code, output) == (130, "")
    *_, progress, blanks, last, end = one.seen.split("\r")
    assert "%" in progress
    assert blanks.strip() == ""
    assert len(blanks) >= min(99, len(progress.replace("^C", "").rstrip()) + 2)
    assert (last, end) == ("dumpfilt: error: interrupted", "\n")
    assert "Traceback" not in one.seen
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("environment", "terminal_there", "expected"),
    [
        ({}, True, True),
        ({"CI": "false"}, True, True),
        ({"CI": "true"}, True, False),
        ({"CI": "1"}, True, False),
        ({"TERM": "dumb"}, True, False),
        ({}, False, False),
    ],
)
def test_who_watches(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    environment: Mapping[str, str],
    terminal_there: bool,
    expected: bool,
) -> None:
    for name in ("CI", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal_there, raising=False)
    with _progress.busy("making it"):
        pass
    assert capsys.readouterr().err == ("\rmaking it ...\r" + " " * 15 + "\r" if expected else "")


def test_windbg_has_a_status_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    window = attach(monkeypatch, lambda: None)
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with _progress.progress("short work", "calls") as step:
        step(1, 0.5)
    assert window.messages == []
    with _progress.progress("checking a\x1b[31m", "calls") as step:
        now[0] = 10.0
        step(50_000, 0.25)
        step(50_001, 0.26)
    with _progress.busy("making it"):
        pass
    assert window.messages == [
        "checking a?[31m: 25%, 50,000 calls, 5,000 calls/s, 30 s left",
        " ",
        "making it ...",
        " ",
    ]
    assert window.written == []


def test_a_long_name_keeps_to_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    terminal_line = _progress.TerminalLine()
    line = _progress.ProgressLine("checking " + "long" * 30, "calls", terminal_line)
    line.step(1, 0.01)
    now[0] = 10.0
    line.step(50_000, 0.25)
    line.step(50_001, 0.26)
    now[0] = 7210.0
    line.step(500_000)
    terminal_line.erase()
    assert capsys.readouterr().err.split("\r")[1:] == [
        "...g: 25%, 50,000 calls, 5,000 calls/s, 30 s left",
        "...onglonglonglonglong: 500,000 calls, 69 calls/s",
        " " * 49,
        "",
    ]


def test_a_name_cannot_steer_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    line = _progress.ProgressLine("checking a\x1b[31m\n", "calls", _progress.TerminalLine())
    now[0] = 10.0
    line.step(1000, 0.001)
    assert capsys.readouterr().err == "\rchecking a?[31m?: 0%, 1,000 calls, 100 calls/s, 2 h 46 min left"


def test_what_is_prepared_has_no_count_yet(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    line = _progress.ProgressLine("checking x.dumpfilt.zip", "calls", _progress.TerminalLine())
    now[0] = 10.0
    line.step(0, 0.25)
    assert capsys.readouterr().err == "\rchecking x.dumpfilt.zip: 25%, 30 s left"
