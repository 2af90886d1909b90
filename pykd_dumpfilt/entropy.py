"""Whether data looks random, by Shannon's entropy of its byte values.

0 bits for each byte of a block of one value, near 8 for random bytes. Encrypted data cannot be told from well
compressed data by it.
"""

import math
from collections import Counter

__all__ = ["bits_per_byte", "data_looks_random", "looks_random"]

_TOLERANCE = 0.12


def bits_per_byte(data: bytes) -> float:
    """Shannon's entropy of the byte values."""
    size = len(data)
    return sum(-count / size * math.log2(count / size) for count in Counter(data).values())


def looks_random(entropy: float, size: int) -> bool:
    """Whether random bytes would come out like that. A sample of ``size`` random bytes has less than 8 bits,
    by 255 / (2 size ln 2) on average (Miller's correction)."""
    return entropy >= 8 - 255 / (2 * size * math.log(2)) - _TOLERANCE


def data_looks_random(data: bytes) -> bool:
    """The same of the data itself."""
    values = len(set(data))
    # What has few values has no more entropy than that, and need not be counted.
    return (
        values > 0
        and looks_random(math.log2(values), len(data))
        and looks_random(bits_per_byte(data), len(data))
    )
