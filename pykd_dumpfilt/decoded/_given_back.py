"""The caller's memory as it is at the return of a call."""

from dataclasses import replace
from typing import Union

from ._buffer import BufferView
from ._call import DecodedCall
from ._values import Absence, NoValue

__all__ = ["given_back"]


def given_back(call: DecodedCall, index: int) -> Union[BufferView, NoValue]:
    """The pages that MDL ``index`` described at entry, as they are at return: the caller looks there."""
    none = NoValue(Absence.NOT_CAPTURED)
    if call.exit is None:
        return none
    views = call.exit.described_at_entry
    if index >= len(views) or index >= len(call.entry.buffers):
        return none
    view, entry = views[index], call.entry.buffers[index].raw
    if (view.raw.offset, view.raw.size) == (entry.offset, entry.size):
        return view
    # ByteOffset or ByteCount was changed (another rule's matter), the page frame numbers were not.
    return BufferView(
        replace(view.raw, offset=entry.offset, size=entry.size), call.entry.buffers[index].mdl, call.pages
    )
