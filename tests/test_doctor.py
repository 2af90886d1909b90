"""What doctor says of each condition, and the remedy for it."""

import subprocess
import sys
from pathlib import Path
from typing import List, Optional, Tuple

import pytest

from pykd_dumpfilt.commands._examine import Finding, examine_breakpoints, examine_target
from pykd_dumpfilt.commands.doctor import examine, python_for_pykd
from pykd_dumpfilt.debugger import Module, VirtualAddress
from pykd_dumpfilt.emulator import EmulatorDebugger, Scenario, Target

from .emulator.code import ALL_FIVE
from .emulator.pe_writer import dump_filter
from .trace.fake_debuggers import NoSymbols
from .trace.fake_memory import context

ROOT = Path(__file__).resolve().parent.parent


def machine(attach: str) -> Target:
    return Target(dump_filter(ALL_FIVE).image(), "probe", Scenario("life", calls=2, pages=2, attach=attach))


def about(subject: str, debugger: EmulatorDebugger) -> List[Finding]:
    return [one for one in examine_target(debugger) if one.subject == subject]


class Fewer(EmulatorDebugger):
    """Lists only some of the modules."""

    hidden = ("crashdmp",)

    def modules(self) -> List[Module]:
        return [module for module in super().modules() if not module.name.endswith(self.hidden)]


class PortsOnly(Fewer):
    hidden = ("_probe",)


def test_a_filter_with_symbols() -> None:
    (found,) = about("filter", EmulatorDebugger(machine("boot")))
    assert (found.state, found.remedy) == ("dump_probe: has symbols of its callbacks", None)
    (stack,) = about("dump stack", EmulatorDebugger(machine("boot")))
    assert stack.state == "dump_dumpstorport, dump_stornvme, dump_probe"


def test_a_filter_without_symbols_that_memory_tells_of() -> None:
    found = about("filter", NoSymbols(machine("resume")))
    assert [one.state for one in found] == [
        "dump_probe: no symbol Dump_Write, but its callbacks are found in memory (certain)",
        "hiber_probe: no symbol Dump_Write, but its callbacks are found in memory (certain)",
    ]
    assert [one.remedy for one in found] == [None, None]


def test_a_filter_that_nothing_tells_of() -> None:
    target = machine("boot")
    target.write_virtual(target.modules()[1].base + 0x2000, bytes(0x1000))
    (found,) = about("filter", NoSymbols(target))
    assert found.state == "dump_probe, which may be one: no symbol Dump_Write, and not found in memory either"
    assert found.remedy is not None
    assert "start probe --callback write=ADDRESS" in found.remedy


def test_a_filter_with_two_tables() -> None:
    target = machine("boot")
    base = target.modules()[-1].base
    target.write_virtual(base + 0x2000, context({"Dump_Write": 0x1000}, code=base))
    (found,) = about("filter", NoSymbols(target))
    assert found.state == "dump_probe: no symbol Dump_Write, and memory holds 2 tables of it that differ"
    assert found.remedy is not None


def test_no_filter_is_registered() -> None:
    (found,) = about("filter", PortsOnly(machine("boot")))
    assert found.state == "none is registered: by their names, all of these are port drivers"
    assert found.remedy is not None
    assert "DumpFilters" in found.remedy


def test_no_dump_stack_is_loaded() -> None:
    found = list(examine_target(EmulatorDebugger(machine("start"))))
    assert [one.state for one in found] == ["no dump_ or hiber_ module is loaded"]
    assert found[0].remedy is not None
    assert "CrashDumpEnabled" in found[0].remedy


def test_a_debugger_that_has_not_listed_the_modules() -> None:
    (found,) = about("modules", Fewer(machine("boot")))
    assert found.state == "crashdmp is not among the 4 that the debugger knows"
    assert found.remedy is not None
    assert found.remedy.startswith(".reload")


DUMP = Module("dump_probe", VirtualAddress(0xFFFFF800_31000000), 0x6000)
NT = Module("nt", VirtualAddress(0xFFFFF800_10000000), 0x4000)


def test_breakpoints_that_nobody_owns() -> None:
    (found,) = examine_breakpoints([0xFFFFF800_10001000, 0xFFFFF800_31001080], [NT, DUMP])
    assert found.subject == "breakpoints"
    assert found.state == "dump_probe has some that no trace of this interpreter owns: 0xfffff80031001080"
    assert found.remedy is not None
    assert "pykd.dbgCommand('bc NUMBER')" in found.remedy
    # What the user sets elsewhere is the user's.
    assert list(examine_breakpoints([0xFFFFF800_10001000], [NT, DUMP])) == []


@pytest.mark.parametrize(
    ("version", "bits", "pykd", "said", "hinders"),
    [
        ((3, 8), 64, False, None, None),
        ((3, 9), 64, True, None, None),
        ((3, 12), 64, False, "3.12: pykd's newest wheels are for Python 3.8 and 3.9", True),
        ((3, 12), 64, True, "3.12: pykd's newest wheels are for Python 3.8 and 3.9", False),
        ((3, 8), 32, False, "32 bit: x64 targets are traced from a 64-bit WinDbg", True),
    ],
)
def test_the_wrong_python(
    version: Tuple[int, int], bits: int, pykd: bool, said: Optional[str], hinders: Optional[bool]
) -> None:
    found = list(python_for_pykd(version, bits, pykd))
    if said is None:
        assert found == []
        return
    (one,) = found
    assert one.state.startswith(said)
    assert one.hinders is hinders
    assert one.remedy is not None
    assert "!select -3.8" in one.remedy


def run_python(program: str, *options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *options, "-c", program], cwd=str(ROOT), capture_output=True, text=True, check=False
    )


def test_a_python_that_is_too_old_is_told_before_anything_is_imported() -> None:
    program = (
        "import runpy, sys; sys.version_info = (3, 7, 9, 'final', 0); sys.argv = ['x', 'doctor'];"
        "runpy.run_module('pykd_dumpfilt', run_name='__main__', alter_sys=True)"
    )
    done = run_python(program)
    assert done.returncode == 2
    assert done.stdout.startswith("dumpfilt: error: this is Python 3.7, and 3.8 is needed")
    assert done.stderr == ""


def test_construct_is_missing() -> None:
    program = (
        "import runpy, sys; sys.modules['construct'] = None; sys.argv = ['x', 'doctor'];"
        "runpy.run_module('pykd_dumpfilt', run_name='__main__', alter_sys=True)"
    )
    done = run_python(program)
    assert done.returncode == 2
    assert done.stdout == "dumpfilt: error: construct is missing in this Python: pip install construct\n"


@pytest.mark.parametrize(
    ("arguments", "state", "remedied"),
    [
        (["doctor"], "arrive", False),
        (["", ""], "lost: pykd.pyd was loaded directly, and hands them on empty", True),
    ],
)
def test_arguments(monkeypatch: pytest.MonkeyPatch, arguments: List[str], state: str, remedied: bool) -> None:
    monkeypatch.setattr(sys.stdout, "writedml", print, raising=False)  # how !py is known
    monkeypatch.setattr(sys, "argv", ["dumpfilt", *arguments])
    (found,) = [one for one in examine() if one.subject == "arguments"]
    assert (found.state, found.remedy is not None) == (state, remedied)
    if found.remedy is not None:
        assert ".load pykd.dll" in found.remedy
