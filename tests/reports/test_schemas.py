"""JUnit and SARIF reports are valid against the schemas that others publish for them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pykd_dumpfilt.checking import Report, Unreadable, check
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


def test_the_validators_can_say_no(junit: Any, sarif: Any, tmp_path: Path) -> None:
    from lxml import etree

    report = whole_report(tmp_path)
    root = etree.fromstring(render_junit(report).encode("utf-8"))
    root[0].attrib.pop("tests")
    assert not junit.validate(root)
    bad = sarif_object(replace(report))
    bad["runs"][0]["results"][0]["level"] = "fatal"
    assert list(sarif.iter_errors(bad))
