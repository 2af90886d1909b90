"""One recording, read once: what it is, what it holds, and what the rules say of it."""

import os
from dataclasses import dataclass
from typing import Callable, Mapping, Optional, Tuple, Union

from ..checking import CheckResult, check_recording
from ..decoded import machine_of
from ..recording import Footer, Progress, Record, read_recording
from ._survey import Facts, Survey
from ._volume import Measure, Volume

__all__ = ["Summary", "sum_up"]


@dataclass(frozen=True)
class Summary:
    """Attributes:
    checked: what the rules say, with the header, the copies and the damage.
    version: of the format that it is written in.
    packed: whether it is in a zip.
    disk_size: bytes on disk.
    sizes: bytes of each file, unpacked.
    footer: None where it was not closed in good order.
    facts: by what they are about; see :class:`~._survey.Survey`.
    """

    checked: CheckResult
    version: int
    packed: bool
    disk_size: int
    sizes: Mapping[str, int]
    footer: Optional[Footer]
    volume: Volume
    facts: Tuple[Tuple[str, Facts], ...]


def sum_up(
    path: "Union[str, os.PathLike[str]]", progress: Optional[Callable[[Progress], None]] = None
) -> Summary:
    """Read a recording once, in bounded memory.

    Args:
        path: the recording's folder, or the zip that it is packed in.
        progress: called now and then with how far it has come, and at the end.

    Raises:
        RecordingError: there is no recording, or it cannot be read.
        SpoolError: there is no room for temporary data.
    """
    with read_recording(path, progress=progress) as recording:
        survey = Survey(machine_of(recording.header), recording)
        measure = Measure(recording)

        def observe(record: Record) -> None:
            survey.feed(record)
            measure.feed(record)

        checked = check_recording(recording, progress, observe=observe)
        return Summary(
            checked=checked,
            version=recording.version,
            packed=recording.packed,
            disk_size=recording.disk_size(),
            sizes=recording.sizes(),
            footer=recording.footer,
            volume=measure.volume(),
            facts=tuple(survey.sections()),
        )
