"""Two processors take turns at the calls of a filter: real pykd and DbgEng follow from one to the other."""

from pathlib import Path
from typing import List

import pytest

from pykd_dumpfilt.checking import check
from pykd_dumpfilt.emulator import EmulatorDebugger, Scenario, Target
from pykd_dumpfilt.recording import Call, Record, read_recording
from pykd_dumpfilt.trace import record

from ..lab.hardships import Hardships
from ..lab.live_recording import record_live
from ..lab.session import Lab, LiveSession
from ..lab.toolchain import build_filter

pytestmark = pytest.mark.live

NAME = "aes_xts"
SCENARIO = Scenario("hibernate", seed=3, calls=3, pages=2)
FIRST_STACK, SECOND_STACK = 0xFFFFE40000010000, 0xFFFFE40000110000
LIFE = ["DriverEntry", "Dump_Start", *["Dump_Write"] * 3, "Dump_Finish"]
LIFE += ["Dump_Start", *["Dump_Read"] * 3, "Dump_Finish", "Dump_Unload"]


def records(path: Path) -> List[Record]:
    with read_recording(path) as recording:
        assert recording.damage == []
        return list(recording)


def test_calls_on_either_processor_are_paired(lab: Lab, tmp_path: Path) -> None:
    image = build_filter(NAME).read_bytes()
    live = record_live(lab, image, NAME, SCENARIO, tmp_path / "run", timeout=120, processors=2)
    calls = [one for one in records(live.path) if isinstance(one, Call)]
    assert [one.callbacks[0] for one in calls] == LIFE
    for one in calls:
        stack = SECOND_STACK if one.number % 2 else FIRST_STACK
        assert one.exit is not None
        assert one.unreturned is None
        # Entered and left on the same processor's stack: the return address has been taken from it.
        assert stack <= one.entry.registers["rsp"] < stack + 0x6000
        assert one.exit.registers["rsp"] == one.entry.registers["rsp"] + 8
        # The debugger gave this processor's IRQL, not the frozen one's.
        transfer = one.callbacks[0] not in ("DriverEntry", "Dump_Unload")
        assert one.entry.registers["cr8"] == (15 if transfer else 0)
    assert check(live.path).verdict.value == "pass"
    emulated = record(EmulatorDebugger(Target(image, NAME, SCENARIO, 2)), NAME, tmp_path / "emulated").path
    assert records(live.path) == records(emulated)
    assert (live.path / "pages.bin").read_bytes() == (emulated / "pages.bin").read_bytes()


@pytest.mark.parametrize("hit", [5, 7])
def test_a_call_that_stays_open_on_one_processor_is_not_lost_to_the_other(
    hit: int, lab: Lab, tmp_path: Path
) -> None:
    """The dump stack goes down in the third or fourth call, and the next call comes on the other stack."""
    image = build_filter(NAME).read_bytes()
    hardships = Hardships(reload_after_hit=hit)
    live = record_live(
        lab, image, NAME, SCENARIO, tmp_path / "run", timeout=120, processors=2, hardships=hardships
    )
    calls = [one for one in records(live.path) if isinstance(one, Call)]
    assert [one.callbacks[0] for one in calls] == LIFE[: (hit + 1) // 2] + LIFE
    assert [one.number for one in calls if one.unreturned] == [hit // 2]


def test_the_engine_looks_from_either_processor(lab: Lab, tmp_path: Path) -> None:
    script = tmp_path / "look.py"
    script.write_text(
        "import pykd, sys\n"
        "pykd.attachKernel(sys.argv[1])\n"
        "print(pykd.dbgCommand('vertarget'))\n"
        "for number in (1, 0, 1):\n"
        "    pykd.dbgCommand(f'~{number}s')\n"
        "    print('looks', number, hex(pykd.reg('rsp')), pykd.dbgCommand('rdmsr c0000101').strip())\n"
    )
    target = Target(build_filter(NAME).read_bytes(), NAME, SCENARIO, 2)
    with LiveSession(lab, target) as session:
        done = session.run(script, timeout=60)
        assert session.server.left_behind() == []
    assert done.code == 0, done.output
    assert "MP (2 procs)" in done.output
    looks = [line.split(" ", 1)[1].strip() for line in done.output.splitlines() if line.startswith("looks")]
    second = "1 0xffffe40000115f00 msr[c0000101] = fffff800`08010000"
    assert looks == [second, "0 0xffffe40000015f00 msr[c0000101] = fffff800`08000000", second]
