"""Which of the modules that the dump stacks have loaded are filters, as far as that can be told."""

import enum
from dataclasses import dataclass
from typing import Dict, Iterable, List, Optional

from ..debugger import Debugger, Module
from .copies import PREFIXES
from .search import CRASHDMP, Found, find_tables

__all__ = ["Role", "Sighting", "dump_stack_modules", "knows_crashdmp"]

_PORT_DRIVERS = frozenset(
    {"diskdump", "dumpstorport", "storahci", "stornvme", "storport", "storvsc", "vmbkmcl"}
)
"""Port drivers and miniports as they were seen under the prefixes; Windows has more of them."""


class Role(enum.Enum):
    """What a module of a dump stack is."""

    FILTER = "filter"
    """crashdmp's memory holds a FILTER_INITIALIZATION_DATA of it."""
    PORT = "port"
    """A port driver or miniport, going by its name alone."""
    UNKNOWN = "unknown"
    """Nothing tells: a port driver with another name, or a filter whose table was not found."""


@dataclass(frozen=True)
class Sighting:
    """One loaded module of a dump stack; ``found`` is what a search of memory found, if there was one."""

    module: Module
    plain_name: str
    role: Role
    found: Optional[Found] = None


def knows_crashdmp(modules: Iterable[Module]) -> bool:
    """Whether crashdmp is among the modules. A debugger that does not know it has not looked, or the machine
    has not come that far, or writes no dumps at all."""
    return any(module.name.lower() == CRASHDMP for module in modules)


def dump_stack_modules(debugger: Debugger) -> List[Sighting]:
    """Every loaded ``dump_`` and ``hiber_`` module, in load order.

    Raises:
        TargetError: the target does not list its modules.
    """
    plain: Dict[Module, str] = {}
    for module in debugger.modules():
        prefix = next((one for one in PREFIXES if module.name.lower().startswith(one)), None)
        if prefix is not None and len(module.name) > len(prefix):
            plain[module] = module.name[len(prefix) :]
    others = [module for module, name in plain.items() if name.lower() not in _PORT_DRIVERS]
    found = {one.module: one for one in find_tables(debugger, others)} if others else {}
    return [
        Sighting(module, name, _role(found.get(module)), found.get(module)) for module, name in plain.items()
    ]


def _role(found: Optional[Found]) -> Role:
    if found is None:
        return Role.PORT
    return Role.FILTER if found.candidates else Role.UNKNOWN
