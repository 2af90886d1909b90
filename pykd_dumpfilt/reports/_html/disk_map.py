"""The map of the disk range: which offsets were written, read, read without a write, and complained of.

Dump files lie scattered over a disk of many gigabytes, so the widest empty stretches are taken out.
"""

from bisect import bisect_left
from dataclasses import dataclass
from typing import Dict, List, Mapping, Sequence, Tuple

from .blocks import Blocks

__all__ = ["DISK_LANES", "DiskMap", "Part", "disk_map"]

DISK_LANES = ("written", "read", "error status")
"""Lanes of the blocks that a walk fills."""

COLUMNS = 400
_MAX_PARTS = 8
_LEAST_GAP = 0.04
_LEAST_WIDTH = 0.06
_SEPARATION = 0.012

Span = Tuple[float, float]


@dataclass(frozen=True)
class Part:
    """One stretch of the disk without a wide gap, in bytes; ``left`` to ``right`` is its place on the map, of
    a width of 1; ``written``, ``read`` and ``failed`` are bytes transferred, ``unwritten`` bytes of blocks
    that were read and never written; ``findings`` counts those that name a place here."""

    start: int
    end: int
    left: float
    right: float
    written: int
    read: int
    unwritten: int
    failed: int
    findings: int


@dataclass(frozen=True)
class DiskMap:
    """Attributes:
    grain: bytes of the blocks that it is made of.
    parts: in the order of disk offsets.
    lanes: by name, spans on the map of a width of 1.
    """

    grain: int
    parts: Tuple[Part, ...]
    lanes: Mapping[str, Tuple[Span, ...]]


def disk_map(blocks: Blocks, findings: Sequence[Tuple[int, int]]) -> DiskMap:
    """The map of what a walk counted; ``findings`` are ranges of disk offsets, in bytes."""
    grain = blocks.grain
    held = sorted(blocks.amounts)
    marked = set()
    for start, end in findings:
        marked.update(held[bisect_left(held, start // grain) : bisect_left(held, -(-end // grain))])
    lanes: Dict[str, List[int]] = {"written": [], "read": [], "unwritten": [], "findings": []}
    parts = []
    stretches = _stretches(held)
    covered = sum(stretch[-1] + 1 - stretch[0] for stretch in stretches)
    free = 1 - _SEPARATION * (len(stretches) - 1) - _LEAST_WIDTH * len(stretches)
    left = 0.0
    for stretch in stretches:
        right = left + _LEAST_WIDTH + free * (stretch[-1] + 1 - stretch[0]) / covered
        part = _part(blocks, stretch, (left, right), findings)
        parts.append(part)
        for block in stretch:
            written, read, failed = blocks.amounts[block]
            columns = _columns(part, block * grain, (block + 1) * grain)
            lanes["written"] += columns if written else ()
            lanes["read"] += columns if read else ()
            lanes["unwritten"] += columns if read and not written else ()
            lanes["findings"] += columns if failed or block in marked else ()
        left = right + _SEPARATION
    return DiskMap(grain, tuple(parts), {name: _spans(columns) for name, columns in lanes.items()})


def _stretches(blocks: List[int]) -> List[List[int]]:
    """The blocks of each part: the widest gaps are taken out, as long as they are wide."""
    if not blocks:
        return []
    gaps = sorted((two - one - 1, index + 1) for index, (one, two) in enumerate(zip(blocks, blocks[1:])))
    left = blocks[-1] + 1 - blocks[0]
    cuts: List[int] = []
    while gaps and len(cuts) < _MAX_PARTS - 1 and gaps[-1][0] > _LEAST_GAP * left:
        gap, index = gaps.pop()
        left -= gap
        cuts.append(index)
    cuts.sort()
    return [blocks[start:end] for start, end in zip([0, *cuts], [*cuts, len(blocks)])]


def _part(blocks: Blocks, stretch: List[int], place: Span, findings: Sequence[Tuple[int, int]]) -> Part:
    held = [blocks.amounts[block] for block in stretch]
    start, end = stretch[0] * blocks.grain, (stretch[-1] + 1) * blocks.grain
    return Part(
        start,
        end,
        *place,
        written=sum(one[0] for one in held),
        read=sum(one[1] for one in held),
        unwritten=blocks.grain * sum(1 for one in held if one[1] and not one[0]),
        failed=sum(one[2] for one in held),
        findings=sum(1 for first, last in findings if first < end and last > start),
    )


def _columns(part: Part, start: int, end: int) -> List[int]:
    scale = (part.right - part.left) / (part.end - part.start) * COLUMNS
    first = int(part.left * COLUMNS + (start - part.start) * scale)
    last = int(part.left * COLUMNS + (end - part.start) * scale - 1e-6)
    return list(range(first, max(first, last) + 1))


def _spans(columns: List[int]) -> Tuple[Span, ...]:
    found: List[Tuple[int, int]] = []
    for column in sorted(set(columns)):
        if found and found[-1][1] == column:
            found[-1] = (found[-1][0], column + 1)
        else:
            found.append((column, column + 1))
    return tuple((start / COLUMNS, end / COLUMNS) for start, end in found)
