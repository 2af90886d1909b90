"""By what a page of memory is known to be one that a call itself works on."""

from typing import Iterator, Tuple

from ..recording import PAGE_SIZE
from ._call import DecodedCall

__all__ = ["spans_in_use"]

_LEAST = 16


def spans_in_use(call: DecodedCall, page: bytes) -> Iterator[Tuple[int, int]]:
    """The bytes (first, end) of a page, as it was at entry, that show it to be the call's stack or to hold
    its MDL: what lies at the stack pointer's and at the MDL's place in a page."""
    # x64 and x86 have the return address at the top of the stack; ARM64 has it in a register.
    for name, size in (("rsp", 8), ("esp", 4)):
        if call.raw.return_address and name in call.entry.registers:
            at = call.entry.registers[name] % PAGE_SIZE
            if page[at : at + size] == (call.raw.return_address % (1 << 8 * size)).to_bytes(size, "little"):
                yield at, at + size
    for piece in call.entry.raw.mdls:
        at = piece.address % PAGE_SIZE
        # The array may go on in the next page; a header's worth of bytes is sign enough.
        head = piece.data[: min(len(piece.data), PAGE_SIZE - at)]
        if len(head) >= _LEAST and page[at : at + len(head)] == head:
            yield at, at + len(head)
