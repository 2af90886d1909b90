"""KD packets for one Dump_Read call of 64 KiB: entry and return, the buffer captured on both sides.

Counted at the KD server between one entry of Dump_Read and the next, so everything that a call costs is in:
breakpoints, registers, structures, the buffer twice, going on.
"""

import statistics
import struct
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Dict, List, Optional, Tuple

from pykd_dumpfilt.emulator import BreakpointHit, Event, ModuleLoaded, Scenario, Target

from ..lab.kd_statistics import Snapshot
from ..lab.session import LiveSession, prepare
from ..lab.toolchain import build_filter
from ..lab.wine import windows_path

__all__ = ["run"]

_FILTER = "aes_xts"
_SIZE = 0x10000
_GUEST = Path(__file__).resolve().parent.parent / "lab" / "guest_record.py"
_BYTE_COUNT = 0x28  # MDL.ByteCount, x64


def run() -> Dict[str, float]:
    """Data packets and bytes on the wire for one call, the median over all calls of 64 KiB.

    Packets are the debugger's requests and the target's state changes; replies and acknowledgements are not
    counted.
    """
    target = Target(build_filter(_FILTER).read_bytes(), _FILTER, Scenario("hibernate", seed=1, calls=12))
    entry: Optional[int] = None
    marks: List[Tuple[int, Snapshot]] = []

    def observe(event: Event) -> None:
        nonlocal entry
        if isinstance(event, ModuleLoaded):
            entry = event.module.exports["Dump_Read"]
        if isinstance(event, BreakpointHit) and event.address == entry:
            mdl = target.get_register("r8")
            (size,) = struct.unpack("<I", target.read_virtual(mdl + _BYTE_COUNT, 4))
            marks.append((size, session.server.statistics.snapshot()))

    with tempfile.TemporaryDirectory() as folder:
        session = LiveSession(prepare(), target, observe)
        with session:
            arguments = [_FILTER, windows_path(Path(folder) / "run.dumpfilt")]
            done = session.run(_GUEST, arguments, timeout=300)
        if done.code != 0:
            raise SystemExit(f"the live trace failed:\n{done.output}")
    costs = [later - earlier for (size, earlier), (_, later) in zip(marks, marks[1:]) if size == _SIZE]
    if not costs:
        raise SystemExit("no Dump_Read call of 64 KiB was followed by another: choose another seed")
    figures = {
        "calls": float(len(costs)),
        "packets_per_call": statistics.median(cost.total for cost in costs),
        "packets_per_call_min": float(min(cost.total for cost in costs)),
        "packets_per_call_max": float(max(cost.total for cost in costs)),
        "wire_bytes_per_call": statistics.median(cost.received + cost.sent for cost in costs),
    }
    kinds: Dict[str, int] = defaultdict(int)
    for cost in costs:
        for kind, count in cost.packets.items():
            kinds[kind] += count
    for kind, count in sorted(kinds.items()):
        figures[kind.replace(" ", "_")] = count / len(costs)
    return figures
