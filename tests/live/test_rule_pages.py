"""The code on the rules' pages, compiled and run by the pages' own commands: the wrong is caught, the right
is not."""

import shutil
from pathlib import Path
from typing import List, Type

import pytest

from pykd_dumpfilt.checking import check
from pykd_dumpfilt.cli import main
from pykd_dumpfilt.rules import RULES, Level, Result, Rule

from ..docs.pages import emulated, faults, right_filter, wrong_code
from ..lab import toolchain
from ..lab.toolchain import FILTERS, build_filter

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("compiler")]

FAULTS = faults()
RAN_TO_ITS_END = "(the scenario ran to its end)"
each_rule_with_code = pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule.id in FAULTS], ids=lambda rule: rule.id
)


@each_rule_with_code
def test_the_wrong_code_is_caught_by_the_commands_of_the_page(rule: Type[Rule], tmp_path: Path) -> None:
    results = run(build_filter(wrong_code(rule).filter), rule, tmp_path)
    assert any(told(result, rule) for result in results)


@each_rule_with_code
def test_the_right_code_has_no_finding(
    rule: Type[Rule], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "filters"
    (folder / "faulty").mkdir(parents=True)
    for header in FILTERS.glob("*.h"):
        shutil.copy(str(header), str(folder))
    (folder / "right.c").write_text(right_filter(rule), encoding="ascii")
    monkeypatch.setattr(toolchain, "FILTERS", folder)
    monkeypatch.setenv("DUMPFILT_LAB_CACHE", str(tmp_path / "cache"))
    results = run(build_filter("right"), rule, tmp_path)
    assert capsys.readouterr().err.count(RAN_TO_ITS_END) == len(results)
    for result in results:
        assert [one.message for one in result.findings if one.level is not Level.NOTE] == []
    assert sum(one.calls_checked for result in results for one in result.rules if one.rule == rule.id) > 0


def run(image: Path, rule: Type[Rule], folder: Path) -> List[Result]:
    """What the rules say about a driver after each command of a rule's page."""
    results = []
    for number, arguments in enumerate(emulated(rule)):
        output = folder / f"run{number}"
        assert main(["emulate", str(image), "-o", str(output), *arguments]) in (0, 1, 3)
        results.append(check(f"{output}.dumpfilt").result)
    return results


def told(result: Result, rule: Type[Rule]) -> bool:
    """Whether a rule has something to say: a finding or, where its level is note, a note."""
    (one,) = [one for one in result.rules if one.rule == rule.id]
    return bool(one.found or (rule.level is Level.NOTE and one.notes))
