"""Every rule, in the order of reports."""

from typing import Tuple, Type

from ._rule import Rule
from .arguments import ExtensionIsSane, PointersAreSane
from .read import ReadKeepsMdl, ReadKeepsOffset
from .round_trip import RoundTrip
from .status import StatusIsSuccessOrError
from .transfers import MappingAgrees, MdlIsSane, OffsetIsSane

__all__ = ["RULES"]

RULES: Tuple[Type[Rule], ...] = (
    ReadKeepsOffset,
    ReadKeepsMdl,
    StatusIsSuccessOrError,
    RoundTrip,
    PointersAreSane,
    ExtensionIsSane,
    OffsetIsSane,
    MdlIsSane,
    MappingAgrees,
)
"""A rule is added here and nowhere else."""
