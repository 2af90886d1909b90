"""README.md names every command; that it shows real output, and links to what is there, tests/docs holds."""

from pathlib import Path

from pykd_dumpfilt.commands import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_command_is_in_the_table() -> None:
    for command in COMMANDS:
        assert f"`{command.name}" in README
