"""What replaces single values: registers that hold data, and hashes of pages that were not kept."""

import hashlib
import re
from typing import Collection, Dict, Mapping, Optional

from ..recording import PAGE_SIZE

__all__ = ["Hashes", "Registers"]

_SMALL = 1 << 32
_LOW_HALF = 0x0000_8000_0000_0000
_HIGH_HALF = 0xFFFF_8000_0000_0000
_MASK_64 = (1 << 64) - 1
# Where the machine is and how it is set, and never data: stack and instruction pointers, flags, segments,
# control and debug registers.
_OF_THE_MACHINE = re.compile(r"[re]?(sp|ip|fl|flags)|pc|cpsr|[c-gs]s|[cd]r\d+")
_WIDE = re.compile(r"([xyz]?mm|st|[vq])\d+")
_WIDE_STEP = 16
# Its low half is the status, which stays.
_RETURNED = "rax"
_HASH_SIZE = 16
_HASH_OF_ZEROS = hashlib.blake2b(bytes(PAGE_SIZE), digest_size=_HASH_SIZE).hexdigest()


class Registers:
    """Replaces values by a keyed function of the value alone: equal ones stay equal, whatever register holds
    them, and at entry as at return."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def replace(self, registers: Mapping[str, int], known: Collection[int]) -> Dict[str, int]:
        """The registers with data replaced; ``known`` values stay (arguments)."""
        return {
            name: value if value in known else self._replaced(name, value)
            for name, value in registers.items()
        }

    def _replaced(self, name: str, value: int) -> int:
        if not value or _OF_THE_MACHINE.fullmatch(name):
            return value
        if value > _MASK_64 or _WIDE.fullmatch(name):
            size = max(1, -(-value.bit_length() // (8 * _WIDE_STEP))) * _WIDE_STEP
            return int.from_bytes(self._drawn(value, size, 0), "little")
        if value < _SMALL or _is_address(value):
            return value
        return self._general(name, value)

    def _general(self, name: str, value: int) -> int:
        """Neither small nor an address, as the value was not."""
        again = 0
        while True:
            found = int.from_bytes(self._drawn(value, 8, again), "little")
            if name == _RETURNED:
                found = found - found % _SMALL + value % _SMALL
            if found >= _SMALL and not _is_address(found):
                return found
            again += 1

    def _drawn(self, value: int, size: int, again: int) -> bytes:
        text = b"%x %d" % (value, again)
        if size > hashlib.blake2b.MAX_DIGEST_SIZE:
            return hashlib.shake_256(self._key + text).digest(size)
        return hashlib.blake2b(text, digest_size=size, key=self._key).digest()


class Hashes:
    """Replaces the hash of a page, by which its content could be guessed, by one that takes the key. Equal
    ones stay equal, and that of a page of zeros stays."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def replace(self, found: Optional[str]) -> Optional[str]:
        """Both are hexadecimal digits."""
        if found is None or found == _HASH_OF_ZEROS:
            return found
        return hashlib.blake2b(found.encode("ascii"), digest_size=_HASH_SIZE, key=self._key).hexdigest()


def _is_address(value: int) -> bool:
    """Whether a value of 64 bits can be a user's or the kernel's address (48 bits, the upper ones alike)."""
    return value < _LOW_HALF or value >= _HIGH_HALF
