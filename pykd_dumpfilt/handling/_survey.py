"""What a recording shows of a system and a filter, as facts that can be held against another recording's.

What differs in every run (addresses, times, contents of pages) is no such fact.
"""

from typing import Dict, Iterable, Iterator, Mapping, Optional, Sequence, Tuple, Union

from ..decoded import DecodedCall, DecodedSide, FilterExtension, FilterInitializationData, Mdl
from ..recording import Call, Callbacks, Fault, LoadedModule, PageSource, Record
from ..structures import Machine, NtStatus
from ._tally import Tally

__all__ = ["Facts", "Survey", "Value"]

Value = Union[str, int]
Facts = Mapping[str, Value]
"""What is known, by the name of each fact."""

_MAX_COPIES = 1000
_MAX_NAME = 200
# What is given to DriverEntry, what it makes of it, and what the system holds from then on.
_WHEN_REGISTERED = {
    (True, "entry"): "given,",
    (True, "return"): "registered,",
    (False, "entry"): "in later calls,",
}


class Survey:
    """Takes in records as they come. Memory does not grow with the recording.

    Args:
        machine: the target's architecture.
        pages: where page contents are.
    """

    def __init__(self, machine: Machine, pages: PageSource) -> None:
        self._machine = machine
        self._pages = pages
        self._modules: Dict[int, LoadedModule] = {}
        self._loaded: Tally[str] = Tally()
        self._watched: Dict[str, Tuple[str, str]] = {}
        self._calls: Tally[str] = Tally()
        self._statuses: Tally[str] = Tally()
        self._flags: Tally[str] = Tally()
        self._transfers: Dict[str, _Transfers] = {}
        self._registered = _Fields()
        self._extension = _Fields()
        self._bug_checks: Tally[str] = Tally()
        self._faults: Tally[str] = Tally()

    def feed(self, record: Record) -> None:
        """Take the next record."""
        if isinstance(record, Call):
            self._call(DecodedCall(record, self._modules.get(record.module), self._machine, self._pages))
        elif isinstance(record, LoadedModule):
            if len(self._modules) < _MAX_COPIES:
                self._modules[record.number] = record
            self._loaded.add(_short(record.name))
        elif isinstance(record, Callbacks):
            if record.module in self._modules:
                self._watched[_short(self._modules[record.module].name)] = _callbacks(record)
        elif isinstance(record, Fault):
            self._faults.add(_short(record.during))

    def sections(self) -> Iterator[Tuple[str, Facts]]:
        """The facts by what they are about, the same sections in the same order for every recording."""
        yield "Copies", dict(_copies(self._modules.values(), self._loaded.counts()))
        yield "Callbacks", dict(_watched(self._watched))
        yield "Calls", self._calls.counts()
        yield "Statuses", self._statuses.counts()
        yield "MdlFlags", dict(sorted(self._flags.counts().items()))
        yield (
            "Transfers",
            {
                f"{label} {name}": value
                for label, seen in self._transfers.items()
                for name, value in seen.facts()
            },
        )
        yield "FILTER_INITIALIZATION_DATA", self._registered.facts()
        yield "FILTER_EXTENSION", self._extension.facts()
        yield "Bug checks", self._bug_checks.counts()
        yield "Faults of the tool", self._faults.counts()

    def _call(self, call: DecodedCall) -> None:
        label = call.label
        self._calls.add(label)
        self._statuses.add(f"{label} {_status(call.status)}")
        for name, side in (("entry", call.entry), ("return", call.exit)):
            if side is not None:
                self._side(call, name, side)
        if any(isinstance(mdl, Mdl) for mdl in call.entry.mdls):
            if label not in self._transfers:
                self._transfers[label] = _Transfers()
            self._transfers[label].add(call)
        if call.raw.bug_check is not None:
            self._bug_checks.add(f"bug check {call.raw.bug_check.code:#x}")

    def _side(self, call: DecodedCall, name: str, side: DecodedSide) -> None:
        for mdl in side.mdls:
            if isinstance(mdl, Mdl):
                flags = mdl.flag_names or ("no flag",)
                self._flags.update(f"{call.label} {name}, {what}" for what in ("all MDLs", *flags))
        when = _WHEN_REGISTERED.get((call.callback == "DriverEntry", name))
        data = side.filter_initialization_data
        if when is not None and isinstance(data, FilterInitializationData):
            raw = side.raw.filter_initialization_data
            self._registered.add(f"{when} bytes", 0 if raw is None else raw.asked)
            self._registered.add(f"{when} version", f"{data.major_version}.{data.minor_version}")
            self._registered.add(f"{when} MaxPagesPerWrite", data.max_pages_per_write)
            self._registered.add(f"{when} Flags", _flags(data.flags, data.flag_names))
        extension = side.filter_extension
        if isinstance(extension, FilterExtension):
            raw = side.raw.filter_extension
            self._extension.add("bytes", 0 if raw is None else raw.asked)
            self._extension.add("Size", "none" if extension.size is None else extension.size)
            if extension.flags is not None:
                self._extension.add("Flags", _flags(extension.flags, extension.flag_names))
            self._extension.add("DumpType", extension.dump_type)
            self._extension.add("BytesPerSector", extension.geometry.bytes_per_sector)
            self._extension.add("PartitionStyle", extension.partition_info.style)


class _Fields:
    """Which values each field of a structure had."""

    def __init__(self) -> None:
        self._seen: Dict[str, Tally[Value]] = {}

    def add(self, name: str, value: Value) -> None:
        if name not in self._seen:
            self._seen[name] = Tally()
        self._seen[name].add(value)

    def facts(self) -> Facts:
        return {name: seen.kinds() for name, seen in self._seen.items()}


class _Transfers:
    """The transfers of one callback, as the system asked for them."""

    def __init__(self) -> None:
        self._smallest = self._largest = self._total = self._count = 0
        self._aligned = self._unaligned = 0
        self._chains: Tally[int] = Tally()

    def add(self, call: DecodedCall) -> None:
        mdls = [mdl for mdl in call.entry.mdls if isinstance(mdl, Mdl)]
        size = sum(mdl.byte_count for mdl in mdls)
        self._smallest = min(self._smallest, size) if self._count else size
        self._largest = max(self._largest, size)
        self._total += size
        self._count += 1
        self._chains.add(len(call.entry.mdls))
        unaligned = sum(mdl.byte_offset != 0 for mdl in mdls)
        self._unaligned += unaligned
        self._aligned += len(mdls) - unaligned

    def facts(self) -> Iterator[Tuple[str, Value]]:
        yield "bytes in all", self._total
        yield "bytes, least", self._smallest
        yield "bytes, most", self._largest
        for length, count in self._chains.counts().items():
            yield f"with a chain of {length} MDL{'' if length == '1' else 's'}", count
        yield "MDLs with ByteOffset 0", self._aligned
        yield "MDLs with another ByteOffset", self._unaligned


def _copies(modules: Iterable[LoadedModule], loaded: Mapping[str, int]) -> Iterator[Tuple[str, Value]]:
    for name, count in loaded.items():
        yield f"{name} loaded", count
    fields: Dict[str, Tally[str]] = {}
    for module in modules:
        pdb = module.pdb
        for field, value in (
            ("size", f"{module.size:#x}"),
            ("TimeDateStamp", _hexadecimal(module.timestamp)),
            ("CheckSum", _hexadecimal(module.checksum)),
            ("PDB", "none named" if pdb is None else f"{_short(pdb.name)} {pdb.guid} {pdb.age}"),
        ):
            fields.setdefault(f"{_short(module.name)} {field}", Tally()).add(value)
    for name, values in fields.items():
        yield name, values.kinds()


def _callbacks(record: Callbacks) -> Tuple[str, str]:
    """What is watched, and what is known not to be registered."""
    watched = {" = ".join(one.callbacks) for one in record.armed}
    return ", ".join(sorted(watched)) or "none", ", ".join(sorted(set(record.absent))) or "none"


def _watched(copies: Mapping[str, Tuple[str, str]]) -> Iterator[Tuple[str, Value]]:
    for name, (watched, absent) in copies.items():
        yield f"{name} watched", watched
        yield f"{name} not registered", absent


def _short(name: str) -> str:
    """A name that others chose, and that is kept."""
    return name if len(name) <= _MAX_NAME else name[:_MAX_NAME] + "..."


def _flags(value: int, names: Sequence[str]) -> str:
    return f"{value:#x}" + (f" ({' | '.join(names)})" if names else "")


def _hexadecimal(value: Optional[int]) -> str:
    return "unknown" if value is None else f"{value:#x}"


def _status(status: Optional[NtStatus]) -> str:
    return "did not return" if status is None else status.name or f"0x{int(status):08X}"
