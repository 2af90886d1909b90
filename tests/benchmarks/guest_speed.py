"""Runs under Wine: traces Dump_Read of one filter, and says how long that took and where the time went.

``guest_speed.py CONNECTION FILTER OUTPUT PROFILE`` prints one line of JSON; with PROFILE "yes" Python's
profiler looks on, which takes time of its own.
"""

import cProfile
import json
import pstats
import sys
import time
from typing import Dict, Optional

from tests.benchmarks.guest_baselines import RESULT

# By the file that a function is in. What pykd and ctypes call is no function to the profiler: its time counts
# for who calls it.
_PARTS = {
    "dbgeng.py": "memory and registers: engine and wire",
    "pykd_debugger.py": "memory and registers: engine and wire",
    "recording": "recording",
    "trace": "tracing",
    "structures": "decoding",
}


def main(connection: str, filter_name: str, output: str, profile: str) -> int:
    import pykd

    from pykd_dumpfilt.debugger.pykd_debugger import PykdDebugger
    from pykd_dumpfilt.trace import Selection, record

    pykd.attachKernel(connection)
    debugger = PykdDebugger()
    profiler = cProfile.Profile()
    if profile == "yes":
        profiler.enable()
    began = time.perf_counter()
    summary = record(debugger, filter_name, output, selection=Selection(callbacks=("Dump_Read",)))
    seconds = time.perf_counter() - began
    profiler.disable()
    result = {"seconds": seconds, "calls": summary.status.calls["Dump_Read"], "parts": {}}
    if profile == "yes":
        result["parts"] = _parts(profiler)
    print(RESULT + json.dumps(result, sort_keys=True), flush=True)
    return 0


def _parts(profiler: cProfile.Profile) -> Dict[str, float]:
    """Seconds by part of the work; functions of the interpreter count for who called them most."""
    found: Dict[str, float] = {}
    for (file, _, name), row in pstats.Stats(profiler).stats.items():  # type: ignore[attr-defined]
        own, callers = row[2], row[4]
        part = _part(file, name)
        if part is None and callers:
            (caller_file, _, caller_name), _ = max(callers.items(), key=lambda one: float(one[1][3]))
            part = _part(caller_file, caller_name)
        found[part or "other"] = found.get(part or "other", 0.0) + own
    return found


def _part(file: str, name: str) -> Optional[str]:
    if name == "run" and file.endswith("pykd_debugger.py"):
        return "stopping and going on: engine, wire and target"
    return next((part for key, part in _PARTS.items() if key in file.replace("\\", "/").split("/")), None)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
