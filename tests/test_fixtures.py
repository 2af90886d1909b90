"""The recordings in the repository: whole, by the schema, recorded by pykd, and judged as their page says."""

import json
import re
from pathlib import Path
from typing import Dict, List

import jsonschema
import pytest

from pykd_dumpfilt.checking import check
from pykd_dumpfilt.cli import main
from pykd_dumpfilt.recording import read_recording, schema

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
NAMES = sorted(path.name for path in FIXTURES.glob("*.dumpfilt"))


def told_verdicts() -> Dict[str, str]:
    """The table of fixtures/README.md: fixture to verdict."""
    rows = re.findall(
        r"^\| `([^`]+)` \|[^|]*\| ([^|]+) \| `python -m tests\.lab record [^|]+` \|$",
        (FIXTURES / "README.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    return dict(rows)


def test_every_fixture_has_its_line_and_every_line_its_fixture() -> None:
    assert sorted(told_verdicts()) == NAMES
    assert NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_fixture_is_whole_and_judged_as_its_page_says(name: str) -> None:
    with read_recording(FIXTURES / name) as recording:
        assert recording.complete
        assert recording.verify() == []
        assert recording.header.debugger["engine"] == "pykd"
    assert check(FIXTURES / name).verdict.value == told_verdicts()[name]


@pytest.mark.parametrize("name", NAMES)
def test_every_line_is_as_the_schema_says(name: str) -> None:
    validator = jsonschema.Draft202012Validator(schema())
    lines = (FIXTURES / name / "calls.jsonl").read_text(encoding="ascii").splitlines()
    errors: List[str] = [
        f"line {number}: {error.message}"
        for number, line in enumerate(lines, 1)
        for error in validator.iter_errors(json.loads(line))
    ]
    assert errors == []


def test_a_failure_names_call_offset_page_byte_and_pfn(capsys: "pytest.CaptureFixture[str]") -> None:
    code = main(["check", str(FIXTURES / "forgets_last_sector.dumpfilt"), "--format", "json"])
    (recording,) = json.loads(capsys.readouterr().out)["recordings"]
    assert code == 1
    assert recording["verdict"] == "fail"
    first = recording["findings"][0]
    assert first["rule"] == "DF-TRIP-001"
    message = first["message"]
    assert re.search(
        r"call \d+, disk offset 0x[0-9a-f]+, page \d+ \(PFN 0x[0-9a-f]+\), byte 0x[0-9a-f]+", message
    )
    assert {"disk_offset", "page", "byte", "pfn", "expected", "got"} <= set(first["evidence"])
