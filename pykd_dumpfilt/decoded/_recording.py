"""A recording on disk whose calls are decoded."""

import difflib
import os
from pathlib import Path
from types import TracebackType
from typing import Dict, Iterator, List, Mapping, Optional, Tuple, Type, Union

from ..errors import RecordingError, UsageError
from ..recording import CALLBACKS, Call, Header, LoadedModule, Recording, read_recording
from ..structures import Machine
from ._call import DecodedCall

__all__ = ["DecodedRecording", "machine_of", "open_recording"]

_MAX_MODULES = 10_000


def open_recording(path: "Union[str, os.PathLike[str]]") -> "DecodedRecording":
    """Open a recording, to look at its calls::

        with open_recording("run.dumpfilt") as recording:
            for call in recording.calls("Dump_Read"):
                print(call.number, call.disk_byte_offset, call.mdl.byte_count)

    Args:
        path: where it is; ".dumpfilt" may be left out.

    Raises:
        RecordingError: there is none, its header cannot be read, or a newer version made it.
    """
    return DecodedRecording(read_recording(path))


def machine_of(header: Header) -> Machine:
    """Whose layouts a recording's structures have.

    Raises:
        RecordingError: the recording is of a machine that this version does not know.
    """
    try:
        return Machine(header.machine)
    except ValueError:
        names = ", ".join(machine.value for machine in Machine)
        raise RecordingError(
            f"the recording is of an unknown machine {header.machine!r}; this version knows {names}"
        ) from None


class DecodedRecording:
    """A recording and its calls, which are decoded when they are asked for. Made by :func:`open_recording`.

    Iterating gives all calls, in the order in which they ended, as often as wanted and in little memory. What
    cannot be read is left out, and :attr:`damage` says so: who judges by a recording asks for it.

    Attributes:
        raw: the recording as it was read.
        machine: the traced machine's architecture.
    """

    def __init__(self, raw: Recording) -> None:
        self.raw = raw
        self.machine = machine_of(raw.header)

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.raw.path

    @property
    def header(self) -> Header:
        """Who recorded what, when, and with which options."""
        return self.raw.header

    @property
    def filter(self) -> str:
        """The driver's plain name: "myfilter" for dump_myfilter.sys and hiber_myfilter.sys."""
        return self.raw.header.filter

    @property
    def modules(self) -> Mapping[int, LoadedModule]:
        """The copies of the filter that were loaded, by number."""
        return self.raw.modules

    @property
    def damage(self) -> List[str]:
        """What is missing or wrong, a sentence each; empty where the recording is whole."""
        return self.raw.damage

    def __iter__(self) -> Iterator[DecodedCall]:
        return self.calls()

    def calls(self, *callbacks: str) -> Iterator[DecodedCall]:
        """The calls of some callbacks ("Dump_Read", "Dump_Write", ...); without arguments, all.

        A call at an address that serves several callbacks (the linker folds equal functions) is given only
        where all are asked for: nobody can tell which was meant.

        Raises:
            UsageError: there is no callback of that name.
            RecordingError: the recording cannot be read any more.
        """
        for name in callbacks:
            if name not in CALLBACKS:
                near = difflib.get_close_matches(name, CALLBACKS, 1)
                hint = f"; do you mean {near[0]}?" if near else ""
                raise UsageError(f"there is no callback {name!r}, but {', '.join(CALLBACKS)}{hint}")
        return self._calls(callbacks)

    def call(self, number: int) -> DecodedCall:
        """The call of that number, as ``dumpfilt show`` and findings name it.

        Raises:
            RecordingError: the recording has no such call, or it cannot be read.
        """
        found = self.raw.call(number)
        return DecodedCall(found, self.raw.modules.get(found.module), self.machine, self.raw)

    def close(self) -> None:
        """Let go of the files; no page can be read after. A second call does nothing."""
        self.raw.close()

    def __enter__(self) -> "DecodedRecording":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        where: Optional[TracebackType],
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<DecodedRecording {str(self.path)!r}>"

    def _calls(self, callbacks: Tuple[str, ...]) -> Iterator[DecodedCall]:
        modules: Dict[int, LoadedModule] = {}
        for record in self.raw:
            if isinstance(record, LoadedModule):
                if len(modules) < _MAX_MODULES:
                    modules.setdefault(record.number, record)
            elif isinstance(record, Call) and (not callbacks or _one_of(record, callbacks)):
                yield DecodedCall(record, modules.get(record.module), self.machine, self.raw)


def _one_of(call: Call, callbacks: Tuple[str, ...]) -> bool:
    return len(call.callbacks) == 1 and call.callbacks[0] in callbacks
