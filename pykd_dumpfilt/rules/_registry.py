"""Every rule, in the order of reports."""

from typing import Tuple, Type

from ._rule import Rule
from .arguments import ExtensionIsSane, PointersAreSane
from .callback import ExtensionUnchanged, RegistersKept
from .census import TransferCensus
from .ending import IrqlKept, NoBugCheck, ReturnsToCaller
from .read import ReadKeepsMdl, ReadKeepsOffset
from .read_outside import ReadStaysInBuffer
from .read_repeat import ReadIsRepeatable
from .registration import (
    CallbacksInImage,
    FlagHasTwoNames,
    MaxPagesIsInput,
    ReadSupportIsComplete,
    VersionIsKnown,
)
from .round_trip import RoundTrip
from .sequence import OrderIsLegal
from .status import StatusIsSuccessOrError
from .substituted import SubstituteIsAligned, SubstituteIsMapped, SubstituteIsOwn
from .transfers import MappingAgrees, MdlIsSane, OffsetIsSane
from .transform import TransformsAllOrNothing
from .write import WriteKeepsByteCount, WriteKeepsOffset, WriteKeepsSource

__all__ = ["RULES"]

RULES: Tuple[Type[Rule], ...] = (
    VersionIsKnown,
    ReadSupportIsComplete,
    CallbacksInImage,
    MaxPagesIsInput,
    FlagHasTwoNames,
    StatusIsSuccessOrError,
    ExtensionUnchanged,
    RegistersKept,
    IrqlKept,
    NoBugCheck,
    ReturnsToCaller,
    WriteKeepsSource,
    WriteKeepsByteCount,
    SubstituteIsAligned,
    SubstituteIsMapped,
    SubstituteIsOwn,
    WriteKeepsOffset,
    TransformsAllOrNothing,
    ReadKeepsOffset,
    ReadKeepsMdl,
    ReadStaysInBuffer,
    ReadIsRepeatable,
    RoundTrip,
    OrderIsLegal,
    PointersAreSane,
    ExtensionIsSane,
    OffsetIsSane,
    MdlIsSane,
    MappingAgrees,
    TransferCensus,
)
"""A rule is added here and nowhere else."""
