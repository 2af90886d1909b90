"""The format's version, and how lines of older versions become lines of this one.

Each step turns one line (a JSON object, of any kind, the header included) of version n into the same line
of version n + 1; a line is led through all steps from its recording's version up. A step must not depend on
other lines, so that recordings of any size are read in bounded memory.
"""

from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Mapping, Optional

from ..errors import RecordingError

__all__ = ["CURRENT", "FORMAT", "VERSION", "Step", "Versions"]

FORMAT = "dumpfilt-recording"
"""The header line's "format"."""

VERSION = 1
"""The version that the writer writes. It counts up when an older reader would misread a newer recording;
a new optional key is no such change, for readers ignore keys that they do not know."""

Step = Callable[[Dict[str, Any]], Dict[str, Any]]
"""One line of a version, as parsed, to the same line of the next version."""


@dataclass(frozen=True)
class Versions:
    """A current version, and how lines of older ones become lines of it.

    Attributes:
        current: the version that is written.
        steps: by older version, the step from it to the next.
    """

    current: int
    steps: Mapping[int, Step] = field(default_factory=dict)

    def upgrade_from(self, version: int) -> Optional[Step]:
        """What leads a line of ``version`` to the current one; None where there is nothing to do.

        Raises:
            RecordingError: no chain of steps leads from that version to the current one.
        """
        if version == self.current:
            return None
        if version > self.current:
            raise RecordingError(
                f"made by a newer pykd-dumpfilt (recording version {version}; this one reads up to "
                f"{self.current}); upgrade with: pip install --upgrade pykd-dumpfilt"
            )
        missing = [older for older in range(version, self.current) if older not in self.steps]
        if missing:
            raise RecordingError(
                f"recording version {version} is not one that this pykd-dumpfilt can read (it reads "
                f"{min(self.steps, default=self.current)} to {self.current}); record it again"
            )
        chain = [self.steps[older] for older in range(version, self.current)]

        def upgrade(line: Dict[str, Any]) -> Dict[str, Any]:
            for step in chain:
                line = step(line)
            return line

        return upgrade


CURRENT = Versions(VERSION)
"""This package's version. Version 1 is the first, so there is no step yet."""
