"""The code on the rules' pages, compiled and run as the pages say: the wrong is caught, the right is not."""

import shutil
from pathlib import Path
from typing import List, Type

import pytest

from pykd_dumpfilt.debugger import StopReason
from pykd_dumpfilt.emulator import EmulatorDebugger, Scenario, Stopped, Target
from pykd_dumpfilt.recording import open_recording
from pykd_dumpfilt.rules import RULES, Judge, Level, Result, Rule
from pykd_dumpfilt.structures import Machine
from pykd_dumpfilt.trace import record

from ..docs.pages import emulated, faults, right_filter, wrong_code
from ..lab import toolchain
from ..lab.toolchain import FILTERS, build_filter

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("compiler")]

FAULTS = faults()
each_rule_with_code = pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule.id in FAULTS], ids=lambda rule: rule.id
)


@each_rule_with_code
def test_the_wrong_code_is_caught_as_the_page_exercises_it(rule: Type[Rule], tmp_path: Path) -> None:
    results = run(wrong_code(rule).filter, emulated(rule), tmp_path)
    assert any(told(result, rule) for result in results)


@each_rule_with_code
def test_the_right_code_has_no_finding(
    rule: Type[Rule], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "filters"
    (folder / "faulty").mkdir(parents=True)
    for header in ("dump_filter.h", "stream_filter.h"):
        shutil.copy(str(FILTERS / header), str(folder))
    (folder / "right.c").write_text(right_filter(rule), encoding="ascii")
    monkeypatch.setattr(toolchain, "FILTERS", folder)
    monkeypatch.setenv("DUMPFILT_LAB_CACHE", str(tmp_path / "cache"))
    results = run("right", emulated(rule), tmp_path)
    for result in results:
        assert [one.message for one in result.findings if one.level is not Level.NOTE] == []
    assert sum(one.calls_checked for result in results for one in result.rules if one.rule == rule.id) > 0


def run(name: str, scenarios: List[Scenario], folder: Path) -> List[Result]:
    """What the rules say about a filter, for each scenario. The filter must live through it."""
    image = build_filter(name).read_bytes()
    results = []
    for number, scenario in enumerate(scenarios):
        plain = name.rpartition("/")[2]
        target = Target(image, plain, scenario)
        summary = record(EmulatorDebugger(target), plain, folder / f"run{number}")
        assert summary.stop.reason is StopReason.ENDED, summary.stop.detail
        stopped = target.resume()
        assert isinstance(stopped, Stopped)
        assert stopped.reason == "ended", stopped.detail
        with open_recording(summary.path) as recording:
            judge = Judge(recording, Machine.X64)
            for one in recording:
                judge.feed(one)
            results.append(judge.finish(recording.damage))
    return results


def told(result: Result, rule: Type[Rule]) -> bool:
    """Whether a rule has something to say: a finding or, where its level is note, a note."""
    (one,) = [one for one in result.rules if one.rule == rule.id]
    return bool(one.found or (rule.level is Level.NOTE and one.notes))
