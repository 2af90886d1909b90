"""Plaintext that can be known at sight: headers of dumps and hibernation images, and pages of zeros.

Sources: "PAGEDU64" and "PAGEDUMP" begin DUMP_HEADER64 and DUMP_HEADER32 (Volatility's page "Crash Address
Space"); "hibr" and "wake" are PO_MEMORY_IMAGE's Signature (its page "Hiber Address Space"). Inferred, from
what several forensic tools accept: capitals since Windows 8, and "RSTR" while an image is being restored.
Other data may begin so by chance, which harms nobody: a shape explains, and decides nothing.
"""

from typing import Optional

from ..recording import PAGE_SIZE

__all__ = ["KNOWN_BEGINNINGS", "PAGE_OF_ZEROS", "known_shape"]

PAGE_OF_ZEROS = "a page of zeros"

_CRASH = ("PAGEDU64", "PAGEDUMP")
_HIBERNATION = ("HIBR", "hibr", "WAKE", "wake", "RSTR", "rstr")
_SHAPES = {
    **{name.encode(): f"a crash dump header ({name})" for name in _CRASH},
    **{name.encode(): f"a hibernation image header ({name})" for name in _HIBERNATION},
}
_SIZES = (8, 4)
KNOWN_BEGINNINGS = frozenset(_SHAPES)
"""What data of a known shape begins with, but for zeros."""
_ZEROS = bytes(PAGE_SIZE)


def known_shape(data: bytes) -> Optional[str]:
    """What a page, or its beginning, is known to be: "a crash dump header (PAGEDU64)"; None for anything
    else. Zeros are told only of a whole page."""
    for size in _SIZES:
        shape = _SHAPES.get(data[:size])
        if shape is not None:
            return shape
    return PAGE_OF_ZEROS if data == _ZEROS else None
