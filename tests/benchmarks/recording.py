"""How fast a recording is written, read, and verified byte by byte."""

import tempfile
import time
import tracemalloc
from pathlib import Path
from typing import Callable, Dict

from pykd_dumpfilt.recording import read_recording

from .synthetic import BUFFER, write_recording

__all__ = ["run"]


def run(transfers: int = 512) -> Dict[str, float]:
    """Calls and MiB of captured buffer (both sides) a second, peak of Python's own memory in MiB."""
    figures: Dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.dumpfilt"
        work: Dict[str, Callable[[], object]] = {
            "write": lambda: write_recording(path, transfers),
            "read": lambda: sum(1 for _ in read_recording(path)),
            "verify": lambda: read_recording(path).verify(),
        }
        for name, action in work.items():
            started = time.perf_counter()
            action()
            seconds = time.perf_counter() - started
            figures[f"{name}_calls_per_s"] = 2 * transfers / seconds
            figures[f"{name}_mib_per_s"] = 2 * transfers * 2 * BUFFER / 2**20 / seconds
        for name in ("read", "verify"):
            # Apart from the timing: tracing memory slows it several times.
            tracemalloc.start()
            work[name]()
            figures[f"{name}_peak_mib"] = tracemalloc.get_traced_memory()[1] / 2**20
            tracemalloc.stop()
    return figures
