"""The table of formats."""

import subprocess
import sys
from pathlib import Path

import pytest

from pykd_dumpfilt.checking import Report
from pykd_dumpfilt.reports import FORMATS, Format, format_for, format_named

from .report_examples import whole_report

ROOT = Path(__file__).resolve().parents[2]


def test_names_and_endings_are_told_apart() -> None:
    names = [one.name for one in FORMATS]
    endings = [ending for one in FORMATS for ending in one.endings]
    assert {"text", "json", "junit", "sarif", "markdown"} <= set(names)
    assert len(set(names)) == len(names)
    assert len(set(endings)) == len(endings)
    assert [format_named(name).name for name in names] == names


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("report.json", "json"),
        ("findings.sarif", "sarif"),
        ("findings.sarif.json", "sarif"),
        ("C:\\runs\\RESULTS.XML", "junit"),
        ("checklist.md", "markdown"),
        ("report.txt", "text"),
        ("report", "text"),
        ("json", "text"),
        ("", "text"),
    ],
)
def test_a_file_s_ending_tells_the_format(path: str, name: str) -> None:
    assert format_for(path).name == name


@pytest.mark.parametrize("one", FORMATS, ids=lambda one: str(one.name))
def test_every_format_holds_every_recording(one: Format, tmp_path: Path) -> None:
    report = whole_report(tmp_path)
    text = one.render(report)
    text.encode("utf-8")
    assert "\x1b" not in text
    for name in ("good", "bad", "warned", "unsure", "none", "gone"):
        assert f"{name}.dumpfilt" in text
    one.render(Report(()))


def test_a_format_is_imported_when_it_is_asked_for(tmp_path: Path) -> None:
    """Inside WinDbg every import is paid for at each start."""
    program = (
        "import sys, pykd_dumpfilt.cli\n"
        "from pykd_dumpfilt.reports import FORMATS\n"
        "ours = {f'pykd_dumpfilt.reports.{one.module}' for one in FORMATS}\n"
        "heavy = ours | {'xml.etree.ElementTree', 'jinja2', 'lxml', 'html', 'unicorn'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-E", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{program}"],
        stdout=subprocess.PIPE,
        cwd=str(ROOT),
        check=True,
    )
    assert done.stdout.decode().strip() == (
        "['pykd_dumpfilt.reports.json_report', 'pykd_dumpfilt.reports.text']"
    )
