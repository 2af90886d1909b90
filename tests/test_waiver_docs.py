"""docs/waivers.md shows real keys and the sample file; that its output is real, tests/docs holds."""

import re
from pathlib import Path

import pytest

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
