"""What a filter registers: FILTER_INITIALIZATION_DATA as DriverEntry leaves it.

Source: Microsoft's pages "FILTER_INITIALIZATION_DATA structure" and "DUMP_WRITE callback function"
(ntdddump.h).

Where DriverEntry was not seen, the structure may still be found in front of FILTER_EXTENSION (inferred for
x64). What is found there was recognised by its version and pointers, so rules about these would prove
nothing by it; the others look at it.
"""

from typing import ClassVar, Dict, Iterator, Mapping, Optional, Set, Tuple

from ..decoded import DecodedCall, FilterInitializationData, NoValue
from ..recording import CALLBACKS
from ..structures import (
    DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ,
    DUMP_FILTER_MAJOR_VERSION,
    DUMP_FILTER_MAJOR_VERSION_1,
    DUMP_FILTER_MINOR_VERSION,
    nt_success,
)
from ._rule import Level, Rule

__all__ = [
    "CallbacksInImage",
    "FlagHasTwoNames",
    "MaxPagesIsInput",
    "ReadSupportIsComplete",
    "VersionIsKnown",
]

_PAGE = (
    "https://learn.microsoft.com/windows-hardware/drivers/ddi/ntdddump/"
    "ns-ntdddump-_filter_initialization_data"
)
_MAX_COPIES = 1000
# One bit, two names (ntdddump.h): DUMP_FILTER_CRITICAL and DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ.
_BIT_0 = DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ


class VersionIsKnown(Rule):
    """The version is a promise of DriverEntry's success; after an error nobody reads it."""

    id = "DF-REG-001"
    family = "registration"
    statement = "DriverEntry returns success with MajorVersion 1 or 2 and MinorVersion 0."
    source = _PAGE
    evidence: ClassVar[Mapping[str, str]] = {
        "major_version": "MajorVersion",
        "minor_version": "MinorVersion",
    }
    callbacks = ("DriverEntry",)

    def check(self, call: DecodedCall) -> None:
        data = _registered(self, call)
        if data is None:
            return
        self.checked()
        known = (DUMP_FILTER_MAJOR_VERSION_1, DUMP_FILTER_MAJOR_VERSION)
        if data.major_version in known and data.minor_version == DUMP_FILTER_MINOR_VERSION:
            return
        self.find(
            call,
            f"DriverEntry registered version {data.major_version}.{data.minor_version}: set MajorVersion to "
            "DUMP_FILTER_MAJOR_VERSION (2; 1 before Windows 8) and MinorVersion to 0",
            {"major_version": data.major_version, "minor_version": data.minor_version},
        )


class ReadSupportIsComplete(Rule):
    """Bit 0 without DumpRead is DUMP_FILTER_CRITICAL and needs nothing else."""

    id = "DF-REG-002"
    family = "registration"
    statement = (
        "A filter that sets DumpRead also sets MajorVersion 2 and DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ; "
        "else the system does not call it to read."
    )
    source = _PAGE
    evidence: ClassVar[Mapping[str, str]] = {
        "dump_read": "DumpRead, an address",
        "major_version": "MajorVersion",
        "flags": "Flags, hexadecimal",
    }
    callbacks = CALLBACKS
    ambiguous = True
    returned = False

    def begin(self) -> None:
        super().begin()
        self._looked: Set[int] = set()

    def check(self, call: DecodedCall) -> None:
        data = _once_per_copy(self, call, self._looked)
        if data is None:
            return
        self.checked()
        if not data.dump_read or _as_preset(call, "dump_read"):
            return
        missing = []
        # A version that there is not is DF-REG-001's finding, and one mistake needs no two.
        if data.major_version == DUMP_FILTER_MAJOR_VERSION_1:
            missing.append(f"MajorVersion is {data.major_version}, not {DUMP_FILTER_MAJOR_VERSION}")
        if not data.flags & DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ:
            missing.append(f"Flags is {data.flags:#x}, without DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ (0x1)")
        if missing:
            self.find(
                call,
                f"DumpRead is set ({data.dump_read:#x}), but {' and '.join(missing)}: the system takes the "
                "filter for one without read support and never calls it",
                {
                    "dump_read": f"{data.dump_read:#x}",
                    "major_version": data.major_version,
                    "flags": f"{data.flags:#x}",
                },
            )


class CallbacksInImage(Rule):
    """Copies share no code: in a crash only what the dump stack loaded can be relied on."""

    id = "DF-REG-003"
    family = "registration"
    statement = "Every callback that DriverEntry registers lies in the filter's own image, or is NULL."
    source = _PAGE
    evidence: ClassVar[Mapping[str, str]] = {
        "callback": "the member's name",
        "pointer": "what it holds, an address",
        "image_base": "where the copy's image begins, an address",
        "image_size": "bytes of the image",
    }
    callbacks = ("DriverEntry",)

    def check(self, call: DecodedCall) -> None:
        data = _registered(self, call)
        if data is None:
            return
        module = call.module
        if module is None:
            self.cannot_tell(call, "where the copy's image lies was not recorded")
            return
        self.checked()
        for name, field, pointer in _pointers(data):
            if not pointer or module.base <= pointer < module.base + module.size or _as_preset(call, field):
                continue
            self.find(
                call,
                f"{name} {pointer:#x} lies outside {module.name} ({module.base:#x} to "
                f"{module.base + module.size:#x}): register a function of this image, or NULL",
                {
                    "callback": name,
                    "pointer": f"{pointer:#x}",
                    "image_base": f"{module.base:#x}",
                    "image_size": module.size,
                },
            )


class MaxPagesIsInput(Rule):
    """The system sets it before DriverEntry, and the filter sizes its own buffer by it."""

    id = "DF-REG-004"
    family = "registration"
    statement = "DriverEntry must not change MaxPagesPerWrite, which the system sets."
    source = _PAGE
    evidence: ClassVar[Mapping[str, str]] = {
        "before": "MaxPagesPerWrite at entry, pages",
        "after": "MaxPagesPerWrite at return, pages",
    }
    callbacks = ("DriverEntry",)

    def check(self, call: DecodedCall) -> None:
        if call.exit is None:
            return
        values = []
        for when, side in (("at entry", call.entry), ("at return", call.exit)):
            data = side.filter_initialization_data
            if isinstance(data, NoValue):
                self.cannot_tell(call, f"FILTER_INITIALIZATION_DATA {when}: {data}")
                return
            values.append(data.max_pages_per_write)
        self.checked()
        before, after = values
        if before != after:
            self.find(
                call,
                f"DriverEntry changed MaxPagesPerWrite from {before} to {after}: it is the system's limit "
                "for one transfer; allocate a buffer of that many pages, and leave the member alone",
                {"before": before, "after": after},
            )


class FlagHasTwoNames(Rule):
    """Never a breach: it notes what nobody can tell from the value alone."""

    id = "DF-REG-005"
    level = Level.NOTE
    family = "registration"
    statement = "Bit 0 of FILTER_INITIALIZATION_DATA.Flags has two names, and both are told."
    source = _PAGE
    evidence: ClassVar[Mapping[str, str]] = {}
    callbacks = CALLBACKS
    ambiguous = True
    returned = False

    def begin(self) -> None:
        super().begin()
        self._looked: Set[int] = set()
        self._sentences: Dict[str, None] = {}

    def check(self, call: DecodedCall) -> None:
        data = _once_per_copy(self, call, self._looked)
        if data is None:
            return
        self.checked()
        if data.flags & _BIT_0:
            meaning = (
                "DumpRead is set, so it announces read support, and may make a failing DriverEntry fatal"
                if data.dump_read and not _as_preset(call, "dump_read")
                else "DumpRead is not set, so it means that a failing DriverEntry is fatal"
            )
            self._sentences[
                f"{call.module_name}: Flags is {data.flags:#x} ({', '.join(data.flag_names)}), and bit 0 has "
                f"two names; {meaning}"
            ] = None

    def notes(self) -> Tuple[str, ...]:
        return tuple(self._sentences)


def _registered(rule: Rule, call: DecodedCall) -> Optional[FilterInitializationData]:
    """What a successful DriverEntry left; None where it failed or where that is not known, which is said."""
    if call.exit is None:
        return None
    status = call.status
    if status is None:
        rule.cannot_tell(call, "its return was seen, but no status was recorded")
        return None
    if not nt_success(status):
        return None
    data = call.exit.filter_initialization_data
    if isinstance(data, NoValue):
        rule.cannot_tell(call, f"FILTER_INITIALIZATION_DATA at return: {data}")
        return None
    return data


def _once_per_copy(rule: Rule, call: DecodedCall, looked: Set[int]) -> Optional[FilterInitializationData]:
    """The copy's registration the first time that it is known; None at every other call."""
    if call.raw.module in looked or len(looked) >= _MAX_COPIES:
        return None
    if call.callback == "DriverEntry":
        if call.exit is None:
            rule.cannot_tell(call, f"did not return: {call.raw.unreturned or 'no reason recorded'}")
            return None
        data = _registered(rule, call)
    else:
        found = call.entry.filter_initialization_data
        # Not found in front of FILTER_EXTENSION is an ordinary answer.
        data = None if isinstance(found, NoValue) else found
    if data is not None:
        looked.add(call.raw.module)
    return data


def _as_preset(call: DecodedCall, field: str) -> bool:
    """Whether DriverEntry found this value there already: then it is the system's, or past the end of a form
    of the structure that is smaller than was taken for it."""
    if call.callback != "DriverEntry" or call.exit is None:
        return False
    before, after = call.entry.filter_initialization_data, call.exit.filter_initialization_data
    if isinstance(before, NoValue) or isinstance(after, NoValue):
        return False
    return bool(getattr(before, field) == getattr(after, field))


def _pointers(data: FilterInitializationData) -> Iterator[Tuple[str, str, Optional[int]]]:
    yield "DumpStart", "dump_start", data.dump_start
    yield "DumpWrite", "dump_write", data.dump_write
    yield "DumpFinish", "dump_finish", data.dump_finish
    yield "DumpUnload", "dump_unload", data.dump_unload
    yield "DumpRead", "dump_read", data.dump_read
    yield "DumpPreReadWrite", "dump_pre_read_write", data.dump_pre_read_write
