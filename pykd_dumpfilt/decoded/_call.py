"""A call seen through typed, lazily decoded values."""

from typing import Callable, Dict, Mapping, Optional, Tuple, TypeVar, Union, cast

from ..recording import Buffer, Call, LoadedModule, PageSource, Piece, Side
from ..structures import Machine, NtStatus
from ._buffer import BufferView
from ._lazy import lazy
from ._structures import (
    FilterExtension,
    FilterInitializationData,
    Mdl,
    decode_disk_byte_offset,
    decode_filter_extension,
    decode_filter_initialization_data,
    decode_mdl,
)
from ._values import Absence, BufferUnreadableError, NoValue, known

__all__ = ["DecodedCall", "DecodedSide"]

_T = TypeVar("_T")
_NO_MDL = NoValue(Absence.NOT_CAPTURED, "no MDL goes with this buffer")


class DecodedSide:
    """The target at the entry or at the return of a call. Nothing is decoded before it is asked for.

    Attributes:
        raw: as recorded.
        described: at the return, the side whose MDLs ``source`` belongs to (the entry).
    """

    def __init__(
        self, raw: Side, machine: Machine, pages: PageSource, described: Optional["DecodedSide"] = None
    ) -> None:
        self.raw = raw
        self._machine = machine
        self._pages = pages
        self._described = described

    @property
    def registers(self) -> Mapping[str, int]:
        """By lower-case name, unsigned."""
        return self.raw.registers

    @lazy
    def filter_extension(self) -> Union[FilterExtension, NoValue]:
        """FILTER_EXTENSION."""
        return decode_filter_extension(self.raw.filter_extension, self._machine)

    @lazy
    def filter_initialization_data(self) -> Union[FilterInitializationData, NoValue]:
        """FILTER_INITIALIZATION_DATA, where it was found."""
        return decode_filter_initialization_data(self.raw.filter_initialization_data, self._machine)

    @lazy
    def disk_byte_offset(self) -> Union[int, NoValue]:
        """``*DiskByteOffset``: bytes, signed, relative to the partition."""
        return decode_disk_byte_offset(self.raw.disk_byte_offset, self._machine)

    @lazy
    def mdls(self) -> Tuple[Union[Mdl, NoValue], ...]:
        """The MDL chain."""
        return tuple([decode_mdl(piece, self._machine) for piece in self.raw.mdls])

    @property
    def mdl(self) -> Union[Mdl, NoValue]:
        """The first MDL, which the callback got."""
        return self.mdls[0] if self.mdls else NoValue(Absence.NOT_CAPTURED)

    @property
    def mapped(self) -> Tuple[Piece, ...]:
        """The first bytes at each MDL's MappedSystemVa, read as virtual memory."""
        return self.raw.mapped

    @lazy
    def buffers(self) -> Tuple[BufferView, ...]:
        """What each MDL describes."""
        return self._views(self.raw.buffers, self)

    @lazy
    def source(self) -> Tuple[BufferView, ...]:
        """At a return that changed page frame numbers: what the MDLs described at entry, read again."""
        return self._views(self.raw.source, self._described or self)

    @property
    def described_at_entry(self) -> Tuple[BufferView, ...]:
        """The pages that the MDLs described at entry: ``source`` where they were read again, else
        ``buffers``."""
        return self.source or self.buffers

    @property
    def buffer(self) -> bytes:
        """The whole transfer: the buffers of all MDLs, joined.

        Raises:
            BufferUnreadableError: a part is not held.
            RecordingError: a page is damaged.
        """
        if not self.buffers:
            raise BufferUnreadableError("the buffer", NoValue(Absence.NOT_CAPTURED))
        return b"".join(view.content() for view in self.buffers)

    def _views(self, buffers: Tuple[Buffer, ...], side: "DecodedSide") -> Tuple[BufferView, ...]:
        mdls = side.mdls
        return tuple(
            [
                BufferView(raw, mdls[index] if index < len(mdls) else _NO_MDL, self._pages)
                for index, raw in enumerate(buffers)
            ]
        )


class DecodedCall:
    """One call of a filter's callback.

    Args:
        call: as recorded.
        module: the copy it belongs to; None where the recording lost it.
        machine: whose layouts.
        pages: where page contents are.

    Attributes:
        callbacks: the names that the called address serves.
        callback: the callback's name; None where one address serves several, for then nobody can tell.
        status: what the call returned; None where its return was not seen.
    """

    def __init__(
        self, call: Call, module: Optional[LoadedModule], machine: Machine, pages: PageSource
    ) -> None:
        self.raw = call
        self.module = module
        self.machine = machine
        self.pages = pages
        self.callbacks = call.callbacks
        self.callback = call.callbacks[0] if len(call.callbacks) == 1 else None
        self.status = None if call.status is None else NtStatus(call.status)
        self.entry = DecodedSide(call.entry, machine, pages)
        self.exit: Optional[DecodedSide] = None
        self._found: Dict[Callable[[DecodedCall], object], object] = {}
        if call.exit is not None:
            self.exit = DecodedSide(call.exit, machine, pages, self.entry)

    @property
    def number(self) -> int:
        """Counts entries from 0 over the whole recording."""
        return self.raw.number

    @property
    def label(self) -> str:
        """The callback for people: "Dump_Read", or "Dump_Start or Dump_Finish"."""
        return " or ".join(self.raw.callbacks)

    @property
    def module_name(self) -> str:
        """The copy's name; "module 3" where the recording lost it."""
        return f"module {self.raw.module}" if self.module is None else self.module.name

    def once(self, function: "Callable[[DecodedCall], _T]") -> _T:
        """What ``function`` gives for this call, computed once however many ask."""
        if function not in self._found:
            self._found[function] = function(self)
        return cast(_T, self._found[function])

    @property
    def filter_extension(self) -> FilterExtension:
        """FILTER_EXTENSION at entry.

        Raises:
            ValueMissingError: it was not captured, or cannot be read.
        """
        return known(self.entry.filter_extension, f"{self}: FILTER_EXTENSION at entry")

    @property
    def filter_initialization_data(self) -> FilterInitializationData:
        """FILTER_INITIALIZATION_DATA at entry.

        Raises:
            ValueMissingError: it was not found, or cannot be read.
        """
        return known(self.entry.filter_initialization_data, f"{self}: FILTER_INITIALIZATION_DATA at entry")

    @property
    def disk_byte_offset(self) -> int:
        """``*DiskByteOffset`` at entry, in bytes; Dump_Write and Dump_Read only.

        Raises:
            ValueMissingError: it was not captured, or cannot be read.
        """
        return known(self.entry.disk_byte_offset, f"{self}: *DiskByteOffset at entry")

    @property
    def mdl(self) -> Mdl:
        """The MDL that the callback got, at entry; Dump_Write and Dump_Read only. More of a chain are in
        ``entry.mdls``.

        Raises:
            ValueMissingError: it was not captured, or cannot be read.
        """
        return known(self.entry.mdl, f"{self}: the MDL at entry")

    def __str__(self) -> str:
        return f"call {self.number} ({self.label})"

    def __repr__(self) -> str:
        return f"<DecodedCall: {self}>"

    @lazy
    def byte_count(self) -> Union[int, NoValue]:
        """Bytes of the transfer at entry: the ByteCount of all MDLs."""
        mdls = self.entry.mdls
        if not mdls:
            return NoValue(Absence.NOT_CAPTURED)
        total = 0
        for mdl in mdls:
            if isinstance(mdl, NoValue):
                return mdl
            total += mdl.byte_count
        return total
