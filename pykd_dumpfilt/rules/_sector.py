"""The disk's sector as a call tells it."""

from typing import Optional

from ..decoded import DecodedCall, NoValue

__all__ = ["SECTOR_SIZES", "sector_size"]

SECTOR_SIZES = (512, 1024, 2048, 4096)


def sector_size(call: DecodedCall) -> Optional[int]:
    """Bytes of a sector, from FILTER_EXTENSION; None where it cannot be one (DF-ARGS-002 says so)."""
    extension = call.entry.filter_extension
    if isinstance(extension, NoValue) or extension.geometry.bytes_per_sector not in SECTOR_SIZES:
        return None
    return extension.geometry.bytes_per_sector
