"""What info and diff write for programs is valid against its published schema."""

import json
from pathlib import Path
from typing import Any, Iterator, List

import jsonschema
import pytest

from pykd_dumpfilt.cli import main
from pykd_dumpfilt.reports._schemas import load_schema

from ..recording.examples import write_small
from ..reports.examples import failing, write

FIXTURES = sorted(map(str, (Path(__file__).resolve().parents[2] / "fixtures").glob("*.dumpfilt")))


def objects(schema: Any) -> Iterator[Any]:
    """Every part of a schema that describes an object by its keys."""
    if isinstance(schema, dict):
        if "properties" in schema:
            yield schema
        for inner in schema.values():
            yield from objects(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from objects(inner)


def errors(name: str, value: Any) -> List[str]:
    """What is wrong with it, where no key is allowed that the schema does not describe."""
    schema = load_schema(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    for one in objects(schema):
        one["additionalProperties"] = False
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(value)]


def written(capsys: "pytest.CaptureFixture[str]", *arguments: str) -> Any:
    main([*arguments, "--format", "json"])
    return json.loads(capsys.readouterr().out)


def test_info(tmp_path: Path, capsys: "pytest.CaptureFixture[str]") -> None:
    small, cut = write_small(tmp_path / "small"), write(tmp_path / "cut", failing(), close=False)
    found = written(capsys, "info", *FIXTURES, str(small), str(cut), str(tmp_path / "gone"))
    assert len(found["recordings"]) == len(FIXTURES) + 2
    assert len(found["unreadable"]) == 1
    assert errors("info", found) == []
    found["recordings"][0]["calls"] = "30"
    found["surprise"] = 1
    assert len(errors("info", found)) == 2


def test_diff(tmp_path: Path, capsys: "pytest.CaptureFixture[str]") -> None:
    cut = str(write(tmp_path / "cut", failing(), close=False))
    for other in FIXTURES:
        found = written(capsys, "diff", cut, other)
        assert errors("diff", found) == []
        assert not found["equal"]
        assert found["first_findings"]
    del found["differences"][0]["a"]
    assert len(errors("diff", found)) == 1


@pytest.mark.parametrize("name", ["info", "diff"])
def test_every_key_is_described(name: str) -> None:
    for one in objects(load_schema(name)):
        assert one["description"]
        assert all(inner["description"] for inner in one["properties"].values())
