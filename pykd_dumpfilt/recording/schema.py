"""The published JSON Schema of the lines of ``calls.jsonl``."""

import json
import pkgutil
from typing import Any, Dict

from ..errors import RecordingError

__all__ = ["schema"]

_NAME = "recording.schema.json"


def schema() -> Dict[str, Any]:
    """The schema (JSON Schema 2020-12) that each line is valid against; a new dict each time.

    It says of single lines all that JSON Schema can say. What needs other lines, or counting (a buffer not
    larger than its pages), only the reader checks.

    Raises:
        RecordingError: the package was installed without it.
    """
    text = pkgutil.get_data(__package__, _NAME)
    if text is None:
        raise RecordingError(f"{_NAME} is not installed; install pykd-dumpfilt again")
    found: Dict[str, Any] = json.loads(text)
    return found
