"""What was made of a recording, in sentences."""

from typing import Iterator, Sequence

from ..handling import Migrated, Packed
from ..recording import VERSION
from ._phrases import amount, counted
from ._printable import printable

__all__ = ["migrated_text", "packed_text"]

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


def migrated_text(migrated: Migrated, asked: str) -> str:
    """Where the new recording is and what it holds, or that nothing was to be done for ``asked``."""
    if migrated.path is None:
        return f"nothing to do: {printable(asked)} is of format version {migrated.version}, the current one"
    return "\n".join(
        [
            f"migrated from format version {migrated.version} to {VERSION}: {printable(str(migrated.path))}",
            f"  {counted(migrated.calls, 'call')}",
            *_damage(migrated.damage, "told in the new recording"),
        ]
    )


def _damage(damage: Sequence[str], what: str) -> Iterator[str]:
    for sentence in damage[:_LISTED_DAMAGE]:
        yield f"  damaged, and {what}: {printable(sentence)}"
    if len(damage) > _LISTED_DAMAGE:
        yield f"  and {len(damage) - _LISTED_DAMAGE} more like these"
