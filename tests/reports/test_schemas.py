"""Reports are valid against their schemas: JUnit's and SARIF's, which others publish, and our own of JSON."""

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pykd_dumpfilt.checking import Report, Unreadable, check
from pykd_dumpfilt.cli import main
from pykd_dumpfilt.reports import FORMATS
from pykd_dumpfilt.reports.json_report import report_object, schema
from pykd_dumpfilt.reports.junit import render_junit
from pykd_dumpfilt.reports.sarif import sarif_object

from .published import junit_schema, sarif_schema
from .report_examples import whole_report

FIXTURES = sorted((Path(__file__).resolve().parents[2] / "fixtures").glob("*.dumpfilt"))

pytestmark = pytest.mark.quality


@pytest.fixture(scope="module")
def junit() -> Any:
    return junit_schema()


@pytest.fixture(scope="module")
def sarif() -> Any:
    schema = sarif_schema()
    jsonschema.Draft4Validator.check_schema(schema)
    return jsonschema.Draft4Validator(schema)


@pytest.fixture(params=["whole", "fixtures", "empty", "unreadable"])
def report(request: Any, tmp_path: Path) -> Report:
    if request.param == "whole":
        return whole_report(tmp_path)
    if request.param == "fixtures":
        assert FIXTURES
        return Report(tuple(check(path, seal=True) for path in FIXTURES))
    return Report((), unreadable=(Unreadable("gone", "why"),) if request.param == "unreadable" else ())


def test_junit(report: Report, junit: Any) -> None:
    from lxml import etree

    junit.assertValid(etree.fromstring(render_junit(report).encode("utf-8")))


def test_sarif(report: Report, sarif: Any) -> None:
    errors = [f"{list(error.path)}: {error.message}" for error in sarif.iter_errors(sarif_object(report))]
    assert errors == []


def strict(schema: Any) -> Any:
    """The schema, but with no key allowed that it does not describe."""
    closed = copy.deepcopy(schema)
    for one in (closed, closed["properties"]["unreadable"]["items"], *closed["$defs"].values()):
        one["additionalProperties"] = False
    return jsonschema.Draft202012Validator(closed)


def test_json(report: Report) -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    assert [error.message for error in strict(schema()).iter_errors(report_object(report))] == []


def test_every_key_of_the_json_report_is_described() -> None:
    found = schema()
    for one in (found, found["properties"]["unreadable"]["items"], *found["$defs"].values()):
        assert one["description"]
        assert all(inner.get("description") for inner in one["properties"].values())


def test_the_json_schema_can_say_no(tmp_path: Path) -> None:
    bad = report_object(whole_report(tmp_path))
    failing = next(one for one in bad["recordings"] if one["findings"])
    failing["rules"][0]["outcome"] = "fine"
    del failing["findings"][0]["evidence"]
    bad["surprise"] = 1
    assert len(list(strict(schema()).iter_errors(bad))) == 3


def test_all_formats_of_one_fixture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], junit: Any, sarif: Any
) -> None:
    """Every format, through the command line as a user gives it, from one recording that pykd made."""
    from lxml import etree

    written = {}
    for one in FORMATS:
        path = tmp_path / f"report{one.endings[0]}"
        fixture = str(FIXTURES[0].parent / "forgets_last_sector.dumpfilt")
        assert main(["check", fixture, "--format", one.name, "-o", str(path)]) == 1
        written[one.name] = path.read_text(encoding="utf-8")
    capsys.readouterr()
    assert sorted(written) == ["html", "json", "junit", "markdown", "sarif", "text"]
    strict(schema()).validate(json.loads(written["json"]))
    junit.assertValid(etree.fromstring(written["junit"].encode("utf-8")))
    sarif.validate(json.loads(written["sarif"]))
    for text in written.values():
        assert "DF-TRIP-001" in text
        assert "511 of 4096 bytes differ" in " ".join(text.split())


def test_the_validators_can_say_no(junit: Any, sarif: Any, tmp_path: Path) -> None:
    from lxml import etree

    report = whole_report(tmp_path)
    root = etree.fromstring(render_junit(report).encode("utf-8"))
    root[0].attrib.pop("tests")
    assert not junit.validate(root)
    bad = sarif_object(replace(report))
    bad["runs"][0]["results"][0]["level"] = "fatal"
    assert list(sarif.iter_errors(bad))
