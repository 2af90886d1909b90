"""Unpacking deflated bytes in parts, up to where they are damaged."""

import zlib
from typing import Iterator

from ._content import Content

__all__ = ["Inflater"]

_CHUNK = 1024 * 1024
_RAW_DEFLATE = -15


class Inflater:
    """What deflated bytes unpack to, in parts of at most 1 MiB; zlib.error where they are damaged.

    Attributes:
        ended: whether the last of them said that it is the last.
    """

    def __init__(self, packed: Content) -> None:
        self._packed = packed
        self.ended = False

    def __iter__(self) -> Iterator[bytes]:
        unpacker = zlib.decompressobj(_RAW_DEFLATE)
        at = 0
        more = True
        while more and not unpacker.eof:
            data = unpacker.unconsumed_tail
            if not data:
                data = self._packed.read(at, _CHUNK)
                at += len(data)
            before = unpacker.copy()
            try:
                part = unpacker.decompress(data, _CHUNK)
            except zlib.error:
                yield b"".join(_up_to_the_damage(before, data))
                raise
            # At the end of the input some output may still be due.
            more = bool(data or part)
            if part:
                yield part
        self.ended = unpacker.eof


def _up_to_the_damage(unpacker: "zlib._Decompress", data: bytes) -> Iterator[bytes]:
    """What comes before a zlib.error, which zlib keeps back: byte by byte, it does not."""
    try:
        for at in range(len(data)):
            yield unpacker.decompress(data[at : at + 1])
    except zlib.error:
        pass
