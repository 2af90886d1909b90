"""start, typed at four moments of a machine's life, on a filter that has no symbols."""

from pathlib import Path
from typing import List, Tuple

import pytest

from pykd_dumpfilt.emulator import Scenario, Target
from pykd_dumpfilt.recording import Call, Callbacks, read_recording

from ..lab.session import Lab, LiveSession
from ..lab.toolchain import build_filter
from ..lab.wine import windows_path
from .typed import commands

pytestmark = pytest.mark.live

GUEST = Path(__file__).with_name("guest_story.py")
Typed = List[Tuple[str, str, str]]


def session(lab: Lab, attach: str, path: Path, name: str = "no_symbols") -> Typed:
    scenario = Scenario("life", calls=2, pages=2, attach=attach)
    target = Target(build_filter(name).read_bytes(), name, scenario)
    with LiveSession(lab, target) as live:
        done = live.run(GUEST, [name, windows_path(path)], timeout=180)
        assert live.server.left_behind() == []
    return commands(done.output)


def said(typed: Typed, command: str) -> List[str]:
    return [text for name, _, text in typed if name.split(" -o ")[0] == command]


def recorded(path: Path) -> Tuple[List[str], List[Tuple[str, ...]]]:
    """The calls by name, and how the callbacks of each record of what is armed were found."""
    with read_recording(path) as recording:
        records = list(recording)
    calls = [one.callbacks[0] for one in records if isinstance(one, Call)]
    ways = [
        tuple(dict.fromkeys(how for armed in one.armed for how in armed.found_by))
        for one in records
        if isinstance(one, Callbacks)
    ]
    return calls, ways


HIBERNATION = ["Dump_Start", *["Dump_Write"] * 2, "Dump_Finish"]
RESUME = ["Dump_Start", *["Dump_Read"] * 2, "Dump_Finish", "Dump_Unload"]
CRASH = ["Dump_Start", *["Dump_Write"] * 2, "Dump_Finish"]


def test_before_the_copies_exist(lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / "start.dumpfilt"
    typed = session(lab, "start", path)
    (listed,) = said(typed, "start")
    assert "no dump_ or hiber_ module is loaded, so there is no filter to list" in listed
    (started,) = said(typed, "start no_symbols")
    assert "dump_no_symbols and hiber_no_symbols are not loaded yet" in started
    assert "dump_no_symbols is armed when it loads: at boot" in started
    assert "hiber_no_symbols is armed when it loads: hibernate the machine" in started
    calls, ways = recorded(path)
    assert calls == ["DriverEntry", "DriverEntry", *HIBERNATION, *RESUME, *CRASH]
    # Each copy shows its table in DriverEntry.
    assert ways == [("header",), ("table",)] * 2
    assert "PASS" in said(typed, "stop")[0]


def test_while_one_copy_is_there_and_the_other_is_not(lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / "boot.dumpfilt"
    typed = session(lab, "boot", path)
    # Nobody typed .reload, and DbgEng knew of nt alone.
    before, armed = said(typed, "doctor")
    assert "crashdmp is not among the 1 that the debugger knows" in before
    (listed,) = said(typed, "start")
    assert "the debugger has not listed the target's modules yet" in listed
    assert "dump_stornvme: a port driver or miniport, by its name" in listed
    assert "dump_no_symbols: a filter\n    found in memory (certain)" in listed
    assert "to trace one: dumpfilt start no_symbols" in listed
    assert "filter: dump_no_symbols: no symbol Dump_Write, but its callbacks are found in memory" in armed
    assert "tracing: no_symbols: armed" in armed
    assert "no trace of this interpreter owns" not in armed
    (started,) = said(typed, "start no_symbols")
    assert "Dump_Read  (found in memory" in started
    assert "found in memory (certain): FILTER_INITIALIZATION_DATA at 0xffffab" in started
    assert "reached from crashdmp+0x2140, 13 reads" in started
    assert "dump_no_symbols is called when the machine crashes: the bug check breaks in first" in started
    assert "hiber_no_symbols is armed when it loads" in started
    # The first g ends at the break of the bug check, with the hibernation behind it.
    (status,) = said(typed, "status")
    assert "hiber_no_symbols at 0xfffff80041000000, unloaded" in status
    assert "Dump_Read 2" in status
    first, second = [(code, text) for command, code, text in typed if command == "g"]
    assert (first[0], second[0]) == ("3", "4")
    assert "Bugcheck code 000000E2" in first[1]
    calls, ways = recorded(path)
    assert calls == ["DriverEntry", *HIBERNATION, *RESUME, *CRASH]
    assert ways == [(), ("memory",), ("header",), ("table",), ("table",)]
    assert "PASS" in said(typed, "stop")[0]


def test_at_the_break_of_a_bug_check(lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / "bugcheck.dumpfilt"
    typed = session(lab, "bugcheck", path)
    (started,) = said(typed, "start no_symbols")
    assert "the machine stands at the break of a bug check; its dump is not written yet" in started
    assert "g writes it, and calls Dump_Start, Dump_Write and Dump_Finish of dump_no_symbols" in started
    assert "hiber_no_symbols" not in started
    calls, ways = recorded(path)
    assert calls == CRASH
    assert ways == [(), ("memory",), ("table",)]


@pytest.mark.parametrize(("attach", "reads"), [("resume", 2), ("reading", 1)])
def test_on_a_resumed_machine(lab: Lab, tmp_path: Path, attach: str, reads: int) -> None:
    path = tmp_path / "resumed.dumpfilt"
    typed = session(lab, attach, path)
    (started,) = said(typed, "start no_symbols")
    assert "hiber_no_symbols at 0xfffff80041000000" in started
    assert "hiber_no_symbols is there while the machine hibernates and resumes" in started
    assert started.count("found in memory (certain)") == 2
    calls, ways = recorded(path)
    assert calls == [*["Dump_Read"] * reads, "Dump_Finish", "Dump_Unload", *CRASH]
    assert ways == [(), (), ("memory",), ("memory",), ("table",), ("table",)]


def test_with_symbols_nothing_is_searched(lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / "symbols.dumpfilt"
    typed = session(lab, "bugcheck", path, "aes_xts")
    (started,) = said(typed, "start aes_xts")
    assert "Dump_Write  (symbol" in started
    assert "found in memory" not in started
    calls, ways = recorded(path)
    assert calls == CRASH
    assert ways == [("symbol",), ("table",)]
