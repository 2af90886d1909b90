"""The lab itself: real pykd and DbgEng attach to the KD server, and agree with the target."""

import hashlib
import json
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

from pykd_dumpfilt.emulator import BreakpointHit, Event, Scenario, Stopped, Target

from ..lab.errors import LabError
from ..lab.processes import live_processes
from ..lab.session import Lab, LiveSession
from ..lab.toolchain import build_filter
from ..lab.wine import MARK

pytestmark = pytest.mark.live

PROBE = Path(__file__).with_name("guest_probe.py")
SCENARIO = Scenario("hibernate", seed=3, calls=2, pages=2)


def facts(output: str) -> List[Dict[str, Any]]:
    return [json.loads(line[6:]) for line in output.splitlines() if line.startswith("fact: ")]


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_pykd_sees_what_the_target_holds(lab: Lab) -> None:
    target = Target(build_filter("pass_through").read_bytes(), "pass_through", SCENARIO)
    held: List[Tuple[str, str]] = []
    breaks: List[int] = []

    def observe(event: Event) -> None:
        if isinstance(event, BreakpointHit):
            mdl = target.get_register("r8")

            def field(offset: int, size: int) -> int:
                return int.from_bytes(target.read_virtual(mdl + offset, size), "little")

            size = min(field(0x28, 4), 4096 - field(0x2C, 4))
            virtual = target.read_virtual(field(0x18, 8), size)
            physical = target.read_physical((field(0x30, 8) << 12) + field(0x2C, 4), size)
            held.append((digest(virtual), digest(physical)))
            breaks.append(event.address)

    with LiveSession(lab, target, observe) as session:
        result = session.run(PROBE, ["hiber_pass_through"], timeout=120)
        mark = session.mark
        server = session.server
    assert result.code == 0, result.output
    said = facts(result.output)

    assert said[0] == {"attached": True, "ip": "nt!DbgBreakPointWithStatus"}
    assert said[1] == {"modules": ["nt", "crashdmp"]}
    base = 0xFFFFF80031000000
    assert said[2] == {"loaded": "hiber_pass_through", "base": base}
    hits = [fact for fact in said if "hit" in fact]
    assert [(fact["virtual"], fact["physical"]) for fact in hits] == held
    assert [fact["hit"] for fact in hits[:2]] == ["hiber_pass_through!Dump_Write"] * 2
    assert {fact["hit"] for fact in hits[2:]} == {"hiber_pass_through!Dump_Read"}
    assert len(hits) > 3
    assert said[-2] == {"unloaded": "hiber_pass_through", "base": base}
    # The end of the scenario: no breakpoint of ours, and RIP where the kernel's last break is.
    assert said[-1] == {"stopped": "Break", "ip": "nt!DbgBreakPointWithStatus", "left": 0}

    assert isinstance(server.event, Stopped)
    assert server.event.reason == "ended"
    assert server.breakpoints_written != []
    assert server.left_behind() == []
    assert live_processes(MARK, mark) == []
    # What the filter printed went to the debugger.
    assert server.statistics.snapshot().packets["debug i/o"] == 1


def test_reading_a_buffer_costs_what_the_protocol_asks(lab: Lab, tmp_path: Path) -> None:
    """64 KiB of contiguous physical memory are 17 packets: 65536 / 3944."""
    script = tmp_path / "read.py"
    script.write_text(
        "import pykd, sys\n"
        "pykd.attachKernel(sys.argv[1])\n"
        "pykd.loadBytes(0x10000, 65536, True)\n"
        "print(pykd.dbgCommand('.lastevent'))\n"
    )
    target = Target(build_filter("pass_through").read_bytes(), "pass_through", SCENARIO)
    with LiveSession(lab, target) as session:
        result = session.run(script, timeout=60)
        counted = session.server.statistics.snapshot()
    assert result.code == 0, result.output
    assert counted.packets["read physical memory"] == 17
    assert counted.payload["read physical memory"] == 65536


def test_nothing_is_left_of_a_script_that_hangs(lab: Lab, tmp_path: Path) -> None:
    script = tmp_path / "hang.py"
    script.write_text(
        "import pykd, sys, time\n"
        "pykd.attachKernel(sys.argv[1])\n"
        "print('attached', flush=True)\n"
        "time.sleep(600)\n"
    )
    target = Target(build_filter("pass_through").read_bytes(), "pass_through", SCENARIO)
    with LiveSession(lab, target) as session:
        mark = session.mark
        with session.start(script) as guest:
            guest.wait_for("attached", 60)
            assert live_processes(MARK, mark) != []
            with pytest.raises(LabError, match=r"did not end in 0 s; it last said:\s+attached"):
                guest.wait(0.1)
        assert session.server.left_behind() == []
    assert live_processes(MARK, mark) == []


def test_sessions_at_the_same_time_do_not_disturb_each_other(lab: Lab) -> None:
    image = build_filter("pass_through").read_bytes()
    with LiveSession(lab, Target(image, "pass_through", SCENARIO)) as first:
        with LiveSession(lab, Target(image, "pass_through", SCENARIO)) as second:
            assert first.mark != second.mark
            with first.start(PROBE, ["hiber_pass_through"]) as one:
                result = second.run(PROBE, ["hiber_pass_through"], timeout=120)
                assert result.code == 0, result.output
                done = one.wait(120)
        # The second's end took its own Wine down and nothing else.
        assert done.code == 0, done.output
        again = first.run(PROBE, ["hiber_pass_through"], timeout=60)
    assert facts(done.output) == facts(result.output)
    # Its target had ended: attached, modules, and at once the same last break again.
    assert [sorted(fact) for fact in facts(again.output)] == [
        ["attached", "ip"],
        ["modules"],
        ["ip", "left", "stopped"],
    ]
