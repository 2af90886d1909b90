"""The two breaks of a bug check, and which of them ends a recording."""

from pathlib import Path
from typing import Dict, Sequence

import pytest

from pykd_dumpfilt.debugger import StopReason
from pykd_dumpfilt.emulator import EmulatorDebugger, Scenario, Target
from pykd_dumpfilt.trace import BugCheckBreak, bug_check_break, record

from ..emulator.code import ALL_FIVE, SUCCESS
from ..emulator.pe_writer import dump_filter
from .fake_debuggers import NoSymbols


def machine(attach: str) -> EmulatorDebugger:
    return EmulatorDebugger(target(attach))


def target(attach: str) -> Target:
    image = dump_filter(ALL_FIVE).image()
    return Target(image, "probe", Scenario("life", calls=2, pages=2, attach=attach))


class Elsewhere(NoSymbols):
    """Stands somewhere else with the same values in its other registers."""

    def read_registers(self, names: Sequence[str]) -> Dict[str, int]:
        return {**super().read_registers(names), "rip": 0xFFFFF800_10000000}


@pytest.mark.parametrize("attach", ["start", "boot", "resume", "reading"])
def test_other_breaks_are_not_a_bug_checks(attach: str) -> None:
    assert bug_check_break(machine(attach)) is None


def test_the_break_before_the_dump_and_the_one_after_it() -> None:
    bug_checked = target("bugcheck")
    debugger = EmulatorDebugger(bug_checked)
    assert bug_check_break(debugger) is BugCheckBreak.BEFORE_DUMP
    assert bug_check_break(NoSymbols(bug_checked)) is BugCheckBreak.BEFORE_DUMP
    assert bug_check_break(Elsewhere(bug_checked)) is None
    debugger.run()
    assert bug_check_break(debugger) is BugCheckBreak.AFTER_DUMP
    assert bug_check_break(NoSymbols(bug_checked)) is BugCheckBreak.AFTER_DUMP


def test_a_recording_goes_on_past_a_bug_check_to_its_dump(tmp_path: Path) -> None:
    done = record(machine("start"), "probe", tmp_path / "run")
    assert done.stop.reason is StopReason.ENDED
    assert done.status.calls == {
        "DriverEntry": 2,
        "Dump_Start": 3,
        "Dump_Write": 4,
        "Dump_Read": 2,
        "Dump_Finish": 3,
        "Dump_Unload": 1,
    }


def test_a_break_inside_of_a_call_ends_it(tmp_path: Path) -> None:
    # While a dump is written, with the very argument of the first break: mov ecx, 3.
    driver = dump_filter({**ALL_FIVE, "Dump_Start": ""})
    driver.label("Dump_Start").code("B903000000").call("DbgBreakPointWithStatus").code(SUCCESS)
    debugger = EmulatorDebugger(Target(driver.image(), "probe", Scenario("crash", calls=2, pages=2)))
    done = record(debugger, "probe", tmp_path / "run")
    assert done.stop.reason is StopReason.BREAK
    assert bug_check_break(debugger) is BugCheckBreak.BEFORE_DUMP
    assert done.status.calls == {"DriverEntry": 1, "Dump_Start": 1}
