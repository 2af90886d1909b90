"""Windows takes the dump stack down in the middle of a trace, and loads it anew: real pykd and DbgEng."""

from pathlib import Path
from typing import List, Optional

import pytest

from pykd_dumpfilt.checking import check
from pykd_dumpfilt.emulator import BreakpointHit, EmulatorDebugger, Event, Scenario, Target
from pykd_dumpfilt.recording import Call, LoadedModule, Record, Unloaded, read_recording
from pykd_dumpfilt.trace import record

from ..lab.hardships import Hardships
from ..lab.kd_server import RELOAD_BASE
from ..lab.live_recording import record_live
from ..lab.session import Lab
from ..lab.toolchain import build_filter

pytestmark = pytest.mark.live

NAME = "aes_xts"
SCENARIO = Scenario("hibernate", seed=3, calls=3, pages=2)
FIRST_BASE = 0xFFFFF80031000000
LIFE = ["DriverEntry", "Dump_Start", *["Dump_Write"] * 3, "Dump_Finish"]
LIFE += ["Dump_Start", *["Dump_Read"] * 3, "Dump_Finish", "Dump_Unload"]
UNLOADED = "the module was unloaded while the call was running"


class Reloading(Target):
    """The same machine without a wire: it goes through the same after the same hit."""

    def __init__(self, reload_after_hit: int) -> None:
        super().__init__(build_filter(NAME).read_bytes(), NAME, SCENARIO)
        self.hits_left = reload_after_hit

    def resume(self, max_instructions: Optional[int] = None) -> Event:
        if self.hits_left == 0:
            self.hits_left = -1
            self.restart_dump_stack(RELOAD_BASE)
        event = super().resume(max_instructions)
        self.hits_left -= isinstance(event, BreakpointHit)
        return event


def records(path: Path) -> List[Record]:
    with read_recording(path) as recording:
        assert recording.damage == []
        return list(recording)


# Hits come in pairs, an entry and a return: DriverEntry 1 and 2, Dump_Start 3 and 4, three writes 5 to 10,
# Dump_Finish 11 and 12, Dump_Start 13 and 14, three reads 15 to 20.
@pytest.mark.parametrize(
    ("hit", "seen", "verdict"),
    [
        (1, 1, "fail"),
        (2, 1, "pass"),
        (4, 2, "pass"),
        (6, 3, "pass"),
        (7, 4, "fail"),
        (12, 6, "pass"),
        (17, 9, "fail"),
    ],
)
def test_unloaded_in_the_middle(hit: int, seen: int, verdict: str, lab: Lab, tmp_path: Path) -> None:
    """``seen`` calls of the first copy; the last of them was under way where ``hit`` is an entry."""
    image = build_filter(NAME).read_bytes()
    hardships = Hardships(reload_after_hit=hit)
    # Looks for breakpoints left in the target, and for those that went away with the image, too.
    path = record_live(lab, image, NAME, SCENARIO, tmp_path / "run", timeout=120, hardships=hardships).path
    recorded = records(path)

    kinds = (LoadedModule, Unloaded)
    (first, gone, second, gone_too) = [one for one in recorded if isinstance(one, kinds)]
    assert isinstance(first, LoadedModule)
    assert isinstance(second, LoadedModule)
    assert (first.base, second.base) == (FIRST_BASE, RELOAD_BASE)
    assert (gone, gone_too) == (Unloaded(0), Unloaded(1))
    before = [one for one in recorded if isinstance(one, Call) and one.module == 0]
    after = [one for one in recorded if isinstance(one, Call) and one.module == 1]
    assert [one.callbacks[0] for one in before] == LIFE[:seen]
    # The second copy was armed like the first: all of its life is there.
    assert [one.callbacks[0] for one in after] == LIFE
    unreturned = [one for one in (*before, *after) if one.unreturned is not None]
    assert unreturned == ([before[-1]] if hit % 2 else [])
    for one in unreturned:
        assert (one.unreturned, one.gone, one.exit) == (UNLOADED, True, None)

    # The recording says no more and no less than what the machine did.
    emulated = record(EmulatorDebugger(Reloading(hit)), NAME, tmp_path / "emulated").path
    assert recorded == records(emulated)
    # A call whose code went away under it has not returned to its caller: DF-CALL-006 says so.
    judged = check(path)
    assert judged.verdict.value == verdict
    assert {one.rule for one in judged.result.findings} == ({"DF-CALL-006"} if hit % 2 else set())
