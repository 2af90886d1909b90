"""Recordings to scrub, and what of them must be found again."""

from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

from pykd_dumpfilt.checking import CheckResult
from pykd_dumpfilt.recording import Recording

__all__ = ["evidence", "files", "pages_by_slot"]

_OF_CONTENTS = {"expected", "got", "before", "after", "then", "now", "mapped", "physical", "registers"}


def evidence(checked: CheckResult) -> List[Tuple[str, int, str, Dict[str, Any]]]:
    """Every finding: rule, call, callback, and the evidence without contents and values of registers."""
    return [
        (
            one.rule,
            one.call,
            one.callback,
            {
                key: value
                for key, value in one.evidence.items()
                if key not in _OF_CONTENTS or not isinstance(value, (str, list))
            },
        )
        for one in checked.result.findings
    ]


def files(folder: Path) -> Dict[str, bytes]:
    """Both files."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def pages_by_slot(recording: Recording) -> Iterator[int]:
    """The number of every page that a call names, in the order they are named."""
    for call in recording.calls():
        for side in (call.entry, call.exit):
            if side is not None:
                for buffer in (*side.buffers, *side.source, *side.around):
                    yield from (-1 if page is None else page for page in buffer.pages)
