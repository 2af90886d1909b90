"""What differs between two readings of a structure, field by field."""

from dataclasses import dataclass
from itertools import chain
from typing import Iterator, List, Optional, Tuple

from ..errors import StructureError
from ..recording import Piece
from ..structures import (
    Layout,
    Machine,
    filter_extension,
    filter_initialization_data,
    filter_initialization_data_sizes,
    mdl,
    pfn_array,
)
from ._call import DecodedSide

__all__ = ["Change", "layout_of", "mdl_changes", "structure_changes"]

_DECIMAL = frozenset({"Size", "ByteCount", "ByteOffset", "MaxPagesPerWrite", "BytesPerSector"})


@dataclass(frozen=True)
class Change:
    """One field of one structure, before and after, written for people (numbers as in a debugger).

    Attributes:
        structure: "MDL", "FILTER_EXTENSION", ...
        field: the member, as the header file spells it: "Geometry.BytesPerSector".
        before: its value at entry.
        after: its value at return.
    """

    structure: str
    field: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.structure}.{self.field}: {self.before} -> {self.after}"


def mdl_changes(before: DecodedSide, after: DecodedSide, machine: Machine) -> Iterator[Change]:
    """What changed in the MDL chain: header fields, padding, page frame numbers.

    Args:
        before: a call's entry.
        after: its exit.
        machine: whose layouts.
    """
    for index, (old, new) in enumerate(zip(before.raw.mdls, after.raw.mdls)):
        # Another MDL in this place is the doing of a Next before it, which has been told.
        if old.address == new.address and old.data != new.data:
            name = "MDL" if index == 0 else f"MDL {index} of the chain"
            yield from _one_mdl(name, old.data, new.data, machine)


def structure_changes(before: DecodedSide, after: DecodedSide, machine: Machine) -> Iterator[Change]:
    """What changed in DiskByteOffset, FILTER_EXTENSION and FILTER_INITIALIZATION_DATA.

    Args:
        before: a call's entry.
        after: its exit.
        machine: whose layouts.
    """
    if before.raw.disk_byte_offset != after.raw.disk_byte_offset:
        old, new = before.disk_byte_offset, after.disk_byte_offset
        if isinstance(old, int) and isinstance(new, int) and old != new:
            yield Change("DiskByteOffset", "QuadPart", f"{old:#x}", f"{new:#x}")
    for name, one, two in (
        ("FILTER_EXTENSION", before.raw.filter_extension, after.raw.filter_extension),
        (
            "FILTER_INITIALIZATION_DATA",
            before.raw.filter_initialization_data,
            after.raw.filter_initialization_data,
        ),
    ):
        if one is None or two is None or one.data == two.data or one.address != two.address:
            continue
        layout = layout_of(name, one, machine)
        if layout is not None and layout_of(name, two, machine) is layout:
            yield from _fields(name, layout, one.data, two.data)


def layout_of(name: str, piece: Piece, machine: Machine) -> Optional[Layout]:
    """The form of a structure that a piece holds whole, if any.

    Args:
        name: "FILTER_EXTENSION", "FILTER_INITIALIZATION_DATA" or "MDL".
        piece: as recorded.
        machine: whose layout.
    """
    size = len(piece.data)
    if name == "MDL":
        return mdl(machine) if size >= mdl(machine).size else None
    if name == "FILTER_INITIALIZATION_DATA":
        whole = size in filter_initialization_data_sizes(machine)
        return filter_initialization_data(machine, size) if whole else None
    for version in (2, 1):
        layout = filter_extension(machine, version)
        if size >= layout.size:
            return layout
    return None


def _one_mdl(name: str, old: bytes, new: bytes, machine: Machine) -> Iterator[Change]:
    layout = mdl(machine)
    if min(len(old), len(new)) < layout.size:
        return
    yield from _fields(name, layout, old, new)
    old_pfns, new_pfns = old[layout.size :], new[layout.size :]
    # A changed ByteCount or ByteOffset changes how many were read, which is no change of the array.
    count = min(len(old_pfns), len(new_pfns)) // machine.pointer_size
    if old_pfns[: count * machine.pointer_size] == new_pfns[: count * machine.pointer_size]:
        return
    try:
        pairs = list(zip(pfn_array(machine, old_pfns, count), pfn_array(machine, new_pfns, count)))
    except StructureError:
        yield Change(name, "PFN array", "(more than can be decoded)", "(other bytes)")
        return
    for index, (one, two) in enumerate(pairs):
        if one != two:
            yield Change(name, f"PFN[{index}]", f"{one:#x}", f"{two:#x}")


def _fields(name: str, layout: Layout, old: bytes, new: bytes) -> Iterator[Change]:
    before = layout.parse(old, allow_trailing=True)
    after = layout.parse(new, allow_trailing=True)
    for path, field in layout.leaves.items():
        part = slice(field.offset, field.offset + field.size)
        if old[part] != new[part]:
            one, two = layout.value(before, path), layout.value(after, path)
            yield Change(name, path, _shown(path, one), _shown(path, two))
    for start, end in _padding(layout):
        if old[start:end] != new[start:end]:
            # The documented MDL has padding where newer public symbols name two members.
            told = " (AllocationProcessorNumber, Reserved)" if layout.name == "MDL" else ""
            field_name = f"padding at {start:#x}{told}"
            yield Change(name, field_name, old[start:end].hex(), new[start:end].hex())


def _padding(layout: Layout) -> List[Tuple[int, int]]:
    gaps = []
    at = 0
    ends = sorted((field.offset, field.offset + field.size) for field in layout.leaves.values())
    for start, end in chain(ends, [(layout.size, layout.size)]):
        if start > at:
            gaps.append((at, start))
        at = max(at, end)
    return gaps


def _shown(path: str, value: object) -> str:
    if isinstance(value, int) and path.rpartition(".")[2] not in _DECIMAL:
        return f"{value:#x}"
    return str(value)
