"""The committed table of offsets, sizes and constants is what the compiler says today."""

import json
import os

import pytest

from tests.lab.layouts import INSTALL_HINT, TABLE, compile_layouts, find_compiler, main, render

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def compiler() -> str:
    found = find_compiler()
    if found is None:
        if os.environ.get("DUMPFILT_LIVE") == "required":
            pytest.fail(INSTALL_HINT)
        pytest.skip(INSTALL_HINT)
    return found


def test_the_committed_table_is_what_the_compiler_says(compiler: str) -> None:
    table = compile_layouts(compiler)
    assert table == json.loads(TABLE.read_text())
    # The file is written by the program and not by hand.
    assert render(table) == TABLE.read_text()


def test_the_command_compares_too(compiler: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0
    assert capsys.readouterr().out == "compiler_literals.json: as the compiler says\n"
