"""Every layout that a user can ask for by name."""

from types import MappingProxyType
from typing import Callable, Dict, Mapping

from ._layout import Layout
from ._machine import Machine
from .ntdddisk import disk_geometry, disk_partition_info
from .ntdddump import filter_extension, filter_initialization_data, filter_initialization_data_sizes
from .ntdef import large_integer
from .wdm_mdl import mdl

__all__ = ["LAYOUTS"]


def _form(number: int) -> Callable[[Machine], Layout]:
    def choose(machine: Machine) -> Layout:
        return filter_initialization_data(machine, filter_initialization_data_sizes(machine)[number])

    return choose


_CHOOSERS: Dict[str, Callable[[Machine], Layout]] = {
    "filter-extension": filter_extension,
    "filter-extension-v1": lambda machine: filter_extension(machine, 1),
    "filter-initialization-data": _form(1),
    "filter-initialization-data-v1": _form(0),
    "filter-initialization-data-pre-read-write": _form(2),
    "mdl": mdl,
    "disk-geometry": disk_geometry,
    "disk-partition-info": disk_partition_info,
    "large-integer": large_integer,
}

LAYOUTS: Mapping[str, Mapping[Machine, Layout]] = MappingProxyType(
    {
        name: MappingProxyType({machine: choose(machine) for machine in Machine})
        for name, choose in _CHOOSERS.items()
    }
)
"""Layouts by the names that ``dumpfilt decode`` takes, then by machine."""
