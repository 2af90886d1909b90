"""How fast a recording is scrubbed, and in how much memory, in a process of its own. The two judgements at
its end are in it."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict

from .mixed import write_mixed
from .synthetic import PAGE

__all__ = ["run"]

# VmHWM and not ru_maxrss: the latter begins with what the parent had in memory when it started this process.
_CHILD = """
import json, sys, time
from pykd_dumpfilt.scrubbing import new_key, scrub

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024

before = peak()
used, started = time.process_time(), time.perf_counter()
done = scrub(sys.argv[1], sys.argv[2], new_key())
seconds, processor = time.perf_counter() - started, time.process_time() - used
print(json.dumps([seconds, processor, before, peak(), done.counts.pages]))
"""


def run(transfers: int = 512) -> Dict[str, float]:
    """Over the mixed kind of recording; MiB are of distinct pages."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_mixed(Path(folder) / "run", transfers)
        arguments = [sys.executable, "-c", _CHILD, str(path), str(Path(folder) / "new")]
        done = subprocess.run(arguments, stdout=subprocess.PIPE, check=True)
    seconds, processor, before, peak, pages = json.loads(done.stdout)
    mebibytes = pages * PAGE / 2**20
    return {
        "pages_mib": mebibytes,
        "mib_per_s": mebibytes / seconds,
        "mib_per_cpu_s": mebibytes / processor,
        "cpu_ms_per_page": processor / pages * 1000,
        "import_mib": before,
        "peak_mib": peak,
    }
