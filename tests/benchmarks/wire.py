"""KD packets for one Dump_Read call of 64 KiB: entry and return, the buffer captured on both sides.

Counted at the KD server between one entry of Dump_Read and the next, so everything that a call costs is in:
breakpoints, registers, structures, the buffer twice, going on. Packets are the debugger's requests and the
target's state changes; replies and acknowledgements are not counted.

Each figure comes from a session of its own, over the same calls in the same order. Sessions run side by side,
each in a process of its own: they wait most of the time, and counts do not change by it.
"""

import multiprocessing
import statistics
import struct
import tempfile
from collections import defaultdict
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence, Tuple

from pykd_dumpfilt.debugger import PAGE_SIZE, READ_SIZE
from pykd_dumpfilt.emulator import BreakpointHit, Event, ModuleLoaded, Scenario, Target

from ..lab.kd_statistics import Snapshot
from ..lab.session import Lab, LiveSession, prepare
from ..lab.toolchain import build_filter
from ..lab.wine import windows_path

__all__ = ["run"]

_FILTER = "aes_xts"
_SCENARIO = Scenario("hibernate", seed=1, calls=24)
_AT_ONCE = 4
_SIZE = 0x10000
_LARGE = 0x8000
_HERE = Path(__file__).resolve().parent
_TRACE = _HERE.parent / "lab" / "guest_record.py"
_BASELINES = _HERE / "guest_baselines.py"
_MDL = struct.Struct("<QhHIQQQII")  # Next, Size, MdlFlags, AllocationProcessorNumber, Process, ... (wdm.h)


@dataclass(frozen=True)
class _Call:
    """One call of Dump_Read: what its buffer is like, and what it cost."""

    size: int
    byte_offset: int
    runs: int
    cost: Snapshot

    @property
    def pages(self) -> int:
        return -(-(self.byte_offset + self.size) // PAGE_SIZE)

    def limit(self, empty: float) -> float:
        """Where the protocol ends: two empty callbacks, and the buffer on both sides in replies as long as
        they can be."""
        return empty + 2 * self.pages * PAGE_SIZE / READ_SIZE

    def reads(self, empty: float) -> float:
        """The same, but a read cannot go from one run of page frames to the next, and DbgEng lets no virtual
        read cross a page."""
        whole = [_reads(PAGE_SIZE)] * (self.runs - 1) + [_reads((self.pages - self.runs + 1) * PAGE_SIZE)]
        return empty + 2 * sum(whole)


Choice = Callable[[_Call], bool]


MODES: Dict[str, Sequence[str]] = {
    "after": ("--data", "after"),
    "hash": ("--data", "hash"),
    "none": ("--data", "none"),
    "every_4th": ("--every", "4"),
    "only_read": ("--callbacks", "read"),
    "no_hardware": ("--no-hardware",),
}
"""Ways to capture less, or otherwise, as options of ``dumpfilt start``."""
SAMPLED = ("every_4th",)
"""Those in which one call does not cost what another does."""


def run() -> Dict[str, float]:
    """All rows: ours first, then what it is held against, then other buffers and ways to capture less."""
    lab = prepare()
    # Not forked, for threads may run here.
    processes = ProcessPoolExecutor(_AT_ONCE, multiprocessing.get_context("spawn"))
    with tempfile.TemporaryDirectory() as folder, processes as executor:
        sessions = _Sessions(lab, Path(folder), executor)
        baselines = {name: sessions.baseline(name) for name in ("empty", "naive", "writemem")}
        main, with_chain = sessions.trace(), sessions.trace(change=_make_chain)
        others = {name: sessions.trace(options) for name, options in MODES.items()}
        empty, naive, writemem = (baseline.result() for baseline in baselines.values())
        ours, disk = main.result()
        chain, _ = with_chain.result()
        modes = {name: other.result() for name, other in others.items()}
    figures = _compare(empty, naive, ours)
    figures["writemem"] = _packets(writemem, _plain)
    floor = figures["empty"]
    for name, calls, choose in (
        ("scattered", ours, _scattered),
        ("byte_offset", ours, _with_offset),
        ("chain", chain, _plain),
    ):
        chosen = [call for call in calls if choose(call)]
        if not chosen:
            raise SystemExit(f"no call with such a buffer: {name}")
        figures[f"{name}_packets"] = statistics.median(call.cost.total for call in chosen)
        figures[f"{name}_to_limit"] = statistics.median(
            call.cost.total / call.limit(floor) for call in chosen
        )
        figures[f"{name}_to_reads"] = statistics.median(
            call.cost.total / call.reads(floor) for call in chosen
        )
        if calls is ours:
            figures[f"{name}_to_naive"] = figures[f"{name}_packets"] / _packets(naive, choose)
    figures["disk_bytes_per_call"] = disk / len(ours)
    for name, (calls, size) in modes.items():
        if name not in SAMPLED:
            figures[f"{name}_packets"] = _packets(calls, _plain)
        # Over all calls, whatever their size and their buffer: what a whole dump takes.
        figures[f"{name}_to_full"] = _mean(calls) / _mean(ours)
        figures[f"{name}_disk_bytes"] = size / len(calls)
    return figures


def _compare(empty: Sequence["_Call"], naive: Sequence["_Call"], ours: Sequence["_Call"]) -> Dict[str, float]:
    main = [call for call in ours if _plain(call)]
    packets, floor = _packets(ours, _plain), _packets(empty, _plain)
    limit = main[0].limit(floor)
    figures = {
        "calls": float(len(main)),
        "packets_per_call": packets,
        "limit": limit,
        "naive": _packets(naive, _plain),
        "empty": floor,
        "to_limit": packets / limit,
        "to_naive": packets / _packets(naive, _plain),
        "wire_bytes_per_call": statistics.median(_bytes(call) for call in main),
        "wire_bytes_naive": statistics.median(_bytes(call) for call in naive if _plain(call)),
    }
    for kind, count in _kinds(main).items():
        figures[f"of_these_{kind}"] = count
    return figures


class _Sessions:
    """Sessions over the same calls, begun as the executor has room for them."""

    def __init__(self, lab: Lab, folder: Path, executor: Executor) -> None:
        self._lab = lab
        self._folder = folder
        self._executor = executor
        self._traces = 0

    def baseline(self, mode: str) -> "Future[List[_Call]]":
        place = windows_path(self._folder).replace("\\", "/")
        return self._executor.submit(_measure, self._lab, _BASELINES, [mode, _FILTER, place])

    def trace(
        self, options: Sequence[str] = (), change: Optional[Callable[[Target], None]] = None
    ) -> "Future[Tuple[List[_Call], int]]":
        """The calls, and bytes of the recording that is left."""
        path = self._folder / f"{self._traces}.dumpfilt"
        self._traces += 1
        return self._executor.submit(_trace, self._lab, path, options, change)


def _trace(
    lab: Lab, path: Path, options: Sequence[str], change: Optional[Callable[[Target], None]]
) -> Tuple[List[_Call], int]:
    calls = _measure(lab, _TRACE, [_FILTER, windows_path(path), *options], change)
    return calls, sum(file.stat().st_size for file in path.iterdir())


def _plain(call: _Call) -> bool:
    return call.size == _SIZE and call.runs == 1 and not call.byte_offset


def _scattered(call: _Call) -> bool:
    return call.size == _SIZE and call.runs > call.pages // 2


def _with_offset(call: _Call) -> bool:
    return call.size >= _LARGE and call.runs == 1 and call.byte_offset > 0


def _measure(
    lab: Lab, script: Path, arguments: Sequence[str], change: Optional[Callable[[Target], None]] = None
) -> List[_Call]:
    """One session; ``change`` may alter the target at each entry, before the debugger hears of it."""
    target = Target(build_filter(_FILTER).read_bytes(), _FILTER, _SCENARIO)
    entry: Optional[int] = None
    marks: List[Tuple[int, int, int, Snapshot]] = []

    def observe(event: Event) -> None:
        nonlocal entry
        if isinstance(event, ModuleLoaded):
            entry = event.module.exports["Dump_Read"]
        if isinstance(event, BreakpointHit) and event.address == entry:
            marks.append((*_shape(target), session.server.statistics.snapshot()))
            if change is not None:
                change(target)

    session = LiveSession(lab, target, observe)
    with session:
        done = session.run(script, arguments, timeout=300)
        left = session.server.left_behind()
    if done.code != 0 or left:
        raise SystemExit(f"the session failed: {left}\n{done.output}")
    return [
        _Call(size, offset, runs, later[-1] - earlier)
        for (size, offset, runs, earlier), later in zip(marks, marks[1:])
    ]


def _shape(target: Target) -> Tuple[int, int, int]:
    """ByteCount, ByteOffset and runs of page frames of the MDL in R8."""
    mdl = target.get_register("r8")
    *_, size, offset = _MDL.unpack(target.read_virtual(mdl, _MDL.size))
    pages = -(-(offset + size) // PAGE_SIZE)
    frames = struct.unpack(f"<{pages}Q", target.read_virtual(mdl + _MDL.size, 8 * pages))
    ordered = sorted(frames)
    return size, offset, 1 + sum(later - earlier != 1 for earlier, later in zip(ordered, ordered[1:]))


def _make_chain(target: Target) -> None:
    """Give the first half of a buffer to the MDL, and the second half to another that Next leads to."""
    size, offset, _ = _shape(target)
    if offset or size != _SIZE:
        return
    first, second = target.get_register("r8"), target.kpcr + 0x8000  # past all that KPCR and KPRCB use here
    fields = list(_MDL.unpack(target.read_virtual(first, _MDL.size)))
    frames = target.read_virtual(first + _MDL.size, 8 * size // PAGE_SIZE)
    half = len(frames) // 2
    fields[0], fields[7] = second, size // 2
    target.write_virtual(first, _MDL.pack(*fields))
    fields[0], fields[5], fields[6] = 0, fields[5] + size // 2, fields[6] + size // 2
    target.write_virtual(second, _MDL.pack(*fields) + frames[half:])


def _reads(size: int) -> int:
    return -(-size // READ_SIZE)


def _packets(calls: Sequence[_Call], choose: Choice) -> float:
    costs = [call.cost.total for call in calls if choose(call)]
    if not costs:
        raise SystemExit("no such Dump_Read call was followed by another: choose another seed")
    return statistics.median(costs)


def _mean(calls: Sequence[_Call]) -> float:
    return statistics.mean(call.cost.total for call in calls)


def _bytes(call: _Call) -> int:
    return call.cost.received + call.cost.sent


def _kinds(calls: Sequence[_Call]) -> Dict[str, float]:
    kinds: Dict[str, int] = defaultdict(int)
    for call in calls:
        for kind, count in call.cost.packets.items():
            kinds[kind.replace(" ", "_")] += count
    return {kind: count / len(calls) for kind, count in sorted(kinds.items())}
