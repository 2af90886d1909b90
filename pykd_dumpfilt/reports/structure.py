"""One structure as ``dt`` would show it, with links to what it points at."""

from dataclasses import dataclass
from typing import Callable, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

from ..errors import StructureError
from ..recording import PAGE_SIZE, Piece
from ..rules import doubts
from ..structures import (
    MDL_MAPPED_TO_SYSTEM_VA,
    MDL_SOURCE_IS_NONPAGED_POOL,
    Layout,
    Machine,
    pfn_array,
    span_pages,
)
from ._fields import ShownField, fields_of
from ._links import Line, Link
from ._printable import printable

__all__ = ["Neighbour", "structure_lines"]

_PFNS_PER_LINE = 8
_MAPPED = MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL
_CALLBACKS = ("DumpStart", "DumpWrite", "DumpFinish", "DumpUnload", "DumpRead", "DumpPreReadWrite")
_MAX_DUMP = 0x1000


@dataclass(frozen=True)
class Neighbour:
    """A structure beside another: its name for people, and for ``decode``."""

    name: str
    structure: str
    address: int


def structure_lines(
    layout: Layout,
    piece: Piece,
    machine: Machine,
    program: str,
    place: Optional[Callable[[int], str]] = None,
    neighbour: Optional[Neighbour] = None,
) -> List[Line]:
    """The structure at a piece's beginning; of an MDL also the page frame numbers that the piece holds.

    Args:
        layout: of the structure.
        piece: what was read; an address of 0 means that the bytes are from somewhere else.
        machine: the target's architecture.
        program: how the user calls us.
        place: names an address in code ("dump_x+0x1200"); an empty text where it cannot.
        neighbour: what lies in front of it.

    Raises:
        StructureError: too few bytes.
    """
    where = f" at {piece.address:#x}" if piece.address else ""
    lines: List[Line] = [[f"{layout.name} ({layout.variant}), {layout.size:#x} bytes{where}"]]
    fields = list(fields_of(layout, piece.data))
    values = {field.path: field.value or 0 for field in fields}
    for field in fields:
        lines.append(["  ", field.head, *_linked(layout.name, field, values, program, place)])
    if layout.name == "MDL":
        lines += _pfns(layout, piece, machine, values)
    if neighbour is not None:
        command = f"{program} decode {neighbour.structure} {neighbour.address:#x}"
        lines.append([f"{neighbour.name} in front of it: ", Link(command)])
    doubtful = doubts(layout.name, piece, machine)
    if doubtful:
        lines.append([f"This may be no {layout.name}:"])
        lines += [[f"  - {printable(doubt)}"] for doubt in doubtful]
    return lines


def _linked(
    structure: str,
    field: ShownField,
    values: Mapping[str, int],
    program: str,
    place: Optional[Callable[[int], str]],
) -> Sequence[Union[str, Link]]:
    make = _COMMANDS.get((structure, field.path))
    if make is None or not field.value:
        return [field.text]
    command = make(field.value, values, program)
    if command is None:
        return [field.text]
    name = printable(place(field.value)) if place is not None else ""
    return [Link(command, field.text), f"  {name}" if name else ""]


_Make = Callable[[int, Mapping[str, int], str], Optional[str]]


def _buffer(value: int, values: Mapping[str, int], program: str) -> Optional[str]:
    if not values.get("MdlFlags", 0) & _MAPPED:
        return None
    return f"db {value:#x} L{min(values.get('ByteCount', 0), _MAX_DUMP) or 1:#x}"


_COMMANDS: Mapping[Tuple[str, str], _Make] = {
    ("MDL", "Next"): lambda value, values, program: f"{program} decode mdl {value:#x}",
    ("MDL", "MappedSystemVa"): _buffer,
    ("FILTER_EXTENSION", "DeviceObject"): lambda value, values, program: f"!devobj {value:#x}",
    ("FILTER_EXTENSION", "DumpData"): lambda value, values, program: f"dq {value:#x}",
    ("FILTER_INITIALIZATION_DATA", "DumpData"): lambda value, values, program: f"dq {value:#x}",
    **{
        ("FILTER_INITIALIZATION_DATA", name): lambda value, values, program: f"u {value:#x}"
        for name in _CALLBACKS
    },
}


def _pfns(layout: Layout, piece: Piece, machine: Machine, values: Mapping[str, int]) -> Iterator[Line]:
    span = span_pages(values["ByteOffset"], values["ByteCount"])
    held = min(span, (len(piece.data) - layout.size) // machine.pointer_size)
    try:
        pfns = pfn_array(machine, piece.data[layout.size :], held)
    except StructureError as error:
        yield [f"  page frame numbers: {error}"]
        return
    yield [f"  page frame numbers: {span}, one for each page of the buffer"]
    for at in range(0, held, _PFNS_PER_LINE):
        line: List[Union[str, Link]] = [f"  +{layout.size + at * machine.pointer_size:#04x} [{at}]"]
        for pfn in pfns[at : at + _PFNS_PER_LINE]:
            line += [" ", Link(f"!dd {pfn * PAGE_SIZE:x}", f"{pfn:#x}")]
        yield line
    if held < span:
        begin = piece.address + layout.size + held * machine.pointer_size
        why = f"they cannot be read: {printable(piece.missing)}" if piece.missing else "not shown here"
        rest: Line = [f"  {span - held} more, {why}"]
        if piece.address and not piece.missing:
            rest = [*rest, ": ", Link(f"dq {begin:#x} L{span - held:x}")]
        yield rest
    if held:
        yield ["  a page's bytes, physical: ", Link(f"!dd {pfns[0] * PAGE_SIZE:x}")]
