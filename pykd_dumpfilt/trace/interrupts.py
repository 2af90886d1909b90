"""Ctrl+C and Ctrl+Break in the middle of a stop: no call may be lost by them."""

from typing import Callable, TypeVar

from ..errors import is_interrupt

__all__ = ["Interrupts"]

T = TypeVar("T")


class Interrupts:
    """Notes that the user wants the prompt, and has what was cut in half done again first."""

    def __init__(self) -> None:
        self._pending = False

    def again(self, action: Callable[[], T]) -> T:
        """What ``action`` gives. An interrupt in the middle of it waits, and the action is done anew: the
        target still stands where it stood. A second interrupt does not wait.

        Args:
            action: reads the target; may be done twice.
        """
        try:
            return action()
        except BaseException as error:
            if not is_interrupt(error):
                raise
            self._pending = True
        return action()

    def take(self) -> bool:
        """Whether an interrupt waits; it does no longer."""
        pending, self._pending = self._pending, False
        return pending
