"""The options that choose what a trace captures, and the forecast of what it takes."""

import argparse
from typing import List, Optional

import pytest

from pykd_dumpfilt.commands import _tracing
from pykd_dumpfilt.debugger import Module, VirtualAddress
from pykd_dumpfilt.errors import TargetError, UsageError
from pykd_dumpfilt.trace import Data, Hardware, Line, Selection

GIB = 1 << 30


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    _tracing.add_arguments(parser)
    return parser.parse_args(list(words))


def test_everything_by_default() -> None:
    options = parsed()
    assert _tracing.selection(options) == Selection()
    assert options.hardware is Hardware.AUTO


def test_all_of_them() -> None:
    options = parsed(
        *("--callbacks", "read,Dump_Write", "--every", "5", "--offset", "4G-0x200000000"),
        *("--data", "after", "--max-hits", "9", "--hardware"),
    )
    assert options.hardware is Hardware.ALWAYS
    assert _tracing.selection(options, 60.0) == Selection(
        callbacks=("Dump_Write", "Dump_Read"),
        every=5,
        offset=(4 * GIB, 8 * GIB),
        data=Data.AFTER,
        max_hits=9,
        budget=60.0,
    )
    assert parsed("--no-hardware").hardware is Hardware.NEVER


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--callbacks", "read,wriet"], "there is no callback 'wriet': choose from start, write, read"),
        (["--offset", "4G"], "'4G' is no range of the disk: write FIRST-END, such as 0x100000-0x200000"),
        (["--offset", "4G-5X"], "'5X' is no number of bytes: write 65536, 0x10000, 800M or 2G"),
        (["--offset", "5G-4G"], "write the smaller number first"),
        (["--every", "0"], "from 1 on is possible"),
    ],
)
def test_what_makes_no_sense_is_said(words: List[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        _tracing.selection(parsed(*words))


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [("65536", 65536), ("0x10000", 65536), ("800M", 800 << 20), ("2g", 2 * GIB), ("1GiB", GIB)],
)
def test_numbers_of_bytes(text: str, bytes_: int) -> None:
    assert _tracing.size(text) == bytes_


class OnALine:
    """A target of 16 GiB behind a line of a known speed."""

    def __init__(self, line: Optional[Line], memory: Optional[int] = 16 * GIB) -> None:
        self.line = line
        self.memory = memory

    def modules(self) -> List[Module]:
        return [Module("nt", VirtualAddress(0x1000), 0x10000)]

    def physical_memory(self) -> Optional[int]:
        return self.memory


@pytest.fixture(autouse=True)
def line_of_the_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_tracing, "measure_line", lambda debugger, image: debugger.line)


def told(target: OnALine, selection: Selection, expected: Optional[int] = None) -> str:
    return "\n".join(_tracing.describe_forecast(target, selection, expected))  # type: ignore[arg-type]


SLOW = OnALine(Line(small=0.005, full=0.04))  # 1.53 s for a call


def test_nobody_starts_a_hibernation_of_hours_by_accident() -> None:
    said = told(SLOW, Selection())
    assert said.startswith(
        "forecast: 2 s for a call of 64 KiB on this line at least, 6 h 58 min for each GiB\n"
    )
    assert "16.0 GiB (all of this machine's memory): 262,144 calls, 111 h 25 min to write" in said
    assert "--budget SECONDS" in said


def test_what_is_expected_counts_rather_than_the_memory() -> None:
    said = told(SLOW, Selection(data=Data.NONE), 256 << 20)
    assert "0.2 GiB (as you expect): 4,096 calls, 12 min to write" in said


def test_a_budget_that_does_not_suffice_says_what_would() -> None:
    with pytest.raises(UsageError) as caught:
        told(SLOW, Selection(budget=3600.0), 2 * GIB)
    assert str(caught.value) == (
        "tracing 2.0 GiB takes 13 h 56 min on this line, the budget is 60 min; nothing was armed. --every 42 "
        "would fit. Or capture less (--data none, --callbacks read), say how much will be written "
        "(--expect 2G), or give a larger budget"
    )
    assert "13 h" not in told(SLOW, Selection(budget=3600.0, every=42), 2 * GIB)
    with pytest.raises(UsageError, match="not even the breakpoints alone would fit"):
        told(SLOW, Selection(budget=10.0), 2 * GIB)


def test_a_fast_line_needs_no_advice() -> None:
    said = told(OnALine(Line(1e-6, 1e-6), GIB), Selection())
    assert "--budget" not in said


def test_a_line_that_cannot_be_measured_and_a_memory_that_nobody_knows() -> None:
    assert told(OnALine(None), Selection()) == "no forecast: the line could not be measured"
    assert told(OnALine(Line(0.005, 0.04), None), Selection()).count("\n") == 0


def test_it_is_measured_by_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unreadable image is no line."""
    monkeypatch.undo()

    class Unreadable(OnALine):
        def read_virtual(self, address: VirtualAddress, size: int) -> bytes:
            raise TargetError("no")

    assert told(Unreadable(None), Selection()) == "no forecast: the line could not be measured"
