"""What stands in the place of a value that a recording does not hold, and always says why."""

import enum
from dataclasses import dataclass
from typing import Optional, TypeVar, Union

from ..errors import RecordingError
from ..recording import Piece

__all__ = ["Absence", "BufferUnreadableError", "NoValue", "ValueMissingError", "known", "missing_bytes"]

_T = TypeVar("_T")


class Absence(enum.Enum):
    """Why there is no value."""

    NOT_CAPTURED = "not captured"
    """The tracer did not read it: the callback has no such argument, or its role is not known."""
    UNREADABLE = "unreadable"
    """The tracer asked for it, and the target did not give it (or not all of it)."""
    UNDECODABLE = "undecodable"
    """The bytes are there and cannot be what they are said to be."""


@dataclass(frozen=True)
class NoValue:
    """No value, of which kind, and the reason in a few words."""

    kind: Absence
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.kind.value}: {self.reason}" if self.reason else self.kind.value


class ValueMissingError(RecordingError):
    """A value was asked for that a recording does not hold.

    Attributes:
        why: which kind of absence, and the reason.
    """

    def __init__(self, message: str, why: NoValue) -> None:
        super().__init__(f"{message}: {why}")
        self.why = why


class BufferUnreadableError(ValueMissingError):
    """Bytes of a buffer that a recording does not hold."""


def known(value: "Union[_T, NoValue]", what: str) -> _T:
    """The value, for those who cannot go on without it.

    Args:
        value: one that may be missing.
        what: what it is, for the message.

    Raises:
        ValueMissingError: it is missing; ``why`` says why.
    """
    if isinstance(value, NoValue):
        raise ValueMissingError(what, value)
    return value


def missing_bytes(piece: Optional[Piece], needed: int) -> Optional[NoValue]:
    """Why a piece does not hold ``needed`` bytes; None where it does."""
    if piece is None:
        return NoValue(Absence.NOT_CAPTURED)
    if len(piece.data) >= needed:
        return None
    got = f"{len(piece.data)} of {needed} bytes at {piece.address:#x}"
    if piece.asked < needed:
        return NoValue(Absence.NOT_CAPTURED, f"{got}, and no more were asked for")
    return NoValue(Absence.UNREADABLE, f"{got}, {piece.missing or 'no reason given'}")
