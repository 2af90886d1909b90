"""Real pykd and DbgEng over a bad line: what is recorded is what a good line would have given."""

from pathlib import Path
from typing import List

import pytest

from pykd_dumpfilt.emulator import EmulatorDebugger, Scenario, Target
from pykd_dumpfilt.recording import Record, read_recording
from pykd_dumpfilt.trace import record

from ..lab.hardships import Hardships
from ..lab.live_recording import LiveRecording, record_live
from ..lab.session import Lab
from ..lab.toolchain import build_filter

pytestmark = pytest.mark.live

NAME = "aes_xts"
SCENARIO = Scenario("hibernate", seed=3, calls=3, pages=2)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run with no line at all."""
    debugger = EmulatorDebugger(Target(build_filter(NAME).read_bytes(), NAME, SCENARIO))
    return record(debugger, NAME, tmp_path_factory.mktemp("undisturbed") / "run").path


def traced(lab: Lab, folder: Path, hardships: Hardships) -> LiveRecording:
    """A recording of the run over such a line, which nothing was left behind of in the target."""
    image = build_filter(NAME).read_bytes()
    return record_live(lab, image, NAME, SCENARIO, folder / "run", timeout=300, hardships=hardships)


def records(path: Path) -> List[Record]:
    with read_recording(path) as recording:
        assert recording.damage == []
        return list(recording)


def assert_equal(one: Path, other: Path) -> None:
    assert records(one) == records(other)
    assert (one / "pages.bin").read_bytes() == (other / "pages.bin").read_bytes()


def test_a_good_line_sends_nothing_twice(lab: Lab, tmp_path: Path, undisturbed: Path) -> None:
    live = traced(lab, tmp_path, Hardships())
    assert_equal(live.path, undisturbed)
    assert (live.statistics.resent, live.statistics.harmed) == (0, {})


def test_a_slow_line_ends_well(lab: Lab, tmp_path: Path, undisturbed: Path) -> None:
    live = traced(lab, tmp_path, Hardships(packets_per_second=400))
    assert_equal(live.path, undisturbed)
    # Requests, replies and their acknowledgements: four packets for each request, at the least.
    assert live.seconds > live.statistics.total * 4 / 400
    assert live.statistics.resent == 0


@pytest.mark.parametrize(
    ("what", "hardships"),
    [
        # A lost request costs 4 s: DbgEng has no shorter patience.
        ("dropped", Hardships(drop_every=251)),
        ("corrupted", Hardships(corrupt_every=61)),
        ("repeated", Hardships(repeat_every=29)),
    ],
    ids=["dropped", "corrupted", "repeated"],
)
def test_packets_that_come_to_harm(
    what: str, hardships: Hardships, lab: Lab, tmp_path: Path, undisturbed: Path
) -> None:
    live = traced(lab, tmp_path, hardships)
    assert_equal(live.path, undisturbed)
    harmed = live.statistics.harmed
    assert set(harmed) == {f"sent {what}", f"received {what}"}
    assert min(harmed.values()) >= 3


def test_everything_at_once(lab: Lab, tmp_path: Path, undisturbed: Path) -> None:
    hardships = Hardships(packets_per_second=1000, drop_every=501, corrupt_every=41, repeat_every=47)
    live = traced(lab, tmp_path, hardships)
    assert_equal(live.path, undisturbed)
    assert len(live.statistics.harmed) == 6
