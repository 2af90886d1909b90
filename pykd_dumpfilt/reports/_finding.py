"""One finding for a terminal."""

from typing import Iterator

from ..rules import Finding
from ._printable import printable, wrapped
from ._waivers import waived_by

__all__ = ["finding_lines"]


def finding_lines(finding: Finding) -> Iterator[str]:
    """What, where, and the waiver that accepts it or did."""
    waived = "waived " if finding.waiver else ""
    yield (
        f"  {waived}{finding.level.value} {finding.rule}, call {finding.call}, {printable(finding.callback)}"
    )
    yield from wrapped(finding.message, "    ")
    if finding.waiver:
        yield from wrapped(f"waived {waived_by(finding.waiver)}", "      ")
    elif finding.expired_waiver:
        yield from wrapped(f"was waived {waived_by(finding.expired_waiver)}", "      ")
