"""What was made of a recording, in sentences."""

from typing import Iterator, Sequence

from ..handling import Packed
from ._phrases import amount
from ._printable import printable

__all__ = ["packed_text"]

_LISTED_DAMAGE = 5


def packed_text(packed: Packed) -> str:
    """Where the zip is, the sizes before and after, and the damage that is packed with it."""
    return "\n".join(
        [
            f"packed: {printable(str(packed.path))}",
            f"  {amount(packed.before)} before, {amount(packed.after)} after",
            *_damage(packed.damage, "packed as it is"),
        ]
    )


def _damage(damage: Sequence[str], what: str) -> Iterator[str]:
    for sentence in damage[:_LISTED_DAMAGE]:
        yield f"  damaged, and {what}: {printable(sentence)}"
    if len(damage) > _LISTED_DAMAGE:
        yield f"  and {len(damage) - _LISTED_DAMAGE} more like these"
