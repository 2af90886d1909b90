"""docs/reference/recording-format.md: its lines are a recording, and its tables are the schema's."""

import json
import re
from pathlib import Path
from typing import Any, Dict, List

import pytest

from pykd_dumpfilt.recording import Call, Fault, LoadedModule, Unloaded, read_recording, schema

from .examples import blocks
from .schemas import with_tables

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "recording-format.md"


def lines() -> List[Dict[str, Any]]:
    return [json.loads(block.text) for block in blocks(PAGE) if block.language == "json"]


def test_its_lines_are_a_whole_recording(tmp_path: Path) -> None:
    folder = tmp_path / "page.dumpfilt"
    folder.mkdir()
    (folder / "calls.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines()))
    (folder / "pages.bin").write_bytes(bytes(4096) + b"\xff" * 4096)
    with read_recording(folder) as recording:
        records = list(recording)
        assert recording.damage == []
        assert recording.verify() == []
        kinds = [type(record) for record in records]
        assert kinds[0] is LoadedModule
        assert kinds[2:] == [Call, Unloaded, Fault]
        assert recording.footer is not None


def test_it_shows_a_line_of_each_kind() -> None:
    defined = [one.get("properties", {}).get("kind") for one in schema()["$defs"].values()]
    kinds = [kind["const"] for kind in defined if kind]
    assert sorted(line["kind"] for line in lines()) == sorted(kinds)


def test_each_definition_of_the_schema_has_a_table() -> None:
    text = PAGE.read_text(encoding="utf-8")
    objects = {name for name, one in schema()["$defs"].items() if one.get("type") == "object"}
    assert set(re.findall(r"^<!-- keys: recording (\w+) -->$", text, re.MULTILINE)) == objects
    assert '| `kind` | yes | `"footer"` | What this line holds. |' in with_tables(text)
    assert "| `asked` | yes | integer | How many bytes were asked for. |" in with_tables(text)


def test_a_table_of_what_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        with_tables("<!-- keys: recording nothing -->")
