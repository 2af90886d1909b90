"""How fast a recording is checked, and in how much memory. Each check runs in a process of its own."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict

from .synthetic import BUFFER, write_recording

__all__ = ["run"]

_SIDES = 2

_CHILD = """
import json, resource, sys, time
from pathlib import Path
from pykd_dumpfilt.checking import check
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
started = time.perf_counter()
result = check(Path(sys.argv[1]))
seconds = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([seconds, before / 1024, peak / 1024, result.verdict, result.calls]))
"""


def run(transfers: int = 2048) -> Dict[str, float]:
    """Throughput of :func:`pykd_dumpfilt.checking.check` over two sizes; the larger shows what grows."""
    figures: Dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, count in (("small", transfers // 4), ("large", transfers)):
            path = write_recording(Path(folder) / name, count)
            done = subprocess.run(
                [sys.executable, "-c", _CHILD, str(path)], stdout=subprocess.PIPE, check=True
            )
            seconds, before, peak, verdict, calls = json.loads(done.stdout)
            if verdict != "pass":
                raise SystemExit(f"the synthetic recording must pass, and the verdict was {verdict}")
            mebibytes = 2 * count * _SIDES * BUFFER / 2**20
            figures[f"{name}_captured_mib"] = mebibytes
            figures[f"{name}_mib_per_s"] = mebibytes / seconds
            figures[f"{name}_calls_per_s"] = calls / seconds
            figures[f"{name}_import_mib"] = before
            figures[f"{name}_peak_mib"] = peak
            figures[f"{name}_bytes_per_call"] = _size(path) / calls
            figures[f"{name}_line_bytes_per_call"] = (path / "calls.jsonl").stat().st_size / calls
    return figures


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in path.iterdir())
