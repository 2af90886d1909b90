"""What full capture costs in time: calls per second against two empty callbacks at the same places of the
same target, as a ratio within one run, and where the rest goes."""

import json
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Sequence

from pykd_dumpfilt.emulator import Scenario, Target

from ..lab.session import Lab, LiveSession, prepare
from ..lab.toolchain import build_filter
from ..lab.wine import windows_path
from .guest_baselines import RESULT

__all__ = ["run"]

_FILTER = "aes_xts"
_SCENARIO = Scenario("hibernate", seed=1, calls=64)
_HERE = Path(__file__).resolve().parent
_ROUNDS = 3


def run() -> Dict[str, float]:
    """Each way three times in turns, the fastest of each, and one more with the profiler."""
    lab = prepare()
    empty: List[Dict[str, Any]] = []
    full: List[Dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        place = windows_path(Path(folder))
        for number in range(_ROUNDS):
            baseline = ["empty", _FILTER, place.replace("\\", "/")]
            empty.append(_session(lab, "guest_baselines.py", baseline))
            full.append(_session(lab, "guest_speed.py", [_FILTER, f"{place}\\{number}", "no"]))
        profiled = _session(lab, "guest_speed.py", [_FILTER, place + "\\profiled", "yes"])
    best_empty = max(one["calls"] / one["seconds"] for one in empty)
    best_full = max(one["calls"] / one["seconds"] for one in full)
    figures = {
        "calls": float(full[0]["calls"]),
        "calls_per_second_empty": best_empty,
        "calls_per_second_full": best_full,
        "empty_to_full": best_empty / best_full,
    }
    parts: Dict[str, float] = profiled["parts"]
    whole = sum(parts.values())
    for part, seconds in sorted(parts.items(), key=lambda one: -one[1]):
        figures[f"share of {part}"] = seconds / whole
    return figures


def _session(lab: Lab, script: str, arguments: Sequence[str]) -> Dict[str, Any]:
    target = Target(build_filter(_FILTER).read_bytes(), _FILTER, _SCENARIO)
    with LiveSession(lab, target) as session:
        done = session.run(_HERE / script, arguments, timeout=300)
    lines = [line for line in done.output.splitlines() if line.startswith(RESULT)]
    if done.code != 0 or len(lines) != 1:
        raise SystemExit(f"the session failed:\n{done.output}")
    answer: Dict[str, Any] = json.loads(lines[0][len(RESULT) :])
    return answer
