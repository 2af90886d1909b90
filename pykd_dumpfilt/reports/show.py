"""Looking into a recording: all calls in a line each, or one call with its structures and bytes."""

from typing import Iterator, List, Optional, Tuple, Union

from ..decoded import BufferView, DecodedCall, DecodedSide, Mdl, NoValue, layout_of
from ..errors import RecordingError
from ..recording import Call, Callbacks, Fault, LoadedModule, Piece, Recording, Unloaded
from ..rules import status_text
from ..structures import Machine
from ._differences import (
    brief_changes,
    byte_ranges,
    changed_registers,
    structure_change_lines,
)
from ._fields import field_lines
from ._hexdump import hexdump
from ._phrases import scrubbed
from ._printable import printable, wrapped

__all__ = ["call_line", "show_call", "show_recording"]

_BEGINNING = 256
_MAX_RANGES = 64
_PFNS_PER_LINE = 8


def show_recording(recording: Recording) -> str:
    """One line per call, with what happened to the filter's copies between them."""
    return "\n".join(_overview(recording))


def show_call(recording: Recording, number: int, whole: bool = False) -> str:
    """One call: structures on both sides, what changed, and the beginning of the buffer (``whole``: all).

    Raises:
        RecordingError: the recording has no such call.
    """
    raw = recording.call(number)
    module = recording.modules.get(raw.module)
    call = DecodedCall(raw, module, Machine(recording.header.machine), recording)
    first, *lines = _one_call(call, whole)
    return "\n".join([first, *_scrubbed(recording), *lines])


def _overview(recording: Recording) -> Iterator[str]:
    header = recording.header
    engine, version, target = (
        printable(header.debugger.get(key, "unknown")) for key in ("engine", "version", "target")
    )
    yield (
        f"{printable(str(recording.path))}: filter {printable(header.filter)}, {printable(header.machine)}, "
        f"{printable(header.created)}, {printable(header.tool)} ({engine} {version}: {target})"
    )
    yield from _scrubbed(recording)
    yield (
        f"{'call':>6}  {'module':20} {'callback':12} {'disk offset':>14} {'bytes':>8}  {'status':22} changed"
    )
    machine = Machine(header.machine)
    modules = {}
    for record in recording:
        if isinstance(record, LoadedModule):
            modules[record.number] = record
            yield f"{'':6}  {printable(record.name)} loaded at {record.base:#x}, {record.size:#x} bytes"
        elif isinstance(record, Call):
            yield call_line(DecodedCall(record, modules.get(record.module), machine, recording))
        elif isinstance(record, Unloaded):
            known = modules.get(record.module)
            name = printable(known.name) if known else f"module {record.module}"
            yield f"{'':6}  {name} unloaded"
        elif isinstance(record, Callbacks):
            yield from _callbacks(record)
        elif isinstance(record, Fault):
            yield f"{'':6}  TOOL FAULT while {printable(record.during)}: {printable(record.message)}"
    yield from (f"damaged: {printable(sentence)}" for sentence in recording.damage)


def _scrubbed(recording: Recording) -> Iterator[str]:
    replaced = scrubbed(recording.header)
    if replaced is not None:
        yield from wrapped(f"scrubbed: {replaced}", "  ")


def _callbacks(record: Callbacks) -> Iterator[str]:
    for armed in record.armed:
        found = ", ".join(dict.fromkeys(printable(how) for how in armed.found_by))
        yield f"{'':6}    {armed.address:#x}  {printable(' = '.join(armed.callbacks))}  (by {found})"
    if record.absent:
        yield f"{'':6}    not registered: {printable(', '.join(record.absent))}"


def call_line(call: DecodedCall) -> str:
    """One line: number, copy, callback, and for a transfer disk offset and bytes; status; what changed."""
    transfers = bool({"Dump_Write", "Dump_Read"} & set(call.callbacks))
    offset = _number(call.entry.disk_byte_offset, "#x") if transfers else ""
    count = _number(call.byte_count, "d") if transfers else ""
    status = call.status
    shown = "not returned" if status is None else status.name or f"0x{int(status):08X}"
    label = "|".join(call.callbacks)
    line = (
        f"{call.number:>6}  {printable(call.module_name):20} {printable(label):12} {offset:>14} {count:>8}  "
        f"{shown:22} {printable(brief_changes(call))}"
    )
    return line.rstrip()


def _number(value: Union[int, NoValue], form: str) -> str:
    return "?" if isinstance(value, NoValue) else format(value, form)


def _one_call(call: DecodedCall, whole: bool) -> Iterator[str]:
    status = call.status
    yield f"call {call.number}: {call.label} of {printable(call.module_name)}"
    arguments = ", ".join(f"{value:#x}" for value in call.raw.arguments)
    yield f"  called with ({arguments}), returns to {call.raw.return_address:#x}"
    if call.callback is None:
        yield "  one address serves these callbacks, so the arguments may mean nothing"
    if status is not None:
        yield f"  returned {status_text(status)}"
    else:
        yield f"  did not return: {printable(call.raw.unreturned or 'no reason recorded')}"
    yield ""
    yield "Changed between entry and return"
    yield from _indented(_changed(call)) if call.exit is not None else ["  not known: it did not return"]
    for name, side in (("Entry", call.entry), ("Return", call.exit)):
        if side is not None:
            yield ""
            yield name
            yield from _indented(_side(side, call.machine))
    yield ""
    yield from _buffers("Buffer at entry", call.entry.buffers, whole)
    if call.exit is not None:
        yield from _buffers("Buffer at return", call.exit.buffers, whole)
        yield from _buffers("The entry's buffer, read again at return", call.exit.source, whole)


def _changed(call: DecodedCall) -> List[str]:
    lines = [printable(line) for line in structure_change_lines(call)]
    lines += [f"{name}: {before:#x} -> {after:#x}" for name, before, after in changed_registers(call)]
    given_back = () if call.exit is None else call.exit.described_at_entry
    for index, (before, after) in enumerate(zip(call.entry.buffers, given_back)):
        lines += _buffer_changes("buffer" if index == 0 else f"buffer {index} of the chain", before, after)
    return lines or ["nothing"]


def _buffer_changes(name: str, before: BufferView, after: BufferView) -> List[str]:
    try:
        if before.same_as(after):
            return []
        ranges = byte_ranges(before.read(0, before.held), after.read(0, after.held))
    except RecordingError as error:
        return [f"{name}: not known: {printable(str(error))}"]
    total = sum(end - start for start, end in ranges)
    # In units of 16 bytes: two random bytes are equal once in 256, which would tear every range apart.
    lines = [f"{name}: {total} of {before.held} bytes, in units of 16"]
    lines += [f"  {start:#x} to {end - 1:#x}" for start, end in ranges[:_MAX_RANGES]]
    if len(ranges) > _MAX_RANGES:
        lines.append(f"  and {len(ranges) - _MAX_RANGES} more ranges")
    return lines


def _side(side: DecodedSide, machine: Machine) -> Iterator[str]:
    offset = side.disk_byte_offset
    if side.raw.disk_byte_offset is not None:
        shown = f"*DiskByteOffset: {printable(str(offset))}"
        if isinstance(offset, int):
            shown = f"*DiskByteOffset: {offset:#x} ({offset})"
        yield f"{shown}, at {side.raw.disk_byte_offset.address:#x}"
    yield from _structure("FILTER_EXTENSION", side.raw.filter_extension, machine)
    yield from _structure("FILTER_INITIALIZATION_DATA", side.raw.filter_initialization_data, machine)
    for piece, mdl in zip(side.raw.mdls, side.mdls):
        yield from _structure("MDL", piece, machine)
        if isinstance(mdl, Mdl):
            yield from _pfns(mdl)
    yield "Registers"
    names = list(side.registers)
    for at in range(0, len(names), 4):
        yield "  " + "  ".join(
            f"{printable(name)}={side.registers[name]:016x}" for name in names[at : at + 4]
        )


def _structure(name: str, piece: Optional[Piece], machine: Machine) -> Iterator[str]:
    if piece is None:
        return
    layout = layout_of(name, piece, machine)
    if layout is None:
        why = printable(piece.missing or "no form of it has that size")
        yield f"{name} at {piece.address:#x}: {len(piece.data)} of {piece.asked} bytes, {why}"
        if piece.data:
            yield from (f"  {line}" for line in hexdump(piece.data))
        return
    yield f"{name} at {piece.address:#x} ({layout.variant})"
    yield from field_lines(layout, piece.data)


def _pfns(mdl: Mdl) -> Iterator[str]:
    for at in range(0, len(mdl.pfns), _PFNS_PER_LINE):
        head = "  PFNs" if at == 0 else "      "
        yield f"{head} {' '.join(f'{pfn:#x}' for pfn in mdl.pfns[at : at + _PFNS_PER_LINE])}"
    if mdl.pfns_missing is not None:
        yield f"  PFNs {printable(str(mdl.pfns_missing))}"


def _buffers(title: str, views: Tuple[BufferView, ...], whole: bool) -> Iterator[str]:
    for index, view in enumerate(views):
        shown = view.held if whole else min(view.held, _BEGINNING)
        name = title if len(views) == 1 else f"{title}, MDL {index} of the chain"
        part = f"all {view.held}" if shown == view.held else f"the first {shown} of {view.held}"
        yield f"{name} ({view.raw.via}), {part} bytes"
        if view.raw.fallback is not None:
            yield f"  not by page frame numbers: {printable(view.raw.fallback)}"
        missing = view.missing()
        if missing is not None:
            yield f"  {printable(str(missing))}"
        for page, digest in enumerate(view.raw.hashes):
            yield f"  page {page}: BLAKE2b {digest or 'unreadable'}"
        yield from _indented(_dump(view, shown))


def _dump(view: BufferView, size: int) -> Iterator[str]:
    """Page by page, so that one unreadable page does not hide the others."""
    for index, first, last in list(view.slices(0, size)):
        start = index * 4096 + first - view.raw.offset
        try:
            data = view.read(start, start + last - first)
        except RecordingError as error:
            yield f"{start:08x}  {printable(str(error))}"
        else:
            yield from hexdump(data, start)


def _indented(lines: "Union[List[str], Iterator[str]]") -> Iterator[str]:
    return (f"  {line}" for line in lines)
