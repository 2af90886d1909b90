"""All targets: one is added here and nowhere else."""

from typing import Any, Tuple

from .handled import Handled
from .images import Images
from .recordings import Recordings
from .target import Target
from .target_memory import TargetMemory
from .waivers import WaiverFiles
from .zips import Zips

__all__ = ["TARGETS"]

TARGETS: "Tuple[Target[Any], ...]" = (
    Recordings(),
    Zips(),
    Handled(),
    Images(),
    WaiverFiles(),
    TargetMemory(),
)
