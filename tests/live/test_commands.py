"""start, g, status, decode, stop: typed into the process that holds real pykd and DbgEng."""

import re
from pathlib import Path
from typing import Dict, List, Tuple

import pytest

from pykd_dumpfilt.checking import check
from pykd_dumpfilt.emulator import Scenario, Target

from ..lab.session import Lab, LiveSession
from ..lab.toolchain import build_filter
from ..lab.wine import windows_path

pytestmark = pytest.mark.live

GUEST = Path(__file__).with_name("guest_commands.py")


def test_a_session_typed_by_hand(lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / "typed.dumpfilt"
    target = Target(build_filter("aes_xts").read_bytes(), "aes_xts", Scenario("hibernate", calls=3, pages=2))
    with LiveSession(lab, target) as session:
        done = session.run(GUEST, [windows_path(path)], timeout=120)
        assert session.server.left_behind() == []
    typed = commands(done.output)
    names = " ".join(command.split(" ")[0] for command, _, _ in typed)
    assert names == "doctor doctor status start start g status decode decode g stop status rule", done.output

    before, attached = (text for command, _, text in typed if command == "doctor")
    assert "no live kernel target" in before
    assert "ok    target: Windows 10 Kernel Version 19041" in attached
    assert "no dump_ or hiber_ module is loaded" in attached

    # Nothing started yet: a usage error that says what to type.
    assert code_of(typed, 2) == "2"
    assert "start MODULE first" in typed[2][2]
    assert code_of(typed, 3) == "0"
    assert "hiber_aes_xts are not loaded yet" in typed[3][2]
    assert "Type g." in typed[3][2]
    assert code_of(typed, 4) == "2"
    assert "aes_xts is being traced already" in typed[4][2]

    status = typed[6][2]
    # Four callbacks and the return of the open call; Dump_Unload is not called in the middle of a dump.
    assert "aes_xts: armed, 5 breakpoints" in status
    assert "Dump_Read  (FILTER_INITIALIZATION_DATA)" in status
    assert "Dump_Write 3" in status
    assert "1 entered and not yet returned" in status
    assert re.search(r"\+0x18 MappedSystemVa +0xffff", typed[7][2])
    assert "DumpTypeHibernation" in typed[8][2]

    assert code_of(typed, 10) == "0"
    assert "no breakpoint of ours is left" in typed[10][2]
    assert "PASS" in typed[10][2]
    assert "stopped" in typed[11][2]
    # The pages of the rules come with the package, wherever it runs.
    assert code_of(typed, 12) == "0"
    assert "DF-READ-003  (error, read)" in typed[12][2]
    assert "When it may be waived" in typed[12][2]
    assert check(path).verdict.value == "pass"


def commands(output: str) -> List[Tuple[str, str, str]]:
    """Each command typed, its exit code (empty for the debugger's own), and what it printed."""
    found: List[Tuple[str, str, str]] = []
    text: Dict[int, List[str]] = {}
    for line in output.splitlines():
        if line.startswith("> "):
            found.append((line[2:], "", ""))
        elif line.startswith("< ") and found:
            found[-1] = (found[-1][0], line[2:], "\n".join(text.get(len(found), [])))
        else:
            text.setdefault(len(found), []).append(line)
    return found


def code_of(typed: List[Tuple[str, str, str]], index: int) -> str:
    return typed[index][1]
