"""Errors and the one signal of the emulator."""

from typing import Tuple

from ..errors import EmulatorError

__all__ = ["GuestStop", "ImageError"]


class ImageError(EmulatorError):
    """A driver image that is damaged, hostile, or not for this machine."""


class GuestStop(EmulatorError):  # noqa: N818
    """Raised by the emulated kernel when the guest cannot go on; :class:`Target` turns it into ``Stopped``.

    Attributes:
        reason: one of the reasons of :class:`~pykd_dumpfilt.emulator.Stopped`.
        detail: a sentence for people.
        code: bug check code, 0 where there is none.
        parameters: bug check parameters.
    """

    def __init__(self, reason: str, detail: str, code: int = 0, parameters: Tuple[int, ...] = ()) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.code = code
        self.parameters = parameters
