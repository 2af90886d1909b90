"""Whether bytes look like the structure that they are taken for."""

from typing import Iterator, List, Optional

from ..decoded import (
    FilterInitializationData,
    NoValue,
    decode_filter_extension,
    decode_filter_initialization_data,
    decode_mdl,
)
from ..recording import Piece
from ..structures import (
    DUMP_FILTER_MAJOR_VERSION,
    DUMP_FILTER_MAJOR_VERSION_1,
    DUMP_FILTER_MINOR_VERSION,
    Machine,
)
from ._kernel import is_kernel_address
from .arguments import extension_problems
from .transfers import mdl_problems

__all__ = ["doubts"]


def doubts(name: str, piece: Piece, machine: Machine) -> List[str]:
    """What speaks against bytes being a FILTER_EXTENSION, a FILTER_INITIALIZATION_DATA or an MDL (with what
    page frame numbers are there) as Windows makes them, by the rules' own measure; sentences. None of it is
    certain: a filter, or a later Windows, may have its reasons. Of other structures nothing is known."""
    if name == "MDL":
        mdl = decode_mdl(piece, machine)
        return [] if isinstance(mdl, NoValue) else [problem for _, problem in mdl_problems(mdl, machine)]
    if name == "FILTER_EXTENSION":
        extension = decode_filter_extension(piece, machine)
        if isinstance(extension, NoValue):
            return []
        return [f"{field} is {value}: {why}" for field, value, why in extension_problems(extension, machine)]
    if name == "FILTER_INITIALIZATION_DATA":
        data = decode_filter_initialization_data(piece, machine)
        return [] if isinstance(data, NoValue) else list(_registration_doubts(data, machine))
    return []


def _registration_doubts(data: FilterInitializationData, machine: Machine) -> Iterator[str]:
    known = (DUMP_FILTER_MAJOR_VERSION_1, DUMP_FILTER_MAJOR_VERSION)
    if data.major_version not in known or data.minor_version != DUMP_FILTER_MINOR_VERSION:
        yield f"the version is {data.major_version}.{data.minor_version}: 1.0 or 2.0 is expected"
    pointers = _pointers(data)
    wild = [f"{pointer:#x}" for pointer in pointers if pointer and not is_kernel_address(pointer, machine)]
    if wild:
        yield f"{', '.join(wild)} among the callbacks: no kernel address"
    if not any(pointers):
        yield "no callback is registered"
    if data.max_pages_per_write == 0:
        yield "MaxPagesPerWrite is 0"


def _pointers(data: FilterInitializationData) -> List[int]:
    pointers: List[Optional[int]] = [
        data.dump_start,
        data.dump_write,
        data.dump_read,
        data.dump_finish,
        data.dump_unload,
        data.dump_pre_read_write,
    ]
    return [pointer or 0 for pointer in pointers]
