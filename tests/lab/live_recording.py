"""One filter, one scenario, the whole live road: real pykd on DbgEng traces the emulated kernel."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Optional, Sequence

from pykd_dumpfilt.emulator import Scenario, Stopped, Target
from pykd_dumpfilt.errors import UsageError

from .errors import LabError
from .guest_record import RESULT
from .hardships import EASY, Hardships
from .kd_server import Observer
from .kd_statistics import Snapshot
from .session import Lab, LiveSession
from .wine import windows_path

__all__ = ["LiveRecording", "record_live"]

_SCRIPT = Path(__file__).with_name("guest_record.py")
_SUFFIX = ".dumpfilt"


@dataclass(frozen=True)
class LiveRecording:
    """What a live run gave.

    Attributes:
        path: the recording.
        stopped: how the scenario ended.
        detail: where the debugger says that the target stood at the end.
        statistics: what went over the wire.
        seconds: under Wine, start-up included.
    """

    path: Path
    stopped: Stopped
    detail: str
    statistics: Snapshot
    seconds: float


def record_live(
    lab: Lab,
    image: bytes,
    name: str,
    scenario: Scenario,
    output: Path,
    callbacks: Sequence[str] = (),
    timeout: float = 600.0,
    observer: Optional[Observer] = None,
    on_line: Optional[Callable[[str], None]] = None,
    hardships: Hardships = EASY,
    processors: int = 1,
) -> LiveRecording:
    """Record and check that nothing was left in the target.

    Args:
        image: the .sys file's bytes.
        name: its plain name.
        output: the recording's folder, which must not exist; ``.dumpfilt`` is appended where it is missing.
        callbacks: as the command line's ``--callback``: ``read=+0x1200``.
        timeout: seconds.
        observer: sees each event of the target, in the KD server's thread.
        on_line: sees each line that the Windows side prints.
        hardships: what is hard about the target and the line to it.
        processors: how many the target has.

    Raises:
        UsageError: the output exists, or its parent does not.
        LabError: the live side failed, or left something in the target; a recording may be there.
    """
    if output.suffix != _SUFFIX:
        output = output.with_name(output.name + _SUFFIX)
    output = output.absolute()
    if output.exists():
        raise UsageError(f"{output} exists: give another name, or remove it")
    if not output.parent.is_dir():
        raise UsageError(f"there is no folder {output.parent} to record into")
    target = Target(image, name, scenario, processors)
    with LiveSession(lab, target, observer, hardships) as session:
        arguments = [name, windows_path(output), *(f"--callback={one}" for one in callbacks)]
        try:
            result = session.run(_SCRIPT, arguments, timeout, on_line)
            answers = [line for line in result.output.splitlines() if line.startswith(RESULT)]
            if result.code != 0 or len(answers) != 1:
                tail = "\n".join(result.output.splitlines()[-20:])
                raise LabError(f"the script under Wine ended with code {result.code}; it said:\n{tail}")
        except LabError as error:
            # A debugger that was killed while the target ran could not take its breakpoints out.
            still = session.rescue()
            after = "; ".join(still[:10]) if still else "nothing of it is left in the target"
            raise LabError(f"{error}\n{after}") from error
    left = session.server.left_behind()
    if left:
        raise LabError("the tracer left something in the target: " + "; ".join(left[:10]))
    event = session.server.event
    if not isinstance(event, Stopped):
        raise LabError(f"the tracer ended while the target could go on: {event}")
    if not output.is_dir():
        raise LabError(
            f"there is no recording at {output}; the script under Wine said:\n{result.output[-2000:]}"
        )
    answer = json.loads(answers[0][len(RESULT) :])
    statistics = session.server.statistics.snapshot()
    return LiveRecording(output, event, str(answer["detail"]), statistics, result.seconds)
