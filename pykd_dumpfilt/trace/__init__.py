"""Catches each call of a filter's callbacks: entry, return, and what changed in between."""

from .callbacks import Location, parse_callback_option
from .capture import Limits
from .copies import PREFIXES, copy_prefix, plain_name
from .forecast import Forecast, Line, forecast, measure_line, smallest_every
from .placement import Hardware
from .selection import Data, Selection
from .session import Session, Summary, active_session, default_recording_name, record, start_session
from .tracer import CopyStatus, Sink, Tracer, TraceStatus

__all__ = [
    "PREFIXES",
    "CopyStatus",
    "Data",
    "Forecast",
    "Hardware",
    "Limits",
    "Line",
    "Location",
    "Selection",
    "Session",
    "Sink",
    "Summary",
    "TraceStatus",
    "Tracer",
    "active_session",
    "copy_prefix",
    "default_recording_name",
    "forecast",
    "measure_line",
    "parse_callback_option",
    "plain_name",
    "record",
    "smallest_every",
    "start_session",
]
