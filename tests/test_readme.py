"""README.md shows real output and true commands."""

import re
from pathlib import Path

import pytest

from pykd_dumpfilt.cli import main
from pykd_dumpfilt.commands import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_output_on_the_first_screen_is_real(
    capsys: "pytest.CaptureFixture[str]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    shown = re.search(r"^```console\n\$ dumpfilt ([^\n]+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert shown is not None
    assert main(shown.group(1).split()) == 1
    rest = capsys.readouterr().out
    for part in shown.group(2).split("...\n"):
        place = rest.find(part)
        assert place >= 0, f"not in the output, or not in this order:\n{part}"
        rest = rest[place + len(part) :]


def test_every_command_is_in_the_table() -> None:
    for command in COMMANDS:
        assert f"`{command.name}" in README


def test_every_file_that_it_links_to_is_there() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
