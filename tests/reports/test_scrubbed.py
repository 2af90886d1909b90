"""Every format says of a scrubbed recording that its contents are not the machine's."""

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pykd_dumpfilt.checking import CheckResult, Report, check
from pykd_dumpfilt.recording import Scrubbed, read_recording
from pykd_dumpfilt.reports import FORMATS, Format, format_named, show_call, show_recording

from .examples import HEADER, failing, write
from .html_pages import parse

HEADER_SCRUBBED = replace(HEADER, scrubbed=Scrubbed("pykd-dumpfilt 0.1.0", "0123456789abcdef"))
SENTENCE = (
    "the contents are not the machine's: pykd-dumpfilt 0.1.0 replaced bytes of memory and values of "
    "registers, also in what findings show; what is judged is as it was (key 0123456789abcdef)"
)


@pytest.fixture
def scrubbed(tmp_path: Path) -> CheckResult:
    return check(write(tmp_path / "bad", failing(), HEADER_SCRUBBED), seal=True)


def rendered(name: str, checked: CheckResult) -> str:
    return format_named(name).render(Report((checked,)))


def test_text(scrubbed: CheckResult) -> None:
    lines = " ".join(rendered("text", scrubbed).split())
    assert f"scrubbed: {SENTENCE} - DF-TRIP-001" in lines


def test_the_checklist_before_anything_else(scrubbed: CheckResult) -> None:
    text = rendered("markdown", scrubbed)
    chapter = text[text.index("## 1.") :].replace("\\", "")
    verdict, told = chapter.split("\n\n")[1:3]
    assert verdict.startswith("**FAIL**")
    assert told == f"**SCRUBBED**: {SENTENCE}."
    assert "| Contents | **scrubbed**: not the machine's |" in text


def test_json(scrubbed: CheckResult) -> None:
    (recording,) = json.loads(rendered("json", scrubbed))["recordings"]
    assert recording["scrubbed"] == {"tool": "pykd-dumpfilt 0.1.0", "key": "0123456789abcdef"}


def test_junit(scrubbed: CheckResult) -> None:
    root = ElementTree.fromstring(rendered("junit", scrubbed).encode())
    found = [one.get("value") for one in root.iter("property") if one.get("name") == "scrubbed"]
    assert found == [SENTENCE]


def test_sarif(scrubbed: CheckResult) -> None:
    (run,) = json.loads(rendered("sarif", scrubbed))["runs"]
    assert run["artifacts"][0]["properties"]["scrubbed"] == SENTENCE


def test_html(scrubbed: CheckResult) -> None:
    page = parse(rendered("html", scrubbed))
    assert [one.text for one in page.all("p", class_="alert")] == [f"Scrubbed: {SENTENCE}."]


def test_show(tmp_path: Path) -> None:
    recording = read_recording(write(tmp_path / "bad", failing(), HEADER_SCRUBBED))
    for text in (show_recording(recording), show_call(recording, 1)):
        assert f"scrubbed: {SENTENCE}" in " ".join(" ".join(text.splitlines()[1:4]).split())


@pytest.mark.parametrize("one", FORMATS, ids=lambda one: str(one.name))
def test_no_format_says_so_of_a_recording_as_it_was_made(one: Format, tmp_path: Path) -> None:
    text = one.render(Report((check(write(tmp_path / "bad", failing())),)))
    assert "the contents are not the machine" not in text
