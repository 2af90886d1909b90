"""One more walk over a recording that was checked, for what a picture needs; in bounded memory."""

from dataclasses import dataclass, field
from typing import Dict, Mapping, Optional, Set, Tuple

from ...checking import CheckResult
from ...decoded import DecodedCall, DecodedRecording, open_recording
from ...errors import DumpfiltError
from ...recording import Call, LoadedModule
from .blocks import Blocks
from .disk_map import DISK_LANES
from .entropy import EntropySample, transfer_views
from .timeline import TimelineBuilder

__all__ = ["Walk", "walk"]

_SECTOR = 512
_MAX_BLOCKS = 8192
_MAX_LOADS = 40
_TRANSFERS = ("Dump_Write", "Dump_Read")


@dataclass
class Walk:
    """What a walk saw.

    Attributes:
        disk: bytes by disk offset, on the lanes of the disk map.
        places: for calls that findings are about, the range of disk offsets that they were for.
        loads: for copies by number, the number of calls that had ended before it was loaded; the first 40.
        problem: why the recording could not be walked over, or not to its end; empty where it could.
        recording: open, for single calls; None where it cannot be used.
    """

    disk: Blocks = field(default_factory=lambda: Blocks(len(DISK_LANES), _SECTOR, _MAX_BLOCKS))
    timeline: TimelineBuilder = field(default_factory=TimelineBuilder)
    entropy: Mapping[str, EntropySample] = field(
        default_factory=lambda: {name: EntropySample() for name in _TRANSFERS}
    )
    places: Dict[int, Tuple[int, int]] = field(default_factory=dict)
    loads: Dict[int, int] = field(default_factory=dict)
    problem: str = ""
    recording: Optional[DecodedRecording] = None

    def close(self) -> None:
        """Let go of the recording's files."""
        if self.recording is not None:
            self.recording.close()


def walk(checked: CheckResult) -> Walk:
    """Walk over the recording that ``checked`` is the result of; ``problem`` says what went wrong."""
    seen = Walk()
    wanted = {finding.call for finding in checked.result.findings}
    try:
        recording = open_recording(checked.path)
        if recording.header != checked.header:
            seen.problem = "there is another recording now at its path"
            return seen
        calls = _walk(seen, recording, wanted)
        if calls != checked.calls:
            seen.problem = f"it held {checked.calls} calls when it was checked, and holds {calls} now"
        seen.recording = recording
    except DumpfiltError as error:
        seen.problem = str(error)
    except (OSError, ValueError) as error:
        # ValueError: a path that no system can have.
        seen.problem = f"it cannot be read: {getattr(error, 'strerror', None) or error}"
    return seen


def _walk(seen: Walk, recording: DecodedRecording, wanted: Set[int]) -> int:
    calls = 0
    for record in recording.raw:
        if isinstance(record, Call):
            calls += 1
            _call(seen, DecodedCall(record, None, recording.machine, recording.raw), wanted)
        elif isinstance(record, LoadedModule) and len(seen.loads) < _MAX_LOADS:
            seen.loads[record.number] = calls
    return calls


def _call(seen: Walk, call: DecodedCall, wanted: Set[int]) -> None:
    seen.timeline.add(call)
    if call.callback not in _TRANSFERS:
        return
    offset, size = call.entry.disk_byte_offset, call.byte_count
    if isinstance(offset, int) and isinstance(size, int) and size:
        if call.number in wanted:
            seen.places[call.number] = (offset, offset + size)
        failed = call.status is None or not call.status.is_success
        # What a failed call was to transfer is not on the disk, and not in memory.
        lane = "error status" if failed else "written" if call.callback == "Dump_Write" else "read"
        seen.disk.add(DISK_LANES.index(lane), offset, offset + size)
    for before, after in transfer_views(call):
        seen.entropy[call.callback or ""].add(call.number, before, after)
