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
    """No value, and why not.

    Examples:
        >>> str(NoValue(Absence.UNREADABLE, "0 of 8 bytes at 0xfffff80012345000, page not present"))
        'unreadable: 0 of 8 bytes at 0xfffff80012345000, page not present'

    Attributes:
        kind: not captured, unreadable or undecodable.
        reason: a few words, maybe none.
    """

    kind: Absence
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.kind.value}: {self.reason}" if self.reason else self.kind.value


class ValueMissingError(RecordingError):
    """A value was asked for that a recording does not hold.

    Args:
        message: what was asked for.
        why: what stands in its place.

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

    Examples:
        >>> known(4096, "ByteCount")
        4096
        >>> known(NoValue(Absence.NOT_CAPTURED), "ByteCount")
        Traceback (most recent call last):
        ...
        pykd_dumpfilt.decoded._values.ValueMissingError: ByteCount: not captured

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
    """Why a piece does not hold so many bytes; None where it does.

    Args:
        piece: as recorded; None where it was not.
        needed: bytes from its beginning.
    """
    if piece is None:
        return NoValue(Absence.NOT_CAPTURED)
    if len(piece.data) >= needed:
        return None
    got = f"{len(piece.data)} of {needed} bytes at {piece.address:#x}"
    if piece.asked < needed:
        return NoValue(Absence.NOT_CAPTURED, f"{got}, and no more were asked for")
    return NoValue(Absence.UNREADABLE, f"{got}, {piece.missing or 'no reason given'}")
