"""The commands as a user types them, at the prompt of a debugger that holds real pykd and DbgEng."""

from pathlib import Path

import pytest

from pykd_dumpfilt.checking import check
from pykd_dumpfilt.emulator import Scenario, Target

from ..lab.host import DebuggerHost
from ..lab.session import Lab, LiveSession
from ..lab.toolchain import build_filter
from ..lab.wine import windows_path

pytestmark = pytest.mark.live

DUMPFILT = "!py -g -m pykd_dumpfilt"


def test_a_session_typed_by_hand(lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / "typed.dumpfilt"
    target = Target(build_filter("aes_xts").read_bytes(), "aes_xts", Scenario("hibernate", calls=3, pages=2))
    with LiveSession(lab, target) as session, DebuggerHost(session) as windbg:
        windbg.load_pykd()
        assert "Type g." in windbg.type(f"{DUMPFILT} start aes_xts -o {windows_path(path)}")
        windbg.type("g")
        assert "PASS" in windbg.type(f"{DUMPFILT} stop")
        assert windbg.exit_code == 0
        assert session.server.left_behind() == []
    assert check(path).verdict.value == "pass"
