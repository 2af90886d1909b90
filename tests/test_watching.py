"""start, g, status and stop as a user of WinDbg sees them; the emulator is the target."""

import html
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, List

import pytest

from pykd_dumpfilt.checking import check
from pykd_dumpfilt.cli import main
from pykd_dumpfilt.commands import console
from pykd_dumpfilt.commands._watching import Watcher
from pykd_dumpfilt.emulator import Scenario, Target
from pykd_dumpfilt.recording import Call, Fault, MemoryPageStore, read_recording
from pykd_dumpfilt.reports import Link
from pykd_dumpfilt.structures import Machine

from .emulator.code import ALL_FIVE, SUCCESS
from .emulator.pe_writer import dump_filter
from .windbg import FakeDebugger, FakeOutput, attach

BROKEN = {**ALL_FIVE, "Dump_Write": SUCCESS}
"""It gives back inverted what it wrote as it was."""
LOOKS_ON = {**ALL_FIVE, "Dump_Read": SUCCESS, "Dump_Write": SUCCESS}
LINK = re.compile(r'<link cmd="([^"]*)">(.*?)</link>')


class Windbg:
    """A session: one target, one output, commands typed."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, callbacks: Dict[str, str], scenario: Scenario
    ) -> None:
        self.debugger = FakeDebugger(Target(dump_filter(callbacks, major=2).image(), "probe", scenario))
        self.output = attach(monkeypatch, lambda: self.debugger)
        self._monkeypatch = monkeypatch

    def typed(self, *arguments: str) -> str:
        """What a command prints."""
        return self.said(lambda: main(list(arguments)))

    def g(self) -> str:
        """What is printed while the target runs."""
        return self.said(self.debugger.run)

    def said(self, action: Any) -> str:
        before = len(self.output.text)
        # pytest puts its own there for each phase of a test.
        with self._monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", self.output)
            patch.setattr(sys, "stderr", self.output)
            self.code = action()
        return self.output.text[before:]


def plain(markup: str) -> str:
    """As a host without DML shows it."""
    return html.unescape(re.sub(r"<[^>]*>", "", markup))


def links(markup: str) -> List[str]:
    return [html.unescape(command) for command, _ in LINK.findall(markup)]


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Windbg:
    return Windbg(monkeypatch, BROKEN, Scenario("hibernate", calls=4, pages=2))


def test_a_trace_is_quiet_until_something_breaks(broken: Windbg, tmp_path: Path) -> None:
    path = tmp_path / "run.dumpfilt"
    broken.typed("start", "probe", "-o", str(path))
    (line,) = broken.g().splitlines()
    found = [one for one in check(path).result.findings if one.rule == "DF-TRIP-001"]
    # Each of the reads breaks it; the first is told.
    assert len(found) > 2
    number = found[0].call
    told = plain(line)
    assert told.startswith(
        f"dumpfilt: call {number}, Dump_Read: error DF-TRIP-001: Dump_Read gave back other "
    )
    assert f"disk offset {found[0].evidence['disk_offset']:#x}" in told
    show = f"!py -g -m pykd_dumpfilt show {path} --call {number}"
    rule = "!py -g -m pykd_dumpfilt rule DF-TRIP-001"
    # A host without DML shows the commands whole.
    assert told.endswith(f"  {show}  {rule}")
    assert links(line) == [show, rule]
    # The recording can be looked into at once: the command works as it is written.
    assert main(show.split()[4:]) == 0


def test_a_filter_that_is_right_is_never_mentioned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    windbg = Windbg(monkeypatch, LOOKS_ON, Scenario("hibernate", calls=20, pages=2))
    windbg.typed("start", "probe", "-o", str(tmp_path / "run"))
    assert windbg.g() == ""
    said = windbg.typed("stop")
    assert windbg.code == 0
    assert "disarmed: 0 breakpoints taken out, no breakpoint of ours is left" in said
    assert said.endswith(f"recording: {tmp_path / 'run.dumpfilt'}\n")


def test_a_warning_is_told_and_a_note_is_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    moves_offset = "48810200100000" + SUCCESS  # add qword [rdx], 1000h
    windbg = Windbg(
        monkeypatch, {**LOOKS_ON, "Dump_Write": moves_offset}, Scenario("crash", calls=3, pages=1)
    )
    windbg.typed("start", "probe", "-o", str(tmp_path / "run"))
    (line,) = plain(windbg.g()).splitlines()
    assert line.startswith("dumpfilt: call 2, Dump_Write: warning DF-WRITE-006: ")
    result = check(tmp_path / "run.dumpfilt").result
    # There is something to know of these, and nobody needs to know it at once.
    assert {"DF-REG-005", "DF-ARGS-006"} <= {one.rule for one in result.rules if one.notes}


def test_verbose_says_one_line_for_each_call(broken: Windbg, tmp_path: Path) -> None:
    path = tmp_path / "run.dumpfilt"
    broken.typed("start", "probe", "-o", str(path), "-v")
    lines = plain(broken.g()).splitlines()
    with read_recording(path) as recording:
        calls = [one for one in recording if isinstance(one, Call)]
    assert len(lines) == len(calls)
    for line, call in zip(lines, calls):
        assert line.startswith(f"dumpfilt: {call.number:>6}  hiber_probe          {call.callbacks[0]}")
    breaks = [line for line in lines if "DF-TRIP-001" in line]
    assert len(breaks) == 1
    assert "--call" in breaks[0]


def test_status_tells_what_is_there_and_what_it_costs(broken: Windbg, tmp_path: Path) -> None:
    path = tmp_path / "run.dumpfilt"
    broken.typed("start", "probe", "-o", str(path))
    said = plain(broken.typed("status"))
    assert "probe: armed, 0 breakpoints" in said
    assert "0.0 MiB of buffers captured" in said
    broken.g()
    said = plain(broken.typed("status"))
    stops = re.search(r"(\d+) stops took (\d+\.\d\d) s in our handlers: (\d+\.\d\d) ms each", said)
    assert stops is not None
    with read_recording(path) as recording:
        calls = [one for one in recording if isinstance(one, Call)]
    assert int(stops.group(1)) == 2 * len(calls)
    assert f"{len(calls)} calls: " in said
    assert "ms of it judging" in said
    assert "is not seen from here" in said
    assert "verdict so far: FAIL" in said
    result = check(path).result
    for rule in result.rules:
        if rule.found:
            assert f"{rule.rule}: Dump_Read {rule.found}; the first: " in said
    assert f"!py -g -m pykd_dumpfilt show {path} --call {result.findings[0].call}" in said


def test_stop_gives_verdict_place_and_what_to_type_next(broken: Windbg, tmp_path: Path) -> None:
    path = tmp_path / "a run.dumpfilt"
    broken.typed("start", "probe", "-o", str(path))
    broken.g()
    said = broken.typed("stop")
    assert broken.code == 1
    text = plain(said)
    assert "no breakpoint of ours is left" in text
    assert f"FAIL  {path}" in text
    assert f"recording: {path}" in text
    # A path with a space, whole, on one line.
    assert f'look at the first error: !py -g -m pykd_dumpfilt show "{path}" --call ' in text
    assert f'!py -g -m pykd_dumpfilt show "{path}"' in links(said)
    again = plain(broken.typed("stop"))
    assert "it was stopped before" in again
    assert f"FAIL  {path}" in again


def test_the_status_bar_is_shown_a_few_times_a_second(
    broken: Windbg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]

    def now() -> float:
        # A tenth of a second for each look.
        clock[0] += 0.1
        return clock[0]

    monkeypatch.setattr("pykd_dumpfilt.commands._watching.time", SimpleNamespace(monotonic=now))
    broken.typed("start", "probe", "-o", str(tmp_path / "run"))
    broken.g()
    with read_recording(tmp_path / "run.dumpfilt") as recording:
        records = len(list(recording))
    messages = broken.output.messages
    assert len(messages) == records // 5
    assert re.match(r"dumpfilt probe: \d+ calls, 0\.\d MiB, at disk offset 0x[0-9a-f]+", messages[1])
    assert ", 1 error" in messages[-1] or " errors" in messages[-1]


def test_printing_that_fails_costs_no_call(
    broken: Windbg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(text: str) -> None:
        raise OSError("the window is gone")

    broken.typed("start", "probe", "-o", str(tmp_path / "run"), "-v")
    with monkeypatch.context() as patch:
        patch.setattr(broken.output, "writedml", fail)
        broken.g()
    said = plain(broken.typed("status"))
    assert "lines as they come ended: OSError: the window is gone" in said
    assert "verdict so far: FAIL" in said
    assert "tool fault" not in said
    assert check(tmp_path / "run.dumpfilt").verdict.value == "fail"


def test_ctrl_break_while_printing_is_not_the_end_of_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    output = attach(monkeypatch, lambda: None)
    watcher = Watcher("probe", Machine.X64, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(output, "writedml", interrupt)
        with pytest.raises(KeyboardInterrupt):
            watcher(Fault("entry", "no room"), MemoryPageStore())
    watcher(Fault("return", "there"), MemoryPageStore())
    assert plain(output.text) == "dumpfilt: tool fault, return: there; tracing goes on\n"


def interrupt(text: str) -> None:
    raise KeyboardInterrupt


def test_a_fault_and_the_end_of_judging_are_told_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    output = attach(monkeypatch, lambda: None)
    watcher = Watcher("probe", Machine.X64, tmp_path)
    for message in ("no room", "still no room"):
        watcher(Fault("entry", message), MemoryPageStore())
    watcher.judge.failure = "ValueError: a bug"
    watcher(Fault("entry", "again"), MemoryPageStore())
    watcher(Fault("return", "there"), MemoryPageStore())
    assert plain(output.text).splitlines() == [
        "dumpfilt: tool fault, entry: no room; tracing goes on",
        "dumpfilt: judging ended: ValueError: a bug; tracing goes on, and stop judges all of it",
        "dumpfilt: tool fault, return: there; tracing goes on",
    ]


def shown(monkeypatch: pytest.MonkeyPatch, *lines: Any) -> FakeOutput:
    output = attach(monkeypatch, lambda: None)
    console.show_lines(lines)
    return output


def test_dml_is_escaped_and_its_links_are_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    output = shown(monkeypatch, ['a < b & "c" > d'], ["see ", Link('dx "a&b"', "<this>"), "."])
    assert output.written == [
        (
            "dml",
            "a &lt; b &amp; &quot;c&quot; &gt; d\n"
            'see <link cmd="dx &quot;a&amp;b&quot;">&lt;this&gt;</link>.\n',
        )
    ]


def test_long_output_is_cut_into_chunks_between_links_and_characters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = [['<&">' * 2500, Link("!dd 1000 " + "x" * 700, "0x1")] for _ in range(40)]
    output = shown(monkeypatch, *lines, ["y" * 50_000])
    assert len(output.written) > 20
    for kind, text in output.written:
        assert kind == "dml"
        assert text.count("<link") == text.count("</link>")
        assert re.fullmatch(r"(?:[^&]|&(?:lt|gt|amp|quot);)*", text)
    assert plain(output.text) == ('<&">' * 2500 + "0x1\n") * 40 + "y" * 50_000 + "\n"
    assert len(links(output.text)) == 40


def test_plain_output_is_cut_into_chunks_too(monkeypatch: pytest.MonkeyPatch) -> None:
    output = attach(monkeypatch, lambda: None)
    text = "\n".join(["x" * 40_000, "", "short", "y" * 200] * 3)
    console.show(text)
    assert output.text == text + "\n"
    assert {kind for kind, _ in output.written} == {"text"}


def test_outside_a_debugger_a_link_is_its_text(capsys: "pytest.CaptureFixture[str]") -> None:
    console.show_lines([["see ", Link("a&b")], [Link("c", "d")]])
    assert capsys.readouterr().out == "see a&b\nd\n"
