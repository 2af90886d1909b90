"""Recorded calls as typed values: decoded late, and only what is asked for.

A value that is not there is a :class:`NoValue` that says which kind: not captured, unreadable, undecodable::

    offset = DecodedCall(call, module, machine, pages).entry.disk_byte_offset
    if isinstance(offset, NoValue):
        print(offset)  # unreadable: 0 of 8 bytes at 0xfffff80012345000, page not present
"""

from ._buffer import BufferView
from ._call import DecodedCall, DecodedSide
from ._changes import Change, layout_of, mdl_changes, structure_changes
from ._given_back import given_back
from ._in_use import spans_in_use
from ._neighbours import NeighbourPage, neighbour_pages
from ._recording import DecodedRecording, machine_of, open_recording
from ._structures import (
    DiskGeometry,
    FilterExtension,
    FilterInitializationData,
    Mdl,
    PartitionInfo,
    decode_filter_extension,
    decode_filter_initialization_data,
    decode_mdl,
)
from ._values import Absence, BufferUnreadableError, NoValue, ValueMissingError, known, missing_bytes

__all__ = [
    "Absence",
    "BufferUnreadableError",
    "BufferView",
    "Change",
    "DecodedCall",
    "DecodedRecording",
    "DecodedSide",
    "DiskGeometry",
    "FilterExtension",
    "FilterInitializationData",
    "Mdl",
    "NeighbourPage",
    "NoValue",
    "PartitionInfo",
    "ValueMissingError",
    "decode_filter_extension",
    "decode_filter_initialization_data",
    "decode_mdl",
    "given_back",
    "known",
    "layout_of",
    "machine_of",
    "mdl_changes",
    "missing_bytes",
    "neighbour_pages",
    "open_recording",
    "spans_in_use",
    "structure_changes",
]
