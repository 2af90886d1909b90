"""Recordings of the lab's filters in the emulator, scrubbed."""

from pathlib import Path
from typing import Tuple

from pykd_dumpfilt.checking import CheckResult, check
from pykd_dumpfilt.emulator import EmulatorDebugger, Scenario, Target
from pykd_dumpfilt.scrubbing import new_key, scrub
from pykd_dumpfilt.trace import Limits, record

from ..lab.toolchain import build_filter

__all__ = ["judged_before_and_after"]


def judged_before_and_after(name: str, scenario: Scenario, folder: Path) -> Tuple[CheckResult, CheckResult]:
    """What the rules say of a filter's recording, and of the same one scrubbed; the pages next to buffers are
    recorded too."""
    short = name.rpartition("/")[2]
    target = Target(build_filter(name).read_bytes(), short, scenario)
    run = record(EmulatorDebugger(target), short, folder / "run", limits=Limits(around=1))
    done = scrub(run.path, folder / "new", new_key())
    return check(run.path), done.result
