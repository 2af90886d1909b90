"""The virtual disk: sparse, whole sectors."""

from typing import Dict

__all__ = ["Disk"]


class Disk:
    """A disk of ``size`` bytes with sectors of ``sector_size``; what was never written reads as zeros."""

    def __init__(self, size: int, sector_size: int) -> None:
        self.size = size
        self.sector_size = sector_size
        self._sectors: Dict[int, bytes] = {}

    def accepts(self, offset: int, length: int) -> bool:
        """Whether a transfer is one that a disk carries out: whole sectors, within its size."""
        whole = offset % self.sector_size == 0 and length % self.sector_size == 0
        return whole and offset >= 0 and offset + length <= self.size

    def write(self, offset: int, data: bytes) -> bool:
        """Write whole sectors; False, and nothing is written, where a disk would refuse."""
        if not self.accepts(offset, len(data)):
            return False
        first = offset // self.sector_size
        for number in range(len(data) // self.sector_size):
            at = number * self.sector_size
            self._sectors[first + number] = data[at : at + self.sector_size]
        return True

    def read(self, offset: int, length: int) -> bytes:
        """Read whole sectors. Raises ValueError where a disk would refuse."""
        if not self.accepts(offset, length):
            raise ValueError(f"no disk reads {length} bytes at {offset:#x}")
        first = offset // self.sector_size
        blank = bytes(self.sector_size)
        return b"".join(
            self._sectors.get(first + number, blank) for number in range(length // self.sector_size)
        )
