"""The page of the command line says what the parsers take."""

import os
import re
import shlex
from pathlib import Path

import pytest

from pykd_dumpfilt.cli import build_parser
from pykd_dumpfilt.commands import COMMANDS

from .commands import page

ROOT = Path(__file__).resolve().parents[2]
# What is on windbg.md the lab has typed.
PAGES = sorted(
    page
    for folder in (ROOT, ROOT / "docs", ROOT / "docs" / "reference")
    for page in folder.glob("*.md")
    if page.name != "windbg.md"
)
_TYPED = re.compile(
    r"(?:^|`|^\$ |^ *- (?:run: )?)(?:dumpfilt|!py -g -m pykd_dumpfilt) ([a-z]+ [^`\n|#]+)", re.MULTILINE
)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_commands_in_pages_are_such_that_the_command_line_takes_them(path: Path) -> None:
    parser = build_parser()
    names = {command.name for command in COMMANDS}
    for typed in _TYPED.findall(path.read_text(encoding="utf-8")):
        # In a table two blanks stand before a comment; a number is N.
        words = shlex.split(re.sub(r"\bN\b", "1", typed.split("  ")[0]), posix=False)
        if words[0] in names and not words[-1].startswith("--"):
            parser.parse_args(words)


def test_every_command_has_a_section_with_its_help() -> None:
    text = page()
    for command in COMMANDS:
        assert f"\n## {command.name}\n" in text
        for line in command.examples.splitlines():
            assert line.strip() in text


def test_options_are_as_they_are_typed() -> None:
    text = page()
    assert "\n```text\ndumpfilt check [-h] " in text
    assert "\n               RECORDING [RECORDING ...]\n```\n" in text
    assert "\n| `RECORDING` | NAME.dumpfilt folders or zips |\n" in text
    assert "\n| `-o FILE`, `--output FILE` | write the report there" in text
    assert "\n| `--max-hits N` | end the trace after N calls |\n" in text
    assert "\n| `--scenario {crash,hibernate,life}` | crash: the crash dump stack writes;" in text
    assert "--help" not in text.split("\n## ", 1)[1]


def test_the_page_is_the_same_on_any_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = page()
    monkeypatch.setenv("COLUMNS", "40")
    assert page() == wide
    assert os.environ["COLUMNS"] == "40"
