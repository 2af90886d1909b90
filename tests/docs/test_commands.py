"""The page of the command line says what the parsers take."""

from pykd_dumpfilt.commands import COMMANDS

from .commands import page


def test_every_command_has_a_section_with_its_help() -> None:
    text = page()
    for command in COMMANDS:
        assert f"\n## {command.name}\n" in text
        for line in command.examples.splitlines():
            assert line.strip() in text


def test_options_are_as_they_are_typed() -> None:
    text = page()
    assert "\n| `RECORDING` | NAME.dumpfilt folders |\n" in text
    assert "\n| `-o FILE`, `--output FILE` | write the report there" in text
    assert "\n| `--max-hits N` | end the trace after N calls |\n" in text
    assert "\n| `--scenario {crash,hibernate,life}` | crash: the crash dump stack writes;" in text
    assert "--help" not in text.split("\n## ", 1)[1]


def test_the_page_is_the_same_on_any_terminal() -> None:
    import os

    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "40"
    try:
        narrow = page()
        assert os.environ["COLUMNS"] == "40"
    finally:
        del os.environ["COLUMNS"]
        if before is not None:
            os.environ["COLUMNS"] = before
    assert narrow == page()
