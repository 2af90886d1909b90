"""What a call costs on the wire: counts, so they are the same on every machine."""

import json
import re
from pathlib import Path
from typing import Dict

import pytest

from pykd_dumpfilt.trace.forecast import CALL_REQUESTS

from ..benchmarks.wire import run
from ..lab.session import Lab
from ..once import once_in_a_run

pytestmark = pytest.mark.live

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
# What a row begins with, and the figures in its other columns.
ROWS = {
    "the limit": ("limit",),
    "**`start`": ("packets_per_call",),
    "WinDbg's own": ("writemem",),
    "a script with": ("naive",),
    "every page frame": ("scattered_packets", "scattered_to_limit"),
    "a ByteOffset": ("byte_offset_packets", "byte_offset_to_limit"),
    "a chain": ("chain_packets", "chain_to_limit"),
    "`--data after`": ("after_packets", "after_to_full"),
    "`--data hash`": ("hash_packets", "hash_to_full"),
    "`--data none`": ("none_packets", "none_to_full"),
    "`--no-hardware`": ("no_hardware_packets", "no_hardware_to_full"),
}


@pytest.fixture(scope="module")
def figures(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Dict[str, float]:
    def measure(folder: Path) -> None:
        (folder / "figures.json").write_text(json.dumps(run()))

    measured: Dict[str, float] = json.loads(
        (once_in_a_run(tmp_path_factory, "wire", measure) / "figures.json").read_text()
    )
    return measured


def test_a_call_costs_little_more_than_its_bytes(figures: Dict[str, float]) -> None:
    """Not a fifth more than two empty callbacks and the buffer in full packets, and half of what a user's
    script takes, with nothing captured less."""
    assert figures["calls"] >= 3
    assert figures["packets_per_call"] <= 1.2 * figures["limit"]
    assert figures["packets_per_call"] <= 0.5 * figures["naive"]
    # Both sides of 64 KiB, in replies as long as they can be.
    assert figures["of_these_read_physical_memory"] == 2 * 17


def test_no_buffer_falls_off_the_fast_path(figures: Dict[str, float]) -> None:
    """A third more than what reads within page frames must take, at most, and less than a user's script."""
    for kind in ("scattered", "byte_offset", "chain"):
        assert figures[f"{kind}_to_reads"] < 1.34
    assert figures["scattered_to_naive"] < 0.8


def test_the_forecast_counts_with_what_a_call_takes(figures: Dict[str, float]) -> None:
    assert round(figures["none_packets"]) == CALL_REQUESTS


def test_the_readme_s_figures_are_these(figures: Dict[str, float]) -> None:
    for begin, names in ROWS.items():
        (row,) = re.findall(rf"^\| {re.escape(begin)}[^|]*\|(.*)\|$", README, re.MULTILINE)
        cells = [cell.strip(" *") for cell in row.split("|")]
        for cell, name in zip(cells, names):
            digits = len(cell.partition(".")[2])
            assert cell == f"{figures[name]:.{digits}f}", f"{begin}: {name}"
