"""doctor at real pykd and DbgEng: what is wrong with a target, and the remedy."""

from pathlib import Path
from typing import Dict

import pytest

from pykd_dumpfilt.emulator import Scenario, Target

from ..lab.session import Lab, LiveSession
from ..lab.toolchain import build_filter
from ..lab.wine import windows_path
from .typed import commands

pytestmark = pytest.mark.live

GUEST = Path(__file__).with_name("guest_doctor.py")


def said(live: LiveSession, what: str, folder: Path) -> Dict[str, str]:
    """What each command printed, and its exit code in front."""
    done = live.run(GUEST, [what, windows_path(folder)], timeout=120)
    return {name: f"{code} {text}" for name, code, text in commands(done.output)}


@pytest.fixture
def target() -> Target:
    scenario = Scenario("life", calls=2, pages=2, attach="boot")
    return Target(build_filter("no_symbols").read_bytes(), "no_symbols", scenario)


def test_breakpoints_of_somebody_elses_and_a_dump_file(lab: Lab, tmp_path: Path, target: Target) -> None:
    owned = (
        "note  breakpoints: dump_no_symbols has some that no trace of this interpreter owns: "
        "0xfffff80031001010, 0xfffff80031001020\n      remedy: if they are not yours (bl lists yours"
    )
    with LiveSession(lab, target) as live:
        kernel = said(live, "breakpoints", tmp_path)
        assert live.server.left_behind() == []
        dump = said(live, "dump", tmp_path)
    assert owned in kernel["before"]
    assert "ok    tracing: nothing started in this interpreter" in kernel["before"]
    # Our own five are not among them.
    assert owned in kernel["during"]
    assert "note  tracing: no_symbols: armed" in kernel["during"]
    assert "type stop first" in kernel["during"]
    assert "ok    tracing: no_symbols: stopped" in kernel["after"]
    assert "breakpoints: " not in kernel["after"]

    assert dump["nothing"].startswith("2 ")
    assert "remedy: no target: attach to a kernel first" in dump["nothing"]
    assert dump["dump"].startswith("2 ")
    assert "remedy: this target is a dump file: nothing runs in it" in dump["dump"]
    assert "Attach to a live kernel (windbg -k)" in dump["dump"]
    assert dump["start"].startswith("2 dumpfilt: error: this target is a dump file")
    assert list(tmp_path.glob("*no_symbols*")) == []


def test_no_kernel(lab: Lab, tmp_path: Path, target: Target) -> None:
    with LiveSession(lab, target) as live:
        process = said(live, "process", tmp_path)
    remedy = "not a kernel target: dump filters run in the kernel; attach with windbg -k"
    assert process["process"].startswith("2 ")
    assert f"remedy: {remedy}" in process["process"]
    assert process["start"] == f"2 dumpfilt: error: {remedy}"


@pytest.mark.parametrize("lab", ["3.11"], indirect=True)
def test_a_python_that_pykd_has_no_wheels_for(lab: Lab, tmp_path: Path, target: Target) -> None:
    with LiveSession(lab, target) as live:
        missing = said(live, "missing", tmp_path)
    doctor = missing["missing"]
    assert doctor.startswith("2 ")
    assert "on Python 3.11." in doctor
    assert (
        "FAIL  Python: 3.11: pykd's newest wheels are for Python 3.8 and 3.9\n"
        "      remedy: install Python 3.8 or 3.9, and py -3.8 -m pip install pykd pykd-dumpfilt. "
    ) in doctor
    assert "FAIL  pykd: missing\n      remedy: pykd is not installed in this Python" in doctor
    assert missing["start"].startswith("2 dumpfilt: error: pykd is not installed in this Python")
