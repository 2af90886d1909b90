"""Trace, record and check Windows crash dump filter drivers.

What is exported here is the public interface. It is imported when it is first used::

    import pykd_dumpfilt

    with pykd_dumpfilt.open_recording("run.dumpfilt") as recording:
        for call in recording.calls("Dump_Read"):
            print(call.number, call.disk_byte_offset, call.mdl.byte_count)

    result = pykd_dumpfilt.check("run.dumpfilt")
    print(result.verdict.value)
    print(pykd_dumpfilt.render(result))

In the same way the names in ``__all__`` of ``pykd_dumpfilt.recording`` (the values that a recording holds,
and writing them), ``pykd_dumpfilt.decoded`` (the values that calls are decoded to) and
``pykd_dumpfilt.debugger`` (what a debugger of one's own implements) are public; nothing else is.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, List

if TYPE_CHECKING:
    from .checking import CheckResult, Report, check
    from .debugger import Debugger
    from .decoded import DecodedCall, DecodedRecording, NoValue, known, open_recording
    from .errors import DumpfiltError, RecordingError, UsageError
    from .recording import RecordingWriter
    from .reports import render
    from .rules import Finding, Level, Outcome, Rule, Verdict, Waiver, load_rules, load_waivers
    from .trace import record

__version__ = "0.1.0"
__all__ = [
    "CheckResult",
    "Debugger",
    "DecodedCall",
    "DecodedRecording",
    "DumpfiltError",
    "Finding",
    "Level",
    "NoValue",
    "Outcome",
    "RecordingError",
    "RecordingWriter",
    "Report",
    "Rule",
    "UsageError",
    "Verdict",
    "Waiver",
    "__version__",
    "check",
    "known",
    "load_rules",
    "load_waivers",
    "open_recording",
    "record",
    "render",
]

# By the room that they come from. They are not imported before they are used: __main__ has to get as far as
# to say what is missing, and the debugger waits for as little as can be.
_ROOMS = {
    "checking": ("CheckResult", "Report", "check"),
    "debugger": ("Debugger",),
    "decoded": ("DecodedCall", "DecodedRecording", "NoValue", "known", "open_recording"),
    "errors": ("DumpfiltError", "RecordingError", "UsageError"),
    "recording": ("RecordingWriter",),
    "reports": ("render",),
    "rules": ("Finding", "Level", "Outcome", "Rule", "Verdict", "Waiver", "load_rules", "load_waivers"),
    "trace": ("record",),
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _ROOM_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_ROOM_OF[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> List[str]:
    return sorted({*globals(), *__all__})
