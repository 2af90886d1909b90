"""What stands in the pages that a dump writes: the mix that real memory is, made from a seed."""

import struct

from ..debugger import PAGE_SIZE
from .stream import Stream

__all__ = ["NEIGHBOUR", "header_page", "page_content"]

NEIGHBOUR = b"\xbd" * PAGE_SIZE
"""The pages before and after a buffer, and what it leaves of its own first and last page."""

_KINDS = ("zero", "text", "repeated", "random", "random", "pointers", "sparse")
_TEXT = b"The dump stack writes this page; the filter may change what lands on the disk, never this page. "


def header_page(kind: str, number: int) -> bytes:
    """Page ``number`` of the image's header: DUMP_HEADER64 (two pages, signature "PAGEDU64") for a crash,
    PO_MEMORY_IMAGE (one page, signature "HIBR") for hibernation."""
    if kind != "crash":
        return struct.pack("<4sIII", b"HIBR", 0x3E0, 0, PAGE_SIZE).ljust(PAGE_SIZE, b"\0")
    if number == 0:
        return struct.pack("<8sIIQ", b"PAGEDU64", 15, 19041, 0x1AA000) + b"PAGE" * 1018
    return b"PAGE" * (PAGE_SIZE // 4)


def page_content(stream: Stream) -> bytes:
    """The next page."""
    kind = stream.choice(_KINDS)
    if kind == "zero":
        return bytes(PAGE_SIZE)
    if kind == "text":
        begin = stream.below(len(_TEXT))
        return (_TEXT * 45)[begin : begin + PAGE_SIZE]
    if kind == "repeated":
        return _REPEATED
    if kind == "pointers":
        base = 0xFFFFAB00_00000000 + stream.below(1 << 28) * 16
        return struct.pack("<512Q", *range(base, base + 512 * 48, 48))
    if kind == "sparse":
        return stream.bytes(64).ljust(PAGE_SIZE, b"\0")
    return stream.bytes(PAGE_SIZE)


_REPEATED = Stream("repeated page").bytes(PAGE_SIZE)
