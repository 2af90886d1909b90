"""The commands as a user types them, at the prompt of a debugger that holds real pykd and DbgEng."""

import re
import threading
import time
from pathlib import Path
from typing import Dict, List

import pytest

from pykd_dumpfilt.checking import check
from pykd_dumpfilt.emulator import BreakpointHit, Event, Scenario, Target
from pykd_dumpfilt.recording import Call, read_recording

from ..benchmarks.synthetic import write_recording
from ..lab.errors import LabError
from ..lab.host import DebuggerHost
from ..lab.processes import live_processes
from ..lab.session import Lab, LiveSession
from ..lab.toolchain import build_filter
from ..lab.wine import MARK, windows_path
from .conftest import on_each_python, on_python_3_9

pytestmark = pytest.mark.live

DUMPFILT = "!py -g -m pykd_dumpfilt"
CALLS_OF_30 = {
    "DriverEntry": 1,
    "Dump_Start": 2,
    "Dump_Write": 30,
    "Dump_Finish": 2,
    "Dump_Read": 31,
    "Dump_Unload": 1,
}
"""What the filter gets of Scenario("hibernate", calls=30, pages=2), undisturbed."""


def aes_xts(calls: int = 3, pages: int = 2) -> Target:
    image = build_filter("aes_xts").read_bytes()
    return Target(image, "aes_xts", Scenario("hibernate", calls=calls, pages=pages))


@on_each_python
def test_a_session_typed_by_hand(lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / "typed.dumpfilt"
    with LiveSession(lab, aes_xts()) as session, DebuggerHost(session) as windbg:
        windbg.load_pykd()
        doctor = windbg.type(f"{DUMPFILT} doctor")
        assert "ok    target: Windows 10 Kernel Version 19041" in doctor
        assert "no dump_ or hiber_ module is loaded" in doctor

        # Nothing started yet: a usage error that says what to type.
        assert "start MODULE first" in windbg.type(f"{DUMPFILT} status")
        assert windbg.exit_code == 2

        started = windbg.type(f"{DUMPFILT} start aes_xts -o {windows_path(path)}")
        assert windbg.exit_code == 0
        assert "hiber_aes_xts are not loaded yet" in started
        assert "Type g." in started
        for again in ("other", "aes_xts"):
            assert "aes_xts is being traced already" in windbg.type(f"{DUMPFILT} start {again}")
            assert windbg.exit_code == 2

        # A breakpoint of the user's, on an address of ours.
        windbg.type("bu hiber_aes_xts!Dump_Read")
        assert "Breakpoint 0 hit" in windbg.type("g")
        assert "hiber_aes_xts!Dump_Read" in windbg.type("ln @rip")
        status = windbg.type(f"{DUMPFILT} status")
        assert windbg.exit_code == 0
        # Four callbacks and the return of the open call: Dump_Unload is not called in the middle of a dump.
        assert "aes_xts: armed, 5 breakpoints" in status
        # It gave way to the user's; the others are in debug registers.
        assert "Dump_Read  (FILTER_INITIALIZATION_DATA)" in status
        assert "Dump_Write  (FILTER_INITIALIZATION_DATA; in a debug register)" in status
        assert "Dump_Write 3" in status
        assert "1 entered and not yet returned" in status
        rcx, r8 = re.findall(r"=([0-9a-f]{16})", windbg.type("r rcx, r8"))
        mdl = windbg.type(f"{DUMPFILT} decode mdl {r8}")
        assert re.search(r"\+0x18 MappedSystemVa +0xffff", mdl)
        assert "DumpTypeHibernation" in windbg.type(f"{DUMPFILT} decode filter-extension {rcx}")

        # Ours are private: the user sees and clears only what is the user's.
        assert re.findall(r"^ *(\d+) e", windbg.type("bl"), re.MULTILINE) == ["0"]
        windbg.type("bc *")
        assert "nt!DbgBreakPointWithStatus" in windbg.type("g")
        stopped = windbg.type(f"{DUMPFILT} stop")
        assert windbg.exit_code == 0
        assert "no breakpoint of ours is left" in stopped
        assert "PASS" in stopped
        assert "stopped" in windbg.type(f"{DUMPFILT} status")
        # The pages of the rules come with the package, wherever it runs.
        page = windbg.type(f"{DUMPFILT} rule read-3")
        assert windbg.exit_code == 0
        assert "DF-READ-003  (error, read)" in page
        assert "When it may be waived" in page

        assert session.server.left_behind() == []
        assert f"\nkd> {DUMPFILT} start aes_xts -o {windows_path(path)}\n" in windbg.transcript
        assert "\nkd> g\n" in windbg.transcript
    assert check(path).verdict.value == "pass"


def test_doctor_before_there_is_a_target(lab: Lab, tmp_path: Path) -> None:
    script = tmp_path / "doctor.py"
    script.write_text("import pykd\nfrom pykd_dumpfilt.cli import main\nmain(['doctor'])\n")
    with LiveSession(lab, aes_xts()) as session:
        assert "no live kernel target" in session.run(script, timeout=60).output


def test_pykd_loaded_by_itself_loses_the_arguments_and_we_say_so(lab: Lab, tmp_path: Path) -> None:
    script = tmp_path / "main.py"
    script.write_text("from pykd_dumpfilt.cli import main\nmain()\n")
    with LiveSession(lab, aes_xts()) as session, DebuggerHost(session) as windbg:
        windbg.type(f".load {lab.python.home}\\Lib\\site-packages\\pykd\\pykd.pyd")
        said = windbg.type(f"!py -g {windows_path(script)} status")
    assert "the arguments arrived empty: pykd.pyd was loaded directly" in said


def test_arguments_arrive_as_pykd_s_bootstrapper_parts_them(lab: Lab, tmp_path: Path) -> None:
    script = tmp_path / "arguments.py"
    script.write_text("import sys\nprint(sys.argv[1:])\n")
    with LiveSession(lab, aes_xts()) as session, DebuggerHost(session) as windbg:
        windbg.load_pykd()
        said = windbg.type(f'!py -g {windows_path(script)} a "b c" d"e f"g "" \'x y\' C:\\t\\n --g -m ü')
        assert said == r"""['a', 'b c', 'de fg', "'x", "y'", 'C:\\t\\n', '--g', '-m', 'ü']""" + "\n"
        # A semicolon ends the command, but not within quotation marks.
        assert windbg.type(f'!py -g {windows_path(script)} "a;b" c;.echo then') == "['a;b', 'c']\nthen\n"
        assert "script not found: nosuch" in windbg.type("!py -g nosuch a")
        # The name that people give it is the debugger's business, and works like any other.
        windbg.type("as dumpf !py -3.9 -g -m pykd_dumpfilt")
        assert "start MODULE first" in windbg.type("dumpf status")
        folder = tmp_path / "with blanks"
        folder.mkdir()
        path = folder / "run.dumpfilt"
        windbg.type(f'{DUMPFILT} start aes_xts -o "{windows_path(path)}"')
        assert windbg.exit_code == 0
        windbg.type(f"{DUMPFILT} stop")
    assert (path / "calls.jsonl").is_file()


# On 3.8 pykd.pyd, which the lab's bootstrapper hands scripts to, dies of a local one after a global one.
@on_python_3_9
def test_what_a_command_leaves_is_there_for_the_next_one_with_g_only(lab: Lab, tmp_path: Path) -> None:
    script = tmp_path / "count.py"
    script.write_text("COUNT = globals().get('COUNT', 0) + 1\nprint(COUNT)\n")
    with LiveSession(lab, aes_xts()) as session, DebuggerHost(session) as windbg:
        windbg.load_pykd()
        said = [windbg.type(f"!py {mode} {windows_path(script)}") for mode in ("-g", "-g", "-l", "", "-g")]
    assert said == ["1\n", "2\n", "1\n", "1\n", "3\n"]


@pytest.mark.parametrize("dml", [False, True], ids=["text", "dml"])
def test_what_the_window_shows(lab: Lab, tmp_path: Path, dml: bool) -> None:
    script = tmp_path / "show.py"
    script.write_text(
        "import pykd\n"
        "print(pykd.isWindbgExt())\n"
        "pykd.dprintln('<b>a</b> &lt; <link cmd=\"lm\">b</link>', True)\n"
        "print('a < b & ∑ 😀')\n"
        "pykd.setStatusMessage('12 calls')\n",
        encoding="utf-8",
    )
    with LiveSession(lab, aes_xts()) as session, DebuggerHost(session, dml=dml) as windbg:
        windbg.load_pykd()
        before = len(windbg.outputs)
        assert windbg.type(f"!py -g {windows_path(script)}") == "True\na < b\na < b & ∑ 😀\n"
        raw = [one.text for one in windbg.outputs[before:] if one.dml]
        assert windbg.status_bar == "12 calls"
        assert "12 calls" not in windbg.transcript
    # Without DML the engine itself takes the tags out.
    assert raw == (['<b>a</b> &lt; <link cmd="lm">b</link>\n'] if dml else [])


@on_each_python
def test_ctrl_break_while_nothing_is_hit(lab: Lab) -> None:
    with LiveSession(lab, aes_xts(calls=2000, pages=16)) as session, DebuggerHost(session) as windbg:
        for _ in range(2):
            windbg.go_in_background()
            with pytest.raises(LabError, match="cannot take 'status': the target runs"):
                windbg.type("status")
            assert "Break instruction exception" in windbg.break_in(30)
        assert isinstance(session.server.event, BreakpointHit)
        assert session.server.left_behind() == []


@on_each_python
def test_ctrl_break_while_calls_come_by(lab: Lab, tmp_path: Path) -> None:
    """As an impatient user presses it: until the prompt is back. No call is lost, and nothing is left."""
    path = tmp_path / "run.dumpfilt"
    hits: List[Event] = []
    reached = threading.Event()

    def observe(event: Event) -> None:
        if isinstance(event, BreakpointHit):
            hits.append(event)
            if len(hits) >= 20:
                reached.set()

    with LiveSession(lab, aes_xts(calls=30), observe) as session, DebuggerHost(session) as windbg:
        windbg.load_pykd()
        windbg.type(f"{DUMPFILT} start aes_xts -o {windows_path(path)}")
        windbg.go_in_background()
        assert reached.wait(60)
        windbg.break_in(30, every=0.02)
        assert len(hits) < 60  # of some 134
        status = windbg.type(f"{DUMPFILT} status")
        assert "aes_xts: armed" in status
        assert re.search(r"^\d+ calls: DriverEntry 1, Dump_Start 1, Dump_Write \d+$", status, re.MULTILINE)
        # A press that came late may break in once more.
        deadline = time.monotonic() + 60
        while "nt!DbgBreakPointWithStatus" not in windbg.type("g"):
            assert time.monotonic() < deadline
        stopped = windbg.type(f"{DUMPFILT} stop")
        assert "LOST" not in stopped
        assert session.server.left_behind() == []
    assert counted(path) == CALLS_OF_30
    assert check(path).verdict.value == "pass"


@on_each_python
def test_ctrl_break_spoils_no_call(lab: Lab, tmp_path: Path) -> None:
    """Pressed just before our callback: it stops there, and what it reads is whole."""
    path = tmp_path / "run.dumpfilt"
    script = tmp_path / "slow.py"
    script.write_text(
        "import pykd, time\n"
        "class Slow(pykd.eventHandler):\n"
        "    def onLoadModule(self, base, name):\n"
        "        if name == 'hiber_aes_xts':\n"
        "            self.hits = 0\n"
        "            self.slow = pykd.setBp(pykd.module(base).offset('Dump_Write'), self.hit)\n"
        "        return pykd.eventResult.NoChange\n"
        "    def hit(self, *_):\n"
        "        self.hits += 1\n"
        "        if self.hits == 5:\n"
        "            pykd.setStatusMessage('press now')\n"
        "            time.sleep(1)\n"
        "        return False\n"
        "slow = Slow()\n"
    )
    with LiveSession(lab, aes_xts(calls=30)) as session, DebuggerHost(session) as windbg:
        windbg.load_pykd()
        # First, and so its callback runs in front of ours.
        windbg.type(f"!py -g {windows_path(script)}")
        windbg.type(f"{DUMPFILT} start aes_xts -o {windows_path(path)}")
        windbg.go_in_background()
        deadline = time.monotonic() + 60
        while windbg.status_bar != "press now" and time.monotonic() < deadline:
            time.sleep(0.01)
        windbg.ctrl_break()
        windbg.wait_for_break(60)
        status = windbg.type(f"{DUMPFILT} status")
        assert "Dump_Write 4" in status
        assert "1 entered and not yet returned" in status
        windbg.type("g")
        windbg.type(f"{DUMPFILT} stop")
    assert counted(path) == CALLS_OF_30
    assert check(path).verdict.value == "pass"


@on_each_python
def test_ctrl_break_while_a_command_works(lab: Lab, tmp_path: Path) -> None:
    path = write_recording(tmp_path / "large", 10_000, distinct=16)
    with LiveSession(lab, aes_xts()) as session, DebuggerHost(session) as windbg:
        windbg.load_pykd()
        said: List[str] = []
        check_it = f"{DUMPFILT} check {windows_path(path)}"
        typing = threading.Thread(target=lambda: said.append(windbg.type(check_it, 60)))
        typing.start()
        deadline = time.monotonic() + 60
        while "calls" not in windbg.status_bar and time.monotonic() < deadline:
            time.sleep(0.01)
        windbg.ctrl_break()
        typing.join(60)
        assert windbg.exit_code == 130
        (text,) = said
        assert "dumpfilt: error: interrupted" in text
        assert "PASS" not in text
        assert windbg.status_bar.strip() == ""
        # The next command is heard.
        assert "start MODULE first" in windbg.type(f"{DUMPFILT} status")


@pytest.mark.parametrize("way", [".unload pykd.dll", "q", "qd", "close"])
def test_leaving_while_armed_leaves_nothing_in_the_target(lab: Lab, tmp_path: Path, way: str) -> None:
    path = tmp_path / "run.dumpfilt"
    with LiveSession(lab, aes_xts()) as session, DebuggerHost(session) as windbg:
        windbg.load_pykd()
        windbg.type(f"{DUMPFILT} start aes_xts -o {windows_path(path)}")
        windbg.type("bu hiber_aes_xts!Dump_Write")
        assert "Breakpoint 0 hit" in windbg.type("g")
        windbg.type("bc *")
        assert session.server.breakpoints_written
        if way == "close":
            windbg.close()
            assert windbg.gone == "the window was closed"
        elif way.startswith("q"):
            windbg.end(way)
            assert windbg.gone == "the session was ended"
        else:
            windbg.type(way)
            # Nobody stops it any more, nor falls over what is gone.
            assert "nt!DbgBreakPointWithStatus" in windbg.type("g")
            windbg.close()
        assert session.server.left_behind() == []
        assert session.rescue() == []
    # What was recorded up to there can be read, and says that its end is missing.
    assert check(path).verdict.value == "incomplete"


def test_a_debugger_that_dies_while_the_target_runs_is_cleaned_up_after(lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / "run.dumpfilt"
    killed = threading.Event()
    loaded = threading.Event()

    def observe(event: Event) -> None:
        if isinstance(event, BreakpointHit) and not killed.is_set():
            loaded.set()
            assert killed.wait(60)

    with LiveSession(lab, aes_xts(), observe) as session, DebuggerHost(session) as windbg:
        windbg.load_pykd()
        windbg.type(f"{DUMPFILT} start aes_xts -o {windows_path(path)}")
        windbg.go_in_background()
        assert loaded.wait(60)
        windbg.kill()
        killed.set()
        with pytest.raises(LabError, match="the debugger is gone"):
            windbg.wait_for_break(10)
        assert any("breakpoint" in line for line in session.server.left_behind())
        assert session.rescue() == []


def test_the_host_says_what_it_last_said(lab: Lab) -> None:
    with LiveSession(lab, aes_xts(calls=2000, pages=16)) as session, DebuggerHost(session) as windbg:
        mark = session.mark
        windbg.type(".echo the last words")
        with pytest.raises(LabError, match=r"did not come back to the prompt in 0 s(.|\n)*the last words"):
            windbg.type("g", timeout=0.1)
        with pytest.raises(LabError, match="the target did not break in in 0 s"):
            windbg.wait_for_break(0.1)
    assert live_processes(MARK, mark) == []


def counted(path: Path) -> Dict[str, int]:
    """Calls by callback."""
    counts: Dict[str, int] = {}
    for one in read_recording(path):
        if isinstance(one, Call):
            name = "|".join(one.callbacks)
            counts[name] = counts.get(name, 0) + 1
    return counts


def test_a_trace_of_a_part(lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / "part.dumpfilt"
    with LiveSession(lab, aes_xts(30)) as session, DebuggerHost(session) as windbg:
        windbg.load_pykd()
        refused = windbg.type(f"{DUMPFILT} start aes_xts --budget 0.001 -o {windows_path(path)}")
        assert windbg.exit_code == 2
        assert "nothing was armed" in refused
        assert not path.exists()
        started = windbg.type(
            f"{DUMPFILT} start aes_xts --every 3 --data after --max-hits 20 -o {windows_path(path)}"
        )
        assert windbg.exit_code == 0
        assert re.search(r"forecast: \d+ (ms|s) for a call of 64 KiB on this line at least", started)
        # The target runs on to its end; what was asked for has been captured long before.
        ended = windbg.type("g")
        assert "dumpfilt: tracing has ended: 20 calls were captured, as many as wanted. !py -g" in ended
        stopped = windbg.type(f"{DUMPFILT} stop")
        assert "no breakpoint of ours is left" in stopped
        assert "captured less on purpose: " in stopped
        assert session.server.left_behind() == []
    with read_recording(path) as recording:
        calls = [one for one in recording if isinstance(one, Call)]
        footer = recording.footer
    assert len(calls) == 20
    assert footer is not None
    # Two of each three writes went by uncaptured, and their numbers with them.
    assert footer.left_out == calls[-1].number + 1 - 20
    assert footer.left_out > 20


def test_pykd_loaded_without_its_bootstrapper(lab: Lab, tmp_path: Path) -> None:
    """pykd.pyd is an extension too, and loses arguments: that is said, and nothing is armed."""
    script = tmp_path / "dumpf.py"
    script.write_text(
        "import sys\nfrom pykd_dumpfilt.cli import main\nprint('arguments', sys.argv[1:])\nmain()\n"
    )
    with LiveSession(lab, aes_xts()) as session, DebuggerHost(session) as windbg:
        windbg.type(f".load {lab.python.home}\\Lib\\site-packages\\pykd\\pykd.pyd")
        said = windbg.type(f"!py -g {windows_path(script)} start aes_xts")
        assert "arguments ['', '']" in said
        assert "the arguments arrived empty: pykd.pyd was loaded directly" in said
        assert "load the bootstrapper instead".lower() in said.lower()
        assert session.server.left_behind() == []
