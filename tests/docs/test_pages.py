"""Registry, pages, faulty filters and what is written about them agree."""

import re
import shlex
from pathlib import Path
from typing import List, Set, Type

import pytest

from pykd_dumpfilt.cli import build_parser
from pykd_dumpfilt.reports import render_rule, rule_prose
from pykd_dumpfilt.rules import RULES, Level, Rule

from ..lab.toolchain import filter_source
from .pages import GUILTY, HEADINGS, PAGES, emulated, faults, own_callbacks, right_code, sections, wrong_code

ROOT = PAGES.parents[2]
IDS = {rule.id for rule in RULES}
FAULTS = faults()
WITH_CODE = [rule for rule in RULES if rule.id in FAULTS]

_ID = re.compile(r"\bDF-[A-Z]+-\d{3}\b")
_COMMAND = re.compile(r"(?:^|`)(?:dumpfilt|!py -g -m pykd_dumpfilt) ([^`\n]+)", re.MULTILINE)

each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
each_rule_with_code = pytest.mark.parametrize("rule", WITH_CODE, ids=lambda rule: rule.id)


def test_every_rule_has_a_page_and_every_page_a_rule() -> None:
    assert {path.name for path in PAGES.iterdir()} == {f"{rule_id}.md" for rule_id in IDS}


def test_every_error_and_warning_rule_is_broken_by_a_faulty_filter() -> None:
    assert [rule.id for rule in RULES if rule.level is not Level.NOTE and rule.id not in FAULTS] == []


def test_every_faulty_filter_breaks_a_rule_that_exists() -> None:
    assert set(FAULTS) - IDS == set()


@each_rule
def test_headings_in_order(rule: Type[Rule]) -> None:
    expected = [one for one in HEADINGS if rule.id in FAULTS or one not in ("Wrong", "Right")]
    assert list(sections(rule)) == expected
    assert rule_prose(rule).startswith("## ")
    assert all(text.strip() for text in sections(rule).values())


@each_rule_with_code
def test_wrong_code_stands_in_a_filter_that_breaks_the_rule(rule: Type[Rule]) -> None:
    wrong = wrong_code(rule)
    assert wrong.filter in [one.name for one in FAULTS[rule.id]]
    excerpt = "\n".join(line.replace(GUILTY, "") for line in wrong.lines)
    assert f"\n{excerpt}\n" in filter_source(wrong.filter).read_text(encoding="ascii")
    assert GUILTY.strip() not in excerpt


@each_rule_with_code
def test_one_line_is_guilty(rule: Type[Rule]) -> None:
    guilty = [line for line in wrong_code(rule).lines if "guilty" in line]
    assert len(guilty) == 1
    assert guilty[0].endswith(GUILTY)
    assert guilty[0].count(GUILTY) == 1


@each_rule_with_code
def test_right_code_is_complete_callbacks(rule: Type[Rule]) -> None:
    code = right_code(rule)
    defined = own_callbacks(code)
    assert defined
    # Where the system's side is wrong, the code is that of a filter that calls itself.
    assert set(defined) <= set(rule.callbacks) or rule.family == "environment"
    assert GUILTY.strip() not in code


@each_rule_with_code
def test_the_page_says_how_the_emulator_exercises_it(rule: Type[Rule]) -> None:
    assert emulated(rule)


@each_rule
def test_commands_are_such_that_the_command_line_takes_them(rule: Type[Rule]) -> None:
    parser = build_parser()
    for command in _COMMAND.findall(rule_prose(rule)):
        parser.parse_args(shlex.split(command))


@each_rule
def test_commands_can_be_run_one_after_the_other(rule: Type[Rule]) -> None:
    outputs = re.findall(r"^dumpfilt emulate .* -o (\S+)", rule_prose(rule), re.MULTILINE)
    # A recording is never overwritten.
    assert len(set(outputs)) == len(outputs) > 0


@each_rule
def test_a_page_is_neither_a_stub_nor_a_chapter(rule: Type[Rule]) -> None:
    assert 25 <= len(rule_prose(rule).splitlines()) <= 70


@each_rule
def test_the_page_fits_a_terminal(rule: Type[Rule]) -> None:
    for line in render_rule(rule).splitlines():
        assert len(line) <= 100 or "https://" in line, line
        assert line.isprintable()
        assert line == line.rstrip()


def test_pages_do_not_repeat_each_other() -> None:
    seen: Set[str] = set()
    for rule in RULES:
        own = {sentence for sentence in _sentences(rule_prose(rule)) if len(sentence) > 40}
        assert own & seen == set(), rule.id
        seen |= own


@pytest.mark.parametrize(
    "path", ["README.md", "CHANGELOG.md", "fixtures", "pykd_dumpfilt", "tests/lab/filters"]
)
def test_every_rule_that_is_mentioned_exists(path: str) -> None:
    for file in _texts(ROOT / path):
        # 999 is the number of rules that there are not, in examples.
        mentioned = {one for one in _ID.findall(file.read_text(encoding="utf-8")) if not one.endswith("-999")}
        assert mentioned - IDS == set(), file


def test_every_rule_that_a_test_mentions_exists() -> None:
    families = {rule_id.rpartition("-")[0] for rule_id in IDS}
    for file in (ROOT / "tests").rglob("test_*.py"):
        mentioned = set(_ID.findall(file.read_text(encoding="utf-8")))
        known = {one for one in mentioned if one.rpartition("-")[0] in families and not one.endswith("-999")}
        assert known - IDS == set(), file


def test_every_rule_is_mentioned_in_a_test() -> None:
    own = Path(__file__).parent
    texts = [
        path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py") if own not in path.parents
    ]
    tested = {one for text in texts for one in _ID.findall(text)}
    assert IDS - tested == set()


def _sentences(prose: str) -> List[str]:
    text = re.sub(r"^```.*?^```$|^## .*$", "", prose, flags=re.MULTILINE | re.DOTALL)
    return re.split(r"(?<=[.:;])\s+", " ".join(text.split()))


def _texts(path: Path) -> List[Path]:
    if path.is_file():
        return [path]
    return [one for one in path.rglob("*") if one.suffix in {".md", ".c", ".h", ".py"}]
