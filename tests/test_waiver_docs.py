"""docs/waivers.md shows real output, real keys and the sample file."""

import datetime
import re
from pathlib import Path

import pytest

from pykd_dumpfilt.cli import main
from pykd_dumpfilt.commands import check
from pykd_dumpfilt.errors import UsageError
from pykd_dumpfilt.recording import CALLBACKS
from pykd_dumpfilt.rules import load_waivers

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "waivers.md").read_text(encoding="utf-8")
SAMPLE = (ROOT / "docs" / "waivers.example.toml").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found.group(1)


def test_the_output_is_real(capsys: "pytest.CaptureFixture[str]", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(check, "utc_today", lambda: datetime.date(2026, 12, 1))
    command, shown = block("console").split("\n", 1)
    assert main(command.split()[2:]) == 0
    rest = capsys.readouterr().out
    for part in shown.split("...\n"):
        place = rest.find(part)
        assert place >= 0, f"not in the output, or not in this order:\n{part}"
        rest = rest[place + len(part) :]
    assert rest == ""


def test_the_waiver_shown_is_of_the_sample() -> None:
    assert block("toml") in SAMPLE


def test_every_key_that_is_described_is_known_and_needed_as_said(tmp_path: Path) -> None:
    rows = re.findall(r"^\| `(\w+)` \| (yes|no) \|", PAGE, re.MULTILINE)
    lines = [*block("toml").splitlines(), 'platform = "x64"']
    assert sorted(key for key, _ in rows) == sorted(line.split(" =")[0] for line in lines[1:])
    path = tmp_path / "waivers.toml"
    for key, needed in rows:
        path.write_text("\n".join(line for line in lines if not line.startswith(f"{key} =")))
        if needed == "no":
            assert len(load_waivers(path)) == 1
        else:
            with pytest.raises(UsageError, match=f"key '{key}': is missing"):
                load_waivers(path)


def test_every_callback_is_named() -> None:
    assert all(f"`{name}`" in PAGE for name in CALLBACKS)


def test_every_file_that_it_links_to_is_there() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", PAGE):
        assert (ROOT / "docs" / target).exists(), target
