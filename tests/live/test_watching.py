"""What a user of WinDbg sees while the target runs, typed at the prompt of real DbgEng with real pykd."""

import html
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest

from pykd_dumpfilt.checking import check
from pykd_dumpfilt.emulator import EmulatorDebugger, Scenario, Target
from pykd_dumpfilt.recording import Call, Record, Side, read_recording
from pykd_dumpfilt.trace import record

from ..lab.host import DebuggerHost
from ..lab.session import Lab, LiveSession
from ..lab.toolchain import build_filter
from ..lab.wine import windows_path
from .guest_raising import RESULT

pytestmark = pytest.mark.live

GUEST = Path(__file__).with_name("guest_raising.py")
DUMPFILT = "!py -g -m pykd_dumpfilt"
SCENARIO = Scenario("hibernate", seed=7, calls=6, pages=3)


def target(name: str, scenario: Scenario = SCENARIO) -> Target:
    return Target(build_filter(name).read_bytes(), name.rpartition("/")[2], scenario)


def records(path: Path) -> List[Record]:
    with read_recording(path) as recording:
        return list(recording)


def with_contents(path: Path) -> Dict[int, Any]:
    """The calls by number, each page's content in place of its number: a lost call makes others of those."""

    def filled(side: Optional[Side]) -> Any:
        if side is None:
            return None
        kinds = {"buffers": side.buffers, "source": side.source}
        contents = {
            kind: [[None if page is None else recording.page(page) for page in one.pages] for one in buffers]
            for kind, buffers in kinds.items()
        }
        return replace(side, buffers=(), source=()), contents

    with read_recording(path) as recording:
        return {
            one.number: (replace(one, entry=Side({}), exit=None), filled(one.entry), filled(one.exit))
            for one in recording
            if isinstance(one, Call)
        }


def links(markup: str) -> List[str]:
    return [html.unescape(command) for command in re.findall(r'<link cmd="([^"]*)">', markup)]


@pytest.mark.parametrize("dml", [False, True], ids=["text", "dml"])
def test_what_breaks_is_said_once_with_commands_that_work(dml: bool, lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / "run.dumpfilt"
    where = windows_path(path)
    name = "forgets_last_sector"
    with LiveSession(lab, target(name)) as session, DebuggerHost(session, dml=dml) as windbg:
        windbg.load_pykd()
        windbg.type(f"{DUMPFILT} start {name} -o {where}")
        said = windbg.type("g")
        told = [line for line in said.splitlines() if line.startswith("dumpfilt: ")]
        assert len(told) == 1, said
        call = int(told[0].split()[2].rstrip(","))
        show, rule = f"{DUMPFILT} show {where} --call {call}", f"{DUMPFILT} rule DF-TRIP-001"
        # Complete, whether the host shows links or not.
        assert told[0].endswith(f"  {show}  {rule}")
        markup = "".join(one.text for one in windbg.outputs if one.dml)
        assert links(markup)[:2] == ([show, rule] if dml else [])
        assert f"call {call}: Dump_Read of hiber_{name}" in windbg.type(show)
        assert "DF-TRIP-001  (error" in windbg.type(rule)
        status = windbg.type(f"{DUMPFILT} status")
        assert "verdict so far: FAIL" in status
        assert re.search(r"\d+ stops took \d+\.\d\d s in our handlers: \d+\.\d\d ms each", status)
        stopped = windbg.type(f"{DUMPFILT} stop")
        assert windbg.exit_code == 1
        assert session.server.left_behind() == []
    checked = check(path)
    (first, *_) = checked.result.findings
    assert first.call == call
    # What the live judge counted is what the check found.
    for rule_result in checked.result.rules:
        if rule_result.found:
            assert f"{rule_result.rule}: Dump_Read {rule_result.found}; the first: " in status
    assert "no breakpoint of ours is left" in stopped
    assert f"recording: {where}" in stopped


def test_the_status_bar_moves(lab: Lab, tmp_path: Path) -> None:
    scenario = Scenario("hibernate", seed=7, calls=60, pages=3)
    with LiveSession(lab, target("aes_xts", scenario)) as session, DebuggerHost(session) as windbg:
        windbg.load_pykd()
        windbg.type(f"{DUMPFILT} start aes_xts -o {windows_path(tmp_path / 'run.dumpfilt')}")
        said = windbg.type("g")
        shown = [one.plain for one in windbg.outputs if one.mask & 0x400 and "dumpfilt" in one.plain]
        assert "dumpfilt:" not in said
        windbg.type(f"{DUMPFILT} stop")
    calls = [int(text.split(": ")[1].split(" calls")[0]) for text in shown]
    assert calls == sorted(calls)
    assert 1 <= len(calls) < calls[-1]
    assert "at disk offset 0x" in shown[-1]


def test_whatever_a_handler_raises_the_target_goes_on(lab: Lab, tmp_path: Path) -> None:
    """In the debugger's own callbacks, where pykd would stop the target, or end the script, by itself."""
    path = tmp_path / "run.dumpfilt"
    with LiveSession(lab, target("aes_xts")) as session:
        done = session.run(GUEST, ["aes_xts", windows_path(path)], timeout=120)
        assert session.server.left_behind() == []
    (line,) = [line for line in done.output.splitlines() if line.startswith(RESULT)]
    seen = json.loads(line[len(RESULT) :])
    # Ctrl+C in the middle of reading: the prompt, still armed. Then on to the end.
    assert seen["stops"] == [["interrupted", True], ["break", True]], done.output
    assert "They all stay: g goes on." in done.output
    assert sorted(fault.partition(" ")[2].partition(":")[0] for fault in seen["faults"]) == [
        "MemoryError",
        "RecursionError",
        "SystemExit",
    ]
    assert seen["lost"] == 3
    # Nor does looking on mind a recursion limit of 500, which is what !py sets.
    assert (seen["judging"], seen["silence"]) == (None, None)
    told = [line for line in done.output.splitlines() if line.startswith("dumpfilt: tool fault, ")]
    assert len(told) == len({fault.partition(":")[0] for fault in seen["faults"]})
    emulated = record(EmulatorDebugger(target("aes_xts")), "aes_xts", tmp_path / "emulated").path
    every, kept = with_contents(emulated), with_contents(path)
    # What was read when Ctrl+C came is whole, as are all others but the three.
    assert len(every) - len(kept) == 3
    assert kept == {number: every[number] for number in kept}


def test_decode_at_a_callback(lab: Lab) -> None:
    with LiveSession(lab, target("aes_xts")) as session, DebuggerHost(session, dml=True) as windbg:
        windbg.load_pykd()
        windbg.type("bu hiber_aes_xts!Dump_Read")
        assert "Breakpoint 0 hit" in windbg.type("g")
        mdl = windbg.type(f"{DUMPFILT} decode mdl @r8")
        assert "+0x28 ByteCount" in mdl
        assert "page frame numbers: " in mdl
        assert re.search(r"a page's bytes, physical: !dd [0-9a-f]+000\n", mdl)
        extension = windbg.type(f"{DUMPFILT} decode filter-extension @rcx")
        assert "DumpTypeHibernation" in extension
        commands = links("".join(one.text for one in windbg.outputs if one.dml))
        (beside,) = [one for one in commands if "decode filter-initialization-data" in one]
        table = windbg.type(beside)
        assert re.search(r"DumpRead +0x[0-9a-f]{16}  hiber_aes_xts\+0x", table)
        assert windbg.type(f"{DUMPFILT} decode mdl poi(@rsp+200000000)") != ""
        assert windbg.exit_code == 2
        said = windbg.type(f"{DUMPFILT} decode mdl hiber_aes_xts!NoSuchThing")
        assert "hiber_aes_xts has no symbol NoSuchThing" in said
        assert "no module dump_nosuch is loaded" in windbg.type(f"{DUMPFILT} decode mdl dump_nosuch!Foo")
        said = windbg.type(f"{DUMPFILT} decode mdl afd")
        assert "afd was taken for the number 0xafd" in said
        printed = windbg.type(f"{DUMPFILT} decode mdl @r8 --print-pykd")
        assert "# kd> db @r8 L30\nread(address, 0x30)" in printed


def test_the_printed_script_does_what_start_does(lab: Lab, tmp_path: Path) -> None:
    scenario = Scenario("hibernate", seed=7, calls=3, pages=16)
    with LiveSession(lab, target("aes_xts", scenario)) as session, DebuggerHost(session) as windbg:
        windbg.load_pykd()
        printed = windbg.type(f"{DUMPFILT} start aes_xts --print-pykd")
        # Told before the script, and part of it.
        assert printed.startswith("# the debugger has not listed the target's modules yet")
        assert windbg.exit_code == 0
        assert "nothing has been started" in windbg.type(f"{DUMPFILT} status")
        assert session.server.left_behind() == []
        script = tmp_path / "printed.py"
        counted = "\n".join(
            (
                "hits = {}",
                "def counted(handler):",
                "    def count(*_):",
                "        hits[handler.__name__] = hits.get(handler.__name__, 0) + 1",
                "        return handler()",
                "    return count",
                "plain_arm = arm",
                "def arm(address, handler, *kind):",
                "    plain_arm(address, counted(handler), *kind)",
                "# Now, while",
            )
        )
        script.write_text(printed.replace("# Now, while", counted))
        windbg.type(f"!py -g {windows_path(script)}")
        assert windbg.exit_code == 0
        # WinDbg's own sxe would stop at the load; pykd's handler does not.
        windbg.type("g")
        report = tmp_path / "report.py"
        report.write_text("print('hits:', sorted(hits.items()), len(breakpoints))\n")
        said = windbg.type(f"!py -g {windows_path(report)}")
        assert session.server.left_behind() == []
    emulated = record(EmulatorDebugger(target("aes_xts", scenario)), "aes_xts", tmp_path / "emulated").path
    calls = [one.callbacks[0].lower() for one in records(emulated) if hasattr(one, "callbacks")]
    entered = {f"{name}_entered": calls.count(name) for name in calls}
    for name, count in entered.items():
        assert f"('{name}', {count})" in said
    assert said.rstrip().endswith(" 0")
