"""The benchmarks measure a recording that passes: a failing one takes another way through the code."""

from pathlib import Path

from pykd_dumpfilt.checking import check

from .synthetic import write_recording


def test_the_synthetic_recording_passes(tmp_path: Path) -> None:
    result = check(write_recording(tmp_path / "run", 3))
    assert (result.verdict.value, result.damage, result.calls) == ("pass", (), 6)
