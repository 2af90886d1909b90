"""The published schema says what the writer writes, all of it, and refuses what the reader refuses."""

import copy
import json
from pathlib import Path
from typing import Any, Iterator, Tuple, Union

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pykd_dumpfilt.recording import CALLBACKS, Footer, Header, Record, codec, schema
from pykd_dumpfilt.recording.versions import FORMAT, VERSION

from .examples import footers, headers, records, write_small
from .test_codec import GOLDEN_CALL, WRONG_IN_A_CALL


def objects(value: Any, path: str = "") -> Iterator[Tuple[str, Any]]:
    """Every schema of an object within a schema."""
    if isinstance(value, dict):
        if "properties" in value:
            yield path, value
        for key, inner in value.items():
            yield from objects(inner, f"{path}/{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from objects(inner, f"{path}/{index}")


def closed() -> "jsonschema.Draft202012Validator":
    """The schema, but with no key allowed that it does not describe."""
    strict = copy.deepcopy(schema())
    for _, found in objects(strict):
        found.setdefault("additionalProperties", False)
    return jsonschema.Draft202012Validator(strict)


CLOSED = closed()


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


def test_every_key_is_described() -> None:
    undescribed = [
        f"{path}/{key}"
        for path, found in objects(schema())
        for key, inner in found["properties"].items()
        if not inner.get("description")
    ]
    assert undescribed == []


def test_its_constants_are_the_codec_s() -> None:
    definitions = schema()["$defs"]
    assert definitions["header"]["properties"]["format"]["const"] == FORMAT
    assert definitions["header"]["properties"]["version"]["const"] == VERSION
    assert tuple(definitions["call"]["properties"]["callbacks"]["items"]["enum"]) == CALLBACKS


def test_each_call_gives_a_new_one() -> None:
    schema()["$defs"].clear()
    assert schema()["$defs"]


def test_a_recording_is_valid(tmp_path: Path) -> None:
    folder = write_small(tmp_path / "trace")
    for line in (folder / "calls.jsonl").read_bytes().splitlines():
        CLOSED.validate(json.loads(line))


@settings(max_examples=80)
@given(item=st.one_of(records, headers, footers), pages=st.booleans())
def test_every_line_is_valid(item: Union[Header, Record, Footer], pages: bool) -> None:
    brought = codec.NewPages(7, bytes(48)) if pages and not isinstance(item, (Header, Footer)) else None
    CLOSED.validate(json.loads(codec.encode(item, brought)))


# What takes a comparison of two values, or of two spellings of one, which a schema cannot make.
BEYOND_A_SCHEMA = (
    "entry.mdls[0].missing",
    "entry.buffers[0].size",
    "entry.buffers[0].unreadable",
    "exit.buffers[0].unreadable",
)
WITHIN_A_SCHEMA = [
    (path, value)
    for path, value, key in WRONG_IN_A_CALL
    if (key not in BEYOND_A_SCHEMA and value not in (1, [1])) or path[-1] in ("rcx", "via")
]


@pytest.mark.parametrize(("path", "value"), WITHIN_A_SCHEMA)
def test_what_the_reader_refuses_is_not_valid(path: Any, value: object) -> None:
    fields: Any = json.loads(GOLDEN_CALL)
    place = fields
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert not CLOSED.is_valid(fields)
