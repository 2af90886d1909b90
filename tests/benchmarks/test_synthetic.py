"""The benchmarks measure a recording that passes: a failing one takes another way through the code."""

from pathlib import Path

import pytest

from pykd_dumpfilt.checking import check

from .replay import KINDS


@pytest.mark.parametrize(("kind", "calls"), [("plain", 6), ("few", 6), ("mixed", 9)])
def test_the_recordings_pass(tmp_path: Path, kind: str, calls: int) -> None:
    result = check(KINDS[kind](tmp_path / "run", 3))
    assert (result.verdict.value, result.damage, result.calls) == ("pass", (), calls)
