"""All targets: one is added here and nowhere else."""

from typing import Any, Tuple

from .images import Images
from .recordings import Recordings
from .target import Target

__all__ = ["TARGETS"]

TARGETS: "Tuple[Target[Any], ...]" = (Recordings(), Images())
