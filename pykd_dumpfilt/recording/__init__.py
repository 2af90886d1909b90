"""The recording: what a trace leaves on disk.

One folder ``NAME.dumpfilt`` with ``calls.jsonl`` (a header line, one line per record, a footer line) and
``pages.bin`` (each distinct page once)::

    who = {"engine": "mydebugger", "version": "1.0", "target": "a machine of mine"}
    header = Header("myfilter", "x64", "2026-11-24T12:00:00Z", "mytracer 1.0", who)
    with RecordingWriter("trace", header) as writer:
        writer.write(LoadedModule(0, "hiber_myfilter", base=0xFFFFF80031000000, size=0x9000))
        number = writer.put(bytes(4096))

    with read_recording("trace.dumpfilt") as recording:  # or "trace.dumpfilt.zip", the same packed
        for record in recording:
            print(record)
        print(recording.damage)
"""

from ._layout import CALLS_NAME, PACKED_SUFFIX, PAGE_SIZE, PAGES_NAME, SUFFIX
from .codec import MAX_LINE
from .memory import MemoryPageStore
from .model import (
    CALLBACKS,
    ArmedCallback,
    Buffer,
    BugCheck,
    Call,
    Callbacks,
    Fault,
    Footer,
    Header,
    LoadedModule,
    PageSource,
    PageStore,
    Pdb,
    Piece,
    Record,
    Scrubbed,
    Side,
    Unloaded,
)
from .reader import Progress, Recording, read_recording
from .schema import schema
from .versions import CURRENT, FORMAT, VERSION, Versions
from .writer import RecordingWriter, recording_folder

__all__ = [
    "CALLBACKS",
    "CALLS_NAME",
    "CURRENT",
    "FORMAT",
    "MAX_LINE",
    "PACKED_SUFFIX",
    "PAGES_NAME",
    "PAGE_SIZE",
    "SUFFIX",
    "VERSION",
    "ArmedCallback",
    "Buffer",
    "BugCheck",
    "Call",
    "Callbacks",
    "Fault",
    "Footer",
    "Header",
    "LoadedModule",
    "MemoryPageStore",
    "PageSource",
    "PageStore",
    "Pdb",
    "Piece",
    "Progress",
    "Record",
    "Recording",
    "RecordingWriter",
    "Scrubbed",
    "Side",
    "Unloaded",
    "Versions",
    "read_recording",
    "recording_folder",
    "schema",
]
