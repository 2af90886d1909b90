"""What a recording holds, as plain values: bytes as they were read, nothing decoded.

These are the values that a tracer emits, that the writer turns into the lines of ``calls.jsonl``, that the
reader gives back, and that rules judge. Two traces of the same run give equal values.
"""

from dataclasses import dataclass, field
from typing import Any, Mapping, Optional, Protocol, Tuple, Union

__all__ = [
    "CALLBACKS",
    "ArmedCallback",
    "Buffer",
    "BugCheck",
    "Call",
    "Callbacks",
    "Fault",
    "Footer",
    "Header",
    "LoadedModule",
    "PageSource",
    "PageStore",
    "Pdb",
    "Piece",
    "Record",
    "Scrubbed",
    "Side",
    "Unloaded",
]

CALLBACKS = ("DriverEntry", "Dump_Start", "Dump_Write", "Dump_Read", "Dump_Finish", "Dump_Unload")
"""The names a call can bear, as Microsoft's documentation spells them, in the order of a dump."""


class PageSource(Protocol):
    """Gives page contents by number."""

    def page(self, number: int) -> bytes:
        """The 4096 bytes of page ``number``.

        Raises:
            RecordingError: there is no such page, or it is damaged.
        """


class PageStore(PageSource, Protocol):
    """Keeps each distinct page once."""

    def put(self, content: bytes) -> int:
        """Keep a page of 4096 bytes; equal content gets the number it already has. Numbers count from 0."""


@dataclass(frozen=True)
class Piece:
    """Bytes of a structure as they were read.

    ``data`` may be shorter than ``asked``: then ``missing`` says why the rest could not be read.
    """

    address: int
    data: bytes
    asked: int
    missing: Optional[str] = None


@dataclass(frozen=True)
class Buffer:
    """The memory that one MDL describes, as whole pages.

    Attributes:
        via: "physical" (through the MDL's PFNs) or "virtual" (through MappedSystemVa).
        offset: where in the first page the buffer begins (the MDL's ByteOffset).
        size: bytes of the buffer held here; less than the MDL's ByteCount where ``truncated`` says why.
        pages: one page number of the store per page of the buffer, None where it could not be read.
        unreadable: for each None, by index into ``pages``, why.
        truncated: why less than the MDL's ByteCount is held, also where that was the user's wish.
        fallback: where ``via`` is "virtual" for want of something better, why the PFNs were of no use.
        hashes: of a buffer whose pages were read and not kept, BLAKE2b (16 bytes, hexadecimal) of each whole
            page, None where it could not be read.
    """

    via: str
    offset: int
    size: int
    pages: Tuple[Optional[int], ...]
    unreadable: Mapping[int, str] = field(default_factory=dict)
    truncated: Optional[str] = None
    hashes: Tuple[Optional[str], ...] = ()
    fallback: Optional[str] = None


@dataclass(frozen=True)
class Side:
    """The target as it was at the entry of a call, or at its return.

    Attributes:
        registers: by lower-case name, unsigned.
        filter_extension: FILTER_EXTENSION; None where the callback's arguments are not to be trusted.
        filter_initialization_data: FILTER_INITIALIZATION_DATA where it was found; its length tells which of
            its three sizes.
        disk_byte_offset: the 8 bytes that the second argument points at; Dump_Write and Dump_Read only.
        mdls: the MDL chain, each header with its PFN array.
        buffers: what each MDL describes.
        source: at the return of a call that changed an MDL's PFNs, the pages that the MDLs described at
            entry, read again; otherwise empty.
        mapped: bytes (at most 64 at each place) read as virtual memory, to hold against the same bytes in
            ``buffers``: at each MDL's MappedSystemVa, and at a return that changed the MDL also further on,
            where pages of the buffer begin. Nothing was asked for where an MDL says that it is not mapped.
        around: for each MDL at entry, the pages next to the buffer in virtual memory: as many before it as
            behind it, in the order of addresses; empty where the trace did not ask for them.
    """

    registers: Mapping[str, int]
    filter_extension: Optional[Piece] = None
    filter_initialization_data: Optional[Piece] = None
    disk_byte_offset: Optional[Piece] = None
    mdls: Tuple[Piece, ...] = ()
    buffers: Tuple[Buffer, ...] = ()
    source: Tuple[Buffer, ...] = ()
    mapped: Tuple[Piece, ...] = ()
    around: Tuple[Buffer, ...] = ()


@dataclass(frozen=True)
class BugCheck:
    """A bug check: its code and its four parameters, as KiBugCheckData holds them."""

    code: int
    parameters: Tuple[int, ...]


@dataclass(frozen=True)
class Call:
    """One entry of a filter's callback and its return.

    Attributes:
        number: counts entries from 0 over the whole recording; lines are written as calls end, so a call
            within a call comes first.
        module: number of the :class:`LoadedModule` it belongs to.
        callbacks: the names this address serves, from :data:`CALLBACKS`; more than one where a linker
            folded equal functions, and then nobody can tell which was meant.
        return_address: where the call returns to.
        arguments: the values of the arguments, as many as the callback takes (the most that any of
            ``callbacks`` takes).
        entry: the target at entry.
        exit: the target at return; None where the return was not seen.
        status: the low 32 bits of the returned value; None where the return was not seen.
        unreturned: why the return was not seen.
        gone: whether it is certain that the call can return no more (its stack has been used again, its
            code was unloaded). Where this is False it may only have gone unseen.
        bug_check: the bug check that was raised while the call was the innermost one.
    """

    number: int
    module: int
    callbacks: Tuple[str, ...]
    return_address: int
    arguments: Tuple[int, ...]
    entry: Side
    exit: Optional[Side] = None
    status: Optional[int] = None
    unreturned: Optional[str] = None
    gone: bool = False
    bug_check: Optional[BugCheck] = None


@dataclass(frozen=True)
class Pdb:
    """The CodeView record (RSDS) of an image: file name, GUID as 32 lower-case hex digits, age."""

    name: str
    guid: str
    age: int


@dataclass(frozen=True)
class LoadedModule:
    """One loaded copy of the filter. The same name loaded again is a new number.

    ``entry_point``, ``timestamp``, ``checksum`` and ``pdb`` are from the image's headers in the target's
    memory; None where those could not be read, or for ``pdb`` where the image names none.
    """

    number: int
    name: str
    base: int
    size: int
    entry_point: Optional[int] = None
    timestamp: Optional[int] = None
    checksum: Optional[int] = None
    pdb: Optional[Pdb] = None


@dataclass(frozen=True)
class ArmedCallback:
    """One address that is watched: the names it serves, and for each how it is known.

    ``found_by`` holds, in the order of ``callbacks``, "table" (FILTER_INITIALIZATION_DATA as the filter
    filled it in), "memory" (the same, found by a search of memory and not yet seen in a call), "symbol",
    "address" (the user gave it) or "header" (the image's entry point).
    """

    address: int
    callbacks: Tuple[str, ...]
    found_by: Tuple[str, ...]


@dataclass(frozen=True)
class Callbacks:
    """All that is watched in a module from here on; a later one for the same module replaces it.

    ``absent`` lists callbacks known not to be registered (NULL in the table); one that is in neither list
    is unknown.
    """

    module: int
    armed: Tuple[ArmedCallback, ...]
    absent: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Unloaded:
    """A module went away."""

    module: int


@dataclass(frozen=True)
class Fault:
    """Something that the tool, not the filter, failed at; tracing went on."""

    during: str
    message: str
    call: Optional[int] = None


@dataclass(frozen=True)
class Scrubbed:
    """That the contents are not the target's any more: what replaced them, with its version, and a
    fingerprint of the key it was done with (equal for recordings that were scrubbed by one key)."""

    tool: str
    key: str


@dataclass(frozen=True)
class Header:
    """The first line.

    ``filter`` is the driver's plain name, ``debugger`` holds "engine", "version" and "target", ``options``
    what the user chose for this trace. ``created`` is UTC in ISO 8601. ``scrubbed`` is None for a recording
    as a trace made it.
    """

    filter: str
    machine: str
    created: str
    tool: str
    debugger: Mapping[str, str]
    options: Mapping[str, Any] = field(default_factory=dict)
    scrubbed: Optional[Scrubbed] = None


@dataclass(frozen=True)
class Footer:
    """The last line of a recording that was closed in good order; ``reason`` says why it ended.

    ``lost`` counts calls that happened and could not be kept, ``left_out`` those that were seen and by the
    user's wish not captured.
    """

    calls: int
    pages: int
    reason: str
    lost: int = 0
    digests: Mapping[str, str] = field(default_factory=dict)
    left_out: int = 0


Record = Union[LoadedModule, Callbacks, Call, Unloaded, Fault]
"""What stands between the header and the footer, in order of time."""
