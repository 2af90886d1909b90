"""Bytes for people."""

from typing import Iterator

__all__ = ["hexdump"]

_ROW = 16


def hexdump(data: bytes, start: int = 0) -> Iterator[str]:
    """Rows of 16 bytes with their offset (counted from ``start``) and ASCII; rows like the one before them
    are one ``*``, and the last line is the end's offset."""
    previous = b""
    starred = False
    for at in range(0, len(data), _ROW):
        row = data[at : at + _ROW]
        if row == previous and at + _ROW < len(data):
            if not starred:
                yield "*"
            starred = True
            continue
        previous, starred = row, False
        digits = " ".join(f"{byte:02x}" for byte in row)
        if len(row) > _ROW // 2:
            digits = digits[: 3 * _ROW // 2] + " " + digits[3 * _ROW // 2 :]
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        yield f"{start + at:08x}  {digits:<{3 * _ROW}}  |{text}|"
    yield f"{start + len(data):08x}"
