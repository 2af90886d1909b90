"""The debugger port on real pykd and DbgEng, held against the target that they look at."""

import json
from pathlib import Path
from typing import Any, Dict

import pytest

from pykd_dumpfilt.emulator import BreakpointHit, ModuleLoaded, Scenario, Target
from pykd_dumpfilt.emulator.events import Event

from ..lab.session import Lab, LiveSession
from ..lab.toolchain import build_filter
from .guest_port import RESULT

pytestmark = pytest.mark.live

GUEST = Path(__file__).with_name("guest_port.py")


def test_the_port_on_pykd(lab: Lab) -> None:
    target = Target(build_filter("aes_xts").read_bytes(), "aes_xts", Scenario("hibernate", calls=9, pages=2))
    headers: Dict[str, str] = {}
    exports: Dict[str, int] = {}

    wide: Dict[str, int] = {}

    def observe(event: Event) -> None:
        if isinstance(event, BreakpointHit) and event.address == exports.get("Dump_Read") and not wide:
            wide.update({f"xmm{number}": target.get_register(f"xmm{number}") for number in range(16)})
        if isinstance(event, ModuleLoaded):
            exports.update(event.module.exports)
            headers["64"] = target.read_virtual(event.module.base, 64).hex()

    with LiveSession(lab, target, observe) as session:
        done = session.run(GUEST, timeout=120)
        assert session.server.left_behind() == []
    lines = [line for line in done.output.splitlines() if line.startswith(RESULT)]
    assert len(lines) == 1, done.output
    seen: Dict[str, Any] = json.loads(lines[0][len(RESULT) :])

    assert (seen["machine"], seen["engine"]) == ("x64", "pykd")
    assert seen["target"].startswith("Windows 10 Kernel Version 19041")
    # The first handler removed itself in its own first hit; the second stopped the target at the fourth.
    assert seen["hits"] == ["first", "second", "second", "second"]
    assert seen["stop"][0] == "break"
    assert seen["outlives_its_callback"] == 2
    assert seen["where"]["rip"] == exports["Dump_Read"] == seen["symbol"]
    assert "nonsense" not in seen["where"]
    assert seen["where"]["cr8"] == 15
    assert len(set(wide.values())) == 16
    assert seen["wide"] == wide
    # A hibernation is no bug check.
    assert seen["bug_check"] is None
    name, base, size = seen["module"]
    assert name == "hiber_aes_xts"
    assert seen["listed"] == ["nt", "crashdmp", "hiber_aes_xts"]
    assert seen["no_symbol"] is None
    assert seen["no_module"] is None

    assert seen["header"] == headers["64"]
    assert seen["odd"] == headers["64"][2:8]
    assert seen["empty"] == ""
    assert seen["across_the_end"] == [base + size - 16, 64, 16, True]
    assert seen["page_then_gap"] == [base + size - 0x1000, 0x3000, 0x1000, True]
    assert seen["unmapped"] == [0xFFFF900000000000, 8, 0, True]
    assert len(seen["physical"]) == 128
    assert seen["no_physical"] == [1 << 45, 8, 0, True]

    assert seen["memory"] == 192 << 20
    assert seen["registers_free"] == [4, 3, 2, 1, 0, 4]
    assert "no debug register is free" in seen["fifth"][0]
    # The first hit went by; at the second the user got a breakpoint at the same address, which is told at
    # the third; the fourth is both breakpoints' as int3.
    assert seen["given_way"] == [True, True]
    assert seen["hardware_hits"] == 4
    assert seen["raised"] is True
    assert seen["breaks"][-1].startswith("nt!DbgBreakPointWithStatus")
    assert seen["at_the_end"].startswith("nt!DbgBreakPointWithStatus")
    assert seen["users_breakpoints"] == 1
    assert seen["unloaded_after_watch_ended"] == []
    # Its RuntimeError text is for the user; the target never saw it.
    assert "a bug in a handler" in done.output
