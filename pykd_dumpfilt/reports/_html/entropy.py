"""Entropy of data before and after a filter's callback: whether what goes to the disk looks encrypted.

Shannon's entropy of a block's byte values, in bits for each byte: 0 for a block of one value, near 8 for
random bytes. Encrypted data cannot be told from well compressed data by it.
"""

from dataclasses import dataclass
from typing import List, Tuple

from ...decoded import BufferView, DecodedCall
from ...entropy import bits_per_byte, looks_random
from ...errors import RecordingError
from ...recording import PAGE_SIZE

__all__ = ["EntropySample", "Pair", "describe", "transfer_views"]

_LEAST = 512
_MAX_PAIRS = 512
_CLEAR = 0.9


@dataclass(frozen=True)
class Pair:
    """One page's worth of a buffer: call number, position in the buffer, bytes, entropy before and after."""

    call: int
    position: int
    size: int
    before: float
    after: float
    same: bool


class EntropySample:
    """Pages of one callback's buffers: all of them while they are few, then every 2nd, 4th, ... of them, so
    that the sample is even over the whole recording and never more than 512 pages."""

    def __init__(self) -> None:
        self.pairs: List[Pair] = []
        self.step = 1
        self.seen = 0
        self.unreadable = 0

    def add(self, call: int, before: BufferView, after: BufferView) -> None:
        """Take a buffer as it was, and as it is after."""
        held = min(before.held, after.held)
        count = (held + PAGE_SIZE - 1) // PAGE_SIZE
        first = -self.seen % self.step
        self.seen += count
        for index in range(first, count, self.step):
            start = index * PAGE_SIZE
            self._add(call, before, after, start, min(held, start + PAGE_SIZE))
        while len(self.pairs) > _MAX_PAIRS:
            self.pairs = self.pairs[::2]
            self.step *= 2

    def _add(self, call: int, before: BufferView, after: BufferView, start: int, end: int) -> None:
        if end - start < _LEAST:
            return
        try:
            one, two = before.read(start, end), after.read(start, end)
        except RecordingError:
            self.unreadable += 1
            return
        entropy = bits_per_byte(one)
        same = one == two
        self.pairs.append(
            Pair(call, start, end - start, entropy, entropy if same else bits_per_byte(two), same)
        )


def transfer_views(call: DecodedCall) -> List[Tuple[BufferView, BufferView]]:
    """What a Dump_Write was given and what went to the disk; what a Dump_Read was given and what it gave."""
    if call.exit is None or call.status is None or not call.status.is_success:
        return []
    if call.callback == "Dump_Write":
        return list(zip(call.entry.buffers, call.exit.buffers))
    if call.callback == "Dump_Read":
        return list(zip(call.entry.buffers, call.exit.described_at_entry))
    return []


def describe(callback: str, pairs: List[Pair]) -> str:
    """What the sample says, in a few sentences."""
    if not pairs:
        return f"No {callback} that succeeded has data here that could be measured."
    before = sum(looks_random(pair.before, pair.size) for pair in pairs) / len(pairs)
    after = sum(looks_random(pair.after, pair.size) for pair in pairs) / len(pairs)
    same = sum(pair.same for pair in pairs)
    means = [
        sum(pair.before for pair in pairs) / len(pairs),
        sum(pair.after for pair in pairs) / len(pairs),
    ]
    text = (
        f"Mean {means[0]:.2f} bits per byte before, {means[1]:.2f} after; {_percent(before)} of the pages "
        f"look random before, {_percent(after)} after; {same} of {len(pairs)} pages are the same before and "
        "after."
    )
    judged = _judged(callback, before, after, same, len(pairs))
    return f"{judged} {text}"


def _judged(callback: str, before: float, after: float, same: int, count: int) -> str:
    wrote = callback == "Dump_Write"
    disk, plain = (after, before) if wrote else (before, after)
    if same == count:
        return "Nothing was transformed: the data is the same before and after."
    if disk >= _CLEAR > plain:
        return (
            "What went to the disk looks encrypted."
            if wrote
            else "What came from the disk looks encrypted, and what was given back does not."
        )
    if disk >= _CLEAR:
        return "The plain data looks random itself, so entropy does not tell whether it is encrypted."
    if disk > 0:
        return "Only a part of what is on the disk looks encrypted."
    return "What is on the disk does not look encrypted."


def _percent(part: float) -> str:
    return f"{round(100 * part)} %"
