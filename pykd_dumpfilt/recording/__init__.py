"""The recording: what a trace leaves on disk.

One folder ``NAME.dumpfilt`` with ``calls.jsonl`` (a header line, one line per record, a footer line) and
``pages.bin`` (each distinct page once)::

    with RecordingWriter("trace", header) as writer:
        number = writer.put(page)
        writer.write(call)

    recording = read_recording("trace.dumpfilt")  # or "trace.dumpfilt.zip", the same packed
    for record in recording:
        ...
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
