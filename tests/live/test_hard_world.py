"""All that is hard at once: real pykd and DbgEng record what a kind world would have given them."""

import re
from pathlib import Path
from typing import List, Optional

import pytest

from pykd_dumpfilt.checking import check
from pykd_dumpfilt.emulator import BreakpointHit, Event, Running, Scenario, Stopped, Target
from pykd_dumpfilt.recording import Call, Record, read_recording

from ..lab.hardships import EASY, Hardships
from ..lab.live_recording import record_live
from ..lab.session import Lab, LiveSession
from ..lab.toolchain import build_filter
from ..lab.wine import windows_path

pytestmark = pytest.mark.live

BREAK = Path(__file__).with_name("guest_break.py")
REBOOT = Path(__file__).with_name("guest_reboot.py")
NAME = "aes_xts"
SCENARIO = Scenario("hibernate", seed=3, calls=2, pages=1)
LINES = pytest.mark.parametrize(
    "line",
    [EASY, Hardships(drop_every=401), Hardships(corrupt_every=61), Hardships(repeat_every=31)],
    ids=["good", "lossy", "noisy", "repeating"],
)


def records(path: Path) -> List[Record]:
    with read_recording(path) as recording:
        assert recording.damage == []
        return list(recording)


def test_two_processors_a_bad_line_no_physical_memory_and_a_dump_stack_that_goes(
    lab: Lab, tmp_path: Path
) -> None:
    image = build_filter(NAME).read_bytes()
    kind = Hardships(refuse_physical=True, reload_after_hit=7)
    hard = Hardships(
        packets_per_second=1000,
        drop_every=601,
        corrupt_every=61,
        repeat_every=47,
        refuse_physical=True,
        reload_after_hit=7,
    )
    easy, bad = (
        record_live(
            lab, image, NAME, SCENARIO, tmp_path / name, timeout=300, hardships=hardships, processors=2
        )
        for name, hardships in (("easy", kind), ("bad", hard))
    )
    assert records(bad.path) == records(easy.path)
    assert (bad.path / "pages.bin").read_bytes() == (easy.path / "pages.bin").read_bytes()
    assert easy.statistics.harmed == {}
    assert len(bad.statistics.harmed) == 6
    unreturned = [one.number for one in records(bad.path) if isinstance(one, Call) and one.unreturned]
    assert unreturned == [3]
    assert {one.rule for one in check(bad.path).result.findings} == {"DF-CALL-006"}


@LINES
def test_a_reboot_over_a_bad_line(line: Hardships, lab: Lab, tmp_path: Path) -> None:
    def machine() -> Target:
        return Target(build_filter(NAME).read_bytes(), NAME, SCENARIO, processors=2)

    first, second = tmp_path / "first.dumpfilt", tmp_path / "second.dumpfilt"
    with LiveSession(lab, machine(), hardships=line, reboot=machine) as session:
        arguments = [".reboot", windows_path(first), windows_path(second)]
        done = session.run(REBOOT, arguments, timeout=200)
        assert done.code == 0, done.output
        assert session.server.left_behind() == []
        assert isinstance(session.server.event, Stopped)
    calls = [[one for one in records(path) if isinstance(one, Call)] for path in (first, second)]
    assert [len(one) for one in calls] == [3, 12]
    assert [one.number for one in calls[0] if one.unreturned] == [2]
    assert check(second).verdict.value == "pass"


class Drowsy(Target):
    """A machine in which from some moment on nothing happens any more, and that goes on for ever."""

    asleep = False

    def resume(self, max_instructions: Optional[int] = None) -> Event:
        return Running() if self.asleep else super().resume(max_instructions)


@LINES
def test_a_machine_that_comes_to_no_end_is_broken_into(line: Hardships, lab: Lab, tmp_path: Path) -> None:
    target = Drowsy(build_filter(NAME).read_bytes(), NAME, SCENARIO)
    path, sign = tmp_path / "run.dumpfilt", tmp_path / "sleeps"
    hits: List[Event] = []

    def observe(event: Event) -> None:
        if isinstance(event, BreakpointHit):
            hits.append(event)
            if len(hits) == 5:
                target.asleep = True
                sign.touch()

    with LiveSession(lab, target, observe, hardships=line) as session:
        done = session.run(BREAK, [windows_path(path), windows_path(sign)], timeout=200)
        assert done.code == 0, done.output
        assert session.server.left_behind() == []
    # The instruction behind the breakpoint is all that Dump_Write has done; and where a lost packet made the
    # stop itself take long, the key came in the middle of that.
    assert re.search(r"^< Break at hiber_aes_xts!Dump_Write(\+1)?$", done.output, re.MULTILINE)
    assert "1 entered and not yet returned" in done.output
    assert "no breakpoint of ours is left" in done.output
    calls = [one for one in records(path) if isinstance(one, Call)]
    assert [one.callbacks[0] for one in calls] == ["DriverEntry", "Dump_Start", "Dump_Write"]
    assert calls[2].unreturned == "stopped by the user"
