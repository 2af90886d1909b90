"""Who was tested, and where: names, numbers and dates from a recording, as rows of text."""

import datetime
import json
from typing import Iterator, List, Optional, Tuple

from ...checking import CheckResult
from ...recording import LoadedModule
from .._phrases import left_out, scrubbed
from .walk import Walk

__all__ = ["Row", "copies", "environment"]

Row = Tuple[str, str]

_MAX_OPTIONS = 30
_MAX_DIGESTS = 4


def copies(module: LoadedModule, seen: Walk) -> List[Row]:
    """One loaded copy of the filter."""
    rows = [
        ("Copy", module.name),
        ("Image", f"{module.base:#x}, {module.size:#x} bytes"),
        ("Time stamp", _timestamp(module.timestamp)),
        ("Checksum", _hexadecimal(module.checksum)),
        ("Entry point", _hexadecimal(module.entry_point)),
    ]
    if module.pdb is None:
        rows.append(("PDB", "not named by the image, or not readable"))
    else:
        rows += [("PDB", module.pdb.name), ("PDB id", f"{module.pdb.guid}, age {module.pdb.age}")]
    ended = seen.loads.get(module.number)
    if ended is not None:
        rows.append(("Loaded", f"after {ended} calls had ended"))
    return rows


def environment(checked: CheckResult, seen: Walk) -> List[Row]:
    """Where and by what the recording was made."""
    header = checked.header
    rows = [
        ("Recording", checked.path),
        ("Made", header.created),
        ("Made by", header.tool),
        ("Machine", header.machine),
        ("Scenario", checked.scenario),
    ]
    rows += [(name.capitalize(), value) for name, value in list(header.debugger.items())[:_MAX_OPTIONS]]
    rows += [
        (f"Option {name}", json.dumps(value))
        for name, value in list(header.options.items())[:_MAX_OPTIONS]
        if value not in ({}, [], "", None)
    ]
    replaced = scrubbed(header)
    if replaced is not None:
        rows.append(("Scrubbed", replaced))
    less = left_out(checked)
    if less is not None:
        rows.append(("Left out on purpose", less))
    rows += list(_files(checked, seen))
    return rows


def _files(checked: CheckResult, seen: Walk) -> Iterator[Row]:
    """How the recording ended, and what its files are: as they are now where it was sealed, else as it says
    itself."""
    footer = seen.recording.raw.footer if seen.recording is not None else None
    if footer is not None:
        yield "Ended", footer.reason
    if checked.seal is not None:
        yield from ((f"SHA-256 of {name}", digest) for name, digest in checked.seal.digests.items())
        yield from (("Digest", problem) for problem in checked.seal.problems)
    elif footer is not None:
        for name, digest in list(footer.digests.items())[:_MAX_DIGESTS]:
            yield f"SHA-256 of {name}, as it was closed", digest


def _hexadecimal(value: Optional[int]) -> str:
    return "not readable" if value is None else f"{value:#x}"


def _timestamp(value: Optional[int]) -> str:
    if value is None:
        return "not readable"
    if not 0 < value < 1 << 32:
        return f"{value:#x}"
    date = datetime.datetime.fromtimestamp(value, datetime.timezone.utc)
    # Linkers that build reproducibly put a hash there.
    return f"{value:#010x} ({date:%Y-%m-%d %H:%M:%S} UTC, where it is a time)"
