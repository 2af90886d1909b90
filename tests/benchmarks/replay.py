"""How fast a recording is checked, and in how much memory. Each check runs in a process of its own.

Three kinds of recordings: "plain" (every page is new, page numbers alone tell that all is well), "mixed" (as
systems make them; a part of the pages must be read, verified and compared) and "few" (as plain, with few
distinct pages: a very large number of calls in little room).
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Callable, Dict

from .mixed import write_mixed
from .synthetic import BUFFER, write_recording

__all__ = ["KINDS", "run", "run_large"]

_SIDES = 2
_LINE = 3500
_FEW = 256

KINDS: Dict[str, Callable[[Path, int], Path]] = {
    "plain": write_recording,
    "mixed": write_mixed,
    "few": lambda path, transfers: write_recording(path, transfers, _FEW),
}

# VmHWM and not ru_maxrss: the latter begins with what the parent had in memory when it started this process.
_CHILD = """
import json, os, sys, time
from pykd_dumpfilt.checking import check

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024

def look(now):
    # Temporary files have no name, and so no links.
    global temporary
    found = 0
    for fd in os.listdir("/proc/self/fd"):
        try:
            entry = os.fstat(int(fd))
        except OSError:
            continue
        found += entry.st_size if entry.st_nlink == 0 else 0
    temporary = max(temporary, found)

temporary = 0
before = peak()
used, started = time.process_time(), time.perf_counter()
result = check(sys.argv[1], look if sys.argv[2] == "look" else None)
seconds = time.perf_counter() - started
processor = time.process_time() - used
print(json.dumps([seconds, processor, before, peak(), temporary / 2**20, result.verdict, result.calls]))
"""


def run(transfers: int = 2048) -> Dict[str, float]:
    """Throughput of :func:`pykd_dumpfilt.checking.check` over two sizes; the larger shows what grows,
    and over the mixed kind."""
    figures: Dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, kind, count in (
            ("small", "plain", transfers // 4),
            ("large", "plain", transfers),
            ("mixed", "mixed", transfers),
        ):
            path = KINDS[kind](Path(folder) / name, count)
            figures.update({f"{name}_{key}": value for key, value in _measure(path, "").items()})
            shutil.rmtree(path)
    return figures


def run_large(gibibytes: int, kind: str) -> Dict[str, float]:
    """Check a recording of that much captured buffer (both sides), made on the disk for temporary files; also
    tells how much the check puts aside in temporary files."""
    transfers = gibibytes * 2**30 // (2 * _SIDES * BUFFER)
    # All that is captured but "few" is distinct; what Dump_Read was given and gave has been there before.
    needed = 2 * transfers * _LINE + (0 if kind == "few" else transfers * _SIDES * BUFFER)
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < needed * 1.2:
        raise SystemExit(
            f"{needed / 2**30:.1f} GiB are needed in {tempfile.gettempdir()}, and {free / 2**30:.1f} GiB are "
            "free there: make room, or name another folder in TMPDIR"
        )
    with tempfile.TemporaryDirectory() as folder:
        print(f"writing {needed / 2**30:.1f} GiB in {folder}", file=sys.stderr)
        return _measure(KINDS[kind](Path(folder) / kind, transfers), "look")


def _measure(path: Path, how: str) -> Dict[str, float]:
    done = subprocess.run([sys.executable, "-c", _CHILD, str(path), how], stdout=subprocess.PIPE, check=True)
    seconds, processor, before, peak, temporary, verdict, calls = json.loads(done.stdout)
    if verdict != "pass":
        raise SystemExit(f"the synthetic recording must pass, and the verdict was {verdict}")
    size = sum(file.stat().st_size for file in path.iterdir())
    mebibytes = _captured(path / "calls.jsonl") / 2**20
    figures = {
        "captured_mib": mebibytes,
        "mib_per_s": mebibytes / seconds,
        "mib_per_cpu_s": mebibytes / processor,
        "calls_per_s": calls / seconds,
        "import_mib": before,
        "peak_mib": peak,
        "bytes_per_call": size / calls,
        "line_bytes_per_call": (path / "calls.jsonl").stat().st_size / calls,
    }
    if how:
        figures["temporary_mib"] = temporary
    return figures


def _captured(lines: Path) -> int:
    """Bytes of buffer at both sides of all calls."""
    total = 0
    with lines.open("rb") as file:
        for line in file:
            if line.startswith(b'{"kind": "call"'):
                record = json.loads(line)
                total += sum(one["size"] for side in ("entry", "exit") for one in record[side]["buffers"])
    return total
