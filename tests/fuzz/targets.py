"""All targets: one is added here and nowhere else."""

from typing import Any, Tuple

from .recordings import Recordings
from .target import Target

__all__ = ["TARGETS"]

TARGETS: "Tuple[Target[Any], ...]" = (Recordings(),)
