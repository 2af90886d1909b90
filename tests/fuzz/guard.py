"""What watches one input: the clock, the memory of the process, and every file that is opened."""

import os
import resource
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator, List, Optional

import pykd_dumpfilt

__all__ = ["Guard", "HungError", "peak_mebibytes"]

_STATUS = Path("/proc/self/status")
_PACKAGE = Path(pykd_dumpfilt.__file__).parent
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


class HungError(BaseException):
    """An input took too long. No Exception, so that nobody takes it for an error of the input's."""


def peak_mebibytes() -> float:
    """The most resident memory that this process has had."""
    try:
        # Not ru_maxrss, which begins with what the parent had when it started this process.
        with _STATUS.open("rb") as status:
            return next(int(line.split()[1]) for line in status if line.startswith(b"VmHWM")) / 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)  # bytes, on macOS


class Guard:
    """Watches inputs one after the other. One in a process: an audit hook is for life.

    Attributes:
        folder: where files may be opened while an input is watched.
        strayed: files that were opened elsewhere.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.strayed: List[str] = []
        self._within: Optional[str] = None
        # A temporary file of the package's own is no file of anybody else's.
        self.temporary = folder.parent / (folder.name + "-temporary")
        self.temporary.mkdir(exist_ok=True)
        # Nor are templates, fonts and modules that are imported late.
        ours = (self.temporary, _PACKAGE, sys.prefix, sys.base_prefix)
        self._ours = tuple(os.path.realpath(place) for place in ours)
        sys.addaudithook(self._audit)

    @contextmanager
    def watch(self, seconds: float) -> Iterator[None]:
        """Watch one input. Seconds are the processor's: on a busy machine, nothing hangs that is only slow.

        Raises:
            HungError: it took longer. What waits without working, or outside of Python, is the business of
                :class:`~.campaign.Campaign`.
        """
        self.strayed.clear()
        before = signal.signal(signal.SIGPROF, _hung)
        signal.setitimer(signal.ITIMER_PROF, seconds)
        self._within = os.path.realpath(self.folder)
        try:
            yield
        finally:
            self._within = None
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before)

    def _audit(self, event: str, arguments: Any) -> None:
        if event != "open" or self._within is None:
            return
        path, _, flags = arguments
        if isinstance(path, int):
            return
        name = os.fsdecode(path)
        if flags & _NO_FOLLOW and _NO_FOLLOW:
            # The last part is not followed; what leads to it is.
            real = str(Path(os.path.realpath(Path(name).parent)) / Path(name).name)
        else:
            real = os.path.realpath(name)
        if not any(_is_in(real, place) for place in (self._within, *self._ours)):
            self.strayed.append(f"{name} ({real})" if real != name else name)


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + os.sep)


def _hung(_signal: int, _frame: object) -> None:
    raise HungError
