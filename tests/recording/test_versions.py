"""The chain of one-step migrations, on versions made up for these tests."""

import json
from pathlib import Path
from typing import Any, Dict

import pytest

from pykd_dumpfilt.errors import RecordingError
from pykd_dumpfilt.recording import VERSION, read_recording
from pykd_dumpfilt.recording.versions import CURRENT, Versions

from .examples import HEADER, small_records, write_small

Fields = Dict[str, Any]


def test_version_1_is_the_first_and_needs_no_step() -> None:
    assert CURRENT.current == VERSION == 1
    assert CURRENT.upgrade_from(1) is None


def numbered(name: str) -> Any:
    return lambda line: {**line, "steps": [*line.get("steps", []), name]}


def test_steps_are_taken_in_order() -> None:
    versions = Versions(3, {0: numbered("0 to 1"), 1: numbered("1 to 2"), 2: numbered("2 to 3")})
    upgrade = versions.upgrade_from(1)
    assert upgrade is not None
    assert upgrade({"kind": "unload"}) == {"kind": "unload", "steps": ["1 to 2", "2 to 3"]}


def test_a_newer_version_says_upgrade() -> None:
    with pytest.raises(RecordingError, match=r"version 4; this one reads up to 3\).*pip install --upgrade"):
        Versions(3).upgrade_from(4)


def test_a_gap_in_the_chain_is_an_error() -> None:
    with pytest.raises(RecordingError, match="version 1 is not one"):
        Versions(3, {2: numbered("2 to 3")}).upgrade_from(1)


def older(line: Fields) -> Fields:
    """To a made-up version 0, where a call's number was called "id" and the filter "driver"."""
    names = {"header": ("filter", "driver"), "call": ("number", "id")}
    new, old = names.get(line["kind"], ("", ""))
    return {(old if key == new else key): value for key, value in line.items()}


def from_0_to_1(line: Fields) -> Fields:
    if line["kind"] == "header":
        line["filter"] = line.pop("driver")
    elif line["kind"] == "call":
        line["number"] = line.pop("id")
    return line


def test_an_older_recording_is_read_through_its_steps(tmp_path: Path) -> None:
    folder = write_small(tmp_path / "trace")
    path = folder / "calls.jsonl"
    lines = [older(json.loads(line)) for line in path.read_bytes().splitlines()]
    lines[0]["version"] = 0
    # A line that is not one of version 0 is damage, not an error of the step.
    lines.insert(-1, {"kind": "call"})
    path.write_bytes(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
    with pytest.raises(RecordingError, match="version 0 is not one"):
        read_recording(folder)
    recording = read_recording(folder, Versions(1, {0: from_0_to_1}))
    assert recording.header == HEADER
    assert list(recording) == small_records()
    assert recording.damage == ["a line is skipped: line 9: not a line of its version (KeyError: 'id')"]
    assert recording.call(1) == small_records()[5]
