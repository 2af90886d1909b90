"""``docs/windbg.md``: a session typed at the prompt of a real DbgEng, with what it said.

The page is its own script. In its blocks marked ``windbg``, what follows ``kd>`` is typed, in order, into one
session, and the lines below become what came back; a block ``text title="PATH"`` becomes a file that the
session left. Everything else is prose.
"""

import re
import tempfile
from pathlib import Path
from typing import Iterator, List

from pykd_dumpfilt.emulator import Scenario, Target

from ..lab.host import DebuggerHost
from ..lab.session import Lab, LiveSession
from ..lab.toolchain import build_filter

__all__ = ["PAGE", "comparable", "renew"]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "windbg.md"

# A filter with no symbols at all, under the name that a reader's filter has.
_FILTER, _NAME = "no_symbols", "myfilter"
_LIFE = Scenario("life", seed=5, calls=12, pages=16, attach="boot")
_DRIVE, _FOLDER = "d:", "traces"
_PROMPT = "kd> "
_BLOCK = re.compile(r'^```(windbg|text title="(\S+)")\n(.*?)^```$', re.MULTILINE | re.DOTALL)
_ATTACHING = re.compile(r"\A(?:.*\n)*?(?=kd> )")

# What differs from one run to the next: how fast the machine is, and what day it is.
_VARYING = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "TIME"),
    (re.compile(r"\d{4}-\d\d-\d\d(?: \d\d:\d\d(?: UTC)?)?"), "DATE"),
    (re.compile(r"(?<![\w.])[\d.,]+ (?:us|ms|s|min|h)\b(?: \d+ min)?"), "DURATION"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "SHA-256"),
)


def renew(page: str, lab: Lab) -> str:
    """The page with what today's code says to the same commands.

    Raises:
        LabError: the session failed.
    """
    target = Target(build_filter(_FILTER).read_bytes(), _NAME, _LIFE)
    with tempfile.TemporaryDirectory() as temporary:
        disk = Path(temporary)
        (disk / _FOLDER).mkdir()
        with LiveSession(lab, target) as session:
            (session.prefix / "dosdevices" / _DRIVE).symlink_to(disk)
            with DebuggerHost(session) as windbg:
                text = _BLOCK.sub(lambda block: _block(block, windbg, disk), page)
            left = session.server.left_behind()
    assert left == [], left
    return text


def comparable(page: str) -> str:
    """The page without what no two runs have in common."""
    for pattern, word in _VARYING:
        page = pattern.sub(word, page)
    return page


def _block(block: "re.Match[str]", windbg: DebuggerHost, disk: Path) -> str:
    kind, path, content = block.groups()
    if path is not None:
        relative = path.replace("\\", "/").split("/", 1)[1]
        said = (disk / relative).read_text(encoding="utf-8").rstrip("\n") + "\n"
    else:
        said = "".join(_typed(windbg, command) for command in _commands(content))
    return f"```{kind}\n{said}```"


def _commands(content: str) -> Iterator[str]:
    for line in content.splitlines():
        if line.startswith(_PROMPT):
            yield line[len(_PROMPT) :]


def _typed(windbg: DebuggerHost, command: str) -> str:
    lines: List[str] = [line.rstrip() for line in windbg.type(command).splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    return "\n".join([_PROMPT + command, *lines]) + "\n"
