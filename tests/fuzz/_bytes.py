"""Changes of bytes that know nothing of what they mean, but for the numbers that parsers stumble over."""

from random import Random
from typing import Callable, Sequence, Tuple

__all__ = ["EDGES", "edge", "mutate_bytes"]

EDGES: Tuple[int, ...] = (
    *(0, 1, 2, 7, 8, 15, 16, 0x2F, 0x30, 0x58, 0x7F, 0x80, 0xFF, 0x100, 0x1FF, 0x200),
    *(0xFFF, 0x1000, 0x1001, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 1 << 20, 1 << 26, 1 << 30),
    *(0x7FFFFFFF, 0x80000000, 0xFFFFF000, 0xFFFFFFFE, 0xFFFFFFFF, 1 << 32, 1 << 40, (1 << 47) - 1, 1 << 47),
    *(0x7FFFFFFFFFFFFFFF, 1 << 63, 0xFFFF800000000000, 0xFFFFF80031000000, 0xFFFFAB0000002450),
    *((1 << 64) - 0x1000, (1 << 64) - 8, (1 << 64) - 1),
)
"""Numbers at the ends of ranges: of bytes, sectors, pages, signed and unsigned integers, address spaces."""


def edge(random: Random, bits: int = 64) -> int:
    """One of :data:`EDGES` or a neighbour, cut to that many bits."""
    return (random.choice(EDGES) + random.choice((0, 0, 0, 1, -1))) & ((1 << bits) - 1)


def mutate_bytes(data: bytearray, random: Random, others: Sequence[bytes] = ()) -> None:
    """Change bytes in one way: flip, set, insert, cut, repeat, overwrite with a number, splice."""
    ways = _WAYS if data else (_insert,)
    random.choice(ways)(data, random, others)


_Way = Callable[[bytearray, Random, Sequence[bytes]], None]


def _flip(data: bytearray, random: Random, _others: Sequence[bytes]) -> None:
    for _ in range(random.choice((1, 1, 1, 2, 8))):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _set(data: bytearray, random: Random, _others: Sequence[bytes]) -> None:
    data[random.randrange(len(data))] = random.choice((0, 0xFF, 0x0A, 0x22, 0x30, 0x5B, 0x7B, 0x80))


def _number(data: bytearray, random: Random, _others: Sequence[bytes]) -> None:
    size = random.choice((1, 2, 4, 4, 8))
    at = random.randrange(len(data))
    at -= at % size if random.random() < 0.8 else 0
    data[at : at + size] = edge(random, 8 * size).to_bytes(size, "little")[: len(data) - at]


def _insert(data: bytearray, random: Random, _others: Sequence[bytes]) -> None:
    at = random.randrange(len(data) + 1)
    size = random.choice((1, 2, 4, 16, 200))
    deep = random.choice((b"[", b'{"a":')) * random.choice((100, 5000))
    data[at:at] = random.choice((bytes(size), b"\xff" * size, b"9" * size, _noise(random, size), deep))


def _cut(data: bytearray, random: Random, _others: Sequence[bytes]) -> None:
    at = random.randrange(len(data))
    if random.random() < 0.3:
        del data[at:]
    else:
        del data[at : at + random.choice((1, 2, 8, 100, 4096))]


def _repeat(data: bytearray, random: Random, _others: Sequence[bytes]) -> None:
    at = random.randrange(len(data))
    part = bytes(data[at : at + random.choice((1, 8, 64, 512))])
    where = random.randrange(len(data) + 1)
    data[where:where] = part * random.choice((1, 1, 2, 10))


def _splice(data: bytearray, random: Random, others: Sequence[bytes]) -> None:
    other = random.choice(others) if others else bytes(data)
    if other:
        at, begin = random.randrange(len(data)), random.randrange(len(other))
        data[at:] = other[begin : begin + 1 + len(data)]


def _noise(random: Random, size: int) -> bytes:
    return random.getrandbits(8 * size).to_bytes(size, "little")


_WAYS: Tuple[_Way, ...] = (_flip, _flip, _set, _number, _number, _insert, _cut, _repeat, _splice)
