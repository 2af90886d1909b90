"""Pairs each entry with its return, by stack pointer.

A return address alone does not tell calls apart: a callback that calls itself, or is called again after one
that never came back, uses the same one. The stack pointer does.
"""

from typing import Callable, Generic, List, Optional, Tuple, TypeVar

__all__ = ["OpenCalls"]

T = TypeVar("T")

# Kernel stacks are 24 KiB on x64 and seldom grow past 64 KiB. Two stack pointers further apart than this
# belong to different stacks (another processor, another thread), and neither says anything of the other.
_SAME_STACK = 64 * 1024

# A function that returns with a wrong stack pointer misses the right one by a few pushes, or by its frame.
_STRAY = 512


class OpenCalls(Generic[T]):
    """Calls that were entered and have not returned. A key is the stack pointer expected after the return."""

    def __init__(self) -> None:
        self._open: List[Tuple[int, int, T]] = []

    def __len__(self) -> int:
        return len(self._open)

    def enter(self, stack_after_return: int, return_address: int, call: T) -> List[T]:
        """Note an entry. Returns the open calls that it proves gone: their stack has been used again."""
        gone = self._take(lambda stack, _: 0 <= stack_after_return - stack < _SAME_STACK)
        self._open.append((stack_after_return, return_address, call))
        return gone

    def leave(self, stack: int, return_address: int) -> Tuple[Optional[T], List[T]]:
        """Note a return. Gives the call that returned (None if it is not one of ours) and those within it
        that cannot return any more, innermost first. Where no call expects that very stack pointer, the
        innermost that expects one near it has returned with a wrong one."""
        waiting = [index for index, one in enumerate(self._open) if one[1] == return_address]
        exact = [index for index in waiting if self._open[index][0] == stack]
        stray = [index for index in waiting if abs(self._open[index][0] - stack) <= _STRAY]
        if not exact and not stray:
            return None, []
        expected, _, call = self._open.pop((exact or stray)[-1])
        return call, self._take(lambda inner, _: 0 < expected - inner < _SAME_STACK)

    def waits_for(self, return_address: int) -> bool:
        """Whether an open call returns to that address."""
        return any(address == return_address for _, address, _ in self._open)

    def find(self, which: Callable[[T], bool]) -> Optional[T]:
        """The innermost open call of which ``which`` is true."""
        return next((call for _, _, call in reversed(self._open) if which(call)), None)

    def abandon(self, which: Callable[[T], bool]) -> List[T]:
        """Forget the open calls of which ``which`` is true, and return them, innermost first."""
        return self._take(lambda stack, call: which(call))

    def _take(self, gone: Callable[[int, T], bool]) -> List[T]:
        taken = [call for stack, _, call in reversed(self._open) if gone(stack, call)]
        self._open = [entry for entry in self._open if not gone(entry[0], entry[2])]
        return taken
