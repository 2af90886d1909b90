"""The table that a C compiler printed. ``python -m tests.lab.layouts`` makes it; tests/live compares."""

import json
from pathlib import Path
from typing import Any, Dict, List, Tuple

from pykd_dumpfilt import structures
from pykd_dumpfilt.structures import LAYOUTS, Layout, Machine

__all__ = ["CASES", "RESULTS", "STRUCTURES", "VALUES", "every_layout"]

_TABLE = json.loads((Path(__file__).parent / "compiler_literals.json").read_text())
STRUCTURES: Dict[str, Dict[str, Any]] = _TABLE["structures"]
VALUES: Dict[str, int] = _TABLE["values"]
RESULTS: Dict[str, int] = _TABLE["results"]

# ARM64 lays structures out as x64 does: same sizes of types, same alignment.
_COLUMN = {Machine.X64: "x64", Machine.ARM64: "x64", Machine.X86: "x86"}

_IN_C = {
    "filter-extension": "FILTER_EXTENSION",
    "filter-extension-v1": "FILTER_EXTENSION_V1",
    "filter-initialization-data": "FILTER_INITIALIZATION_DATA",
    "filter-initialization-data-v1": "FILTER_INITIALIZATION_DATA_V1",
    "filter-initialization-data-pre-read-write": "FILTER_INITIALIZATION_DATA_PRE_READ_WRITE",
    "mdl": "MDL",
    "disk-geometry": "DISK_GEOMETRY",
    "disk-partition-info": "DISK_PARTITION_INFO",
    "large-integer": "LARGE_INTEGER",
}

_IMAGE = (
    "CODEVIEW_RSDS",
    "IMAGE_DATA_DIRECTORY",
    "IMAGE_DEBUG_DIRECTORY",
    "IMAGE_DOS_HEADER",
    "IMAGE_FILE_HEADER",
    "IMAGE_OPTIONAL_HEADER32",
    "IMAGE_OPTIONAL_HEADER64",
    "IMAGE_SECTION_HEADER",
)


def _cases() -> List[Tuple[str, Layout, Dict[str, Any]]]:
    cases = [
        (f"{name}-{machine.value}", layout, STRUCTURES[_COLUMN[machine]][_IN_C[name]])
        for name, layouts in LAYOUTS.items()
        for machine, layout in layouts.items()
    ]
    for name in _IMAGE:
        cases += [
            (f"{name}-{column}", getattr(structures, name), STRUCTURES[column][name]) for column in STRUCTURES
        ]
    return cases


CASES = _cases()
"""Every layout on every machine, with an id and what the compiler says of it."""


def every_layout() -> List[Layout]:
    """Each layout once."""
    return list({id(layout): layout for _, layout, _ in CASES}.values())
