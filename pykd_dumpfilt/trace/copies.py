"""Which loaded modules are copies of a filter.

The crash dump stack and the hibernation stack each load a copy of their own, as DUMP_STACK_CONTEXT's
ModulePrefix names it: ``dump_X`` and ``hiber_X``. The driver's plain image never gets a call.
"""

import re
from typing import Optional, Tuple

from ..errors import UsageError

__all__ = ["PREFIXES", "copy_prefix", "is_kernel", "plain_name"]

PREFIXES: Tuple[str, ...] = ("dump_", "hiber_")
"""Prefixes of the copies in the crash dump stack and in the hibernation stack."""

_FILE_ENDINGS = (".sys", ".dll", ".exe")


def plain_name(name: str) -> str:
    """The driver's plain name from what a user typed: ``dump_X.sys``, ``X.sys`` and ``X`` all mean X.

    Raises:
        UsageError: nothing is left of it, or it is a path.
    """
    plain = name.strip()
    if "/" in plain or "\\" in plain:
        raise UsageError(f"{name!r} is a path: give the driver's name as lm shows it, such as dumpfve")
    for ending in _FILE_ENDINGS:
        if plain.lower().endswith(ending):
            plain = plain[: -len(ending)]
    for prefix in PREFIXES:
        if plain.lower().startswith(prefix):
            plain = plain[len(prefix) :]
            break
    if not plain:
        raise UsageError(f"{name!r} names no driver: give its name as lm shows it, such as dumpfve")
    return plain


def copy_prefix(module_name: str, filter_name: str, base: int = 0) -> Optional[str]:
    """The prefix of a module that is a copy of the filter, None for any other module.

    Debuggers replace what a symbol may not hold by ``_`` and do not agree on upper and lower case. DbgEng
    appends ``_`` and the image's base where it believes another module of that name to be loaded, as after
    an unload that it was not told of (seen with 10.0.15063).
    """
    wanted = _as_module_name(filter_name)
    for prefix in PREFIXES:
        if _as_module_name(module_name) in (prefix + wanted, f"{prefix}{wanted}_{base:x}"):
            return prefix
    return None


def is_kernel(module_name: str) -> bool:
    """Whether a module is the kernel itself, which debuggers call ``nt`` whatever its file's name."""
    return module_name.lower() == "nt"


def _as_module_name(name: str) -> str:
    return re.sub(r"\W", "_", name.lower())
