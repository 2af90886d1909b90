"""Catches each call of a filter's callbacks: entry, return, and what changed in between."""

from .bug_check import at_bug_check
from .callbacks import Location, parse_callback_option
from .capture import Limits
from .copies import PREFIXES, copy_prefix, plain_name
from .forecast import Forecast, Line, forecast, measure_line, smallest_every
from .placement import Hardware
from .search import Candidate, Found, SearchLimits, find_tables
from .selection import Data, Selection
from .session import Session, Summary, active_session, default_recording_name, record, start_session
from .tracer import CopyStatus, Sink, Tracer, TraceStatus

__all__ = [
    "PREFIXES",
    "Candidate",
    "CopyStatus",
    "Data",
    "Forecast",
    "Found",
    "Hardware",
    "Limits",
    "Line",
    "Location",
    "SearchLimits",
    "Selection",
    "Session",
    "Sink",
    "Summary",
    "TraceStatus",
    "Tracer",
    "active_session",
    "at_bug_check",
    "copy_prefix",
    "default_recording_name",
    "find_tables",
    "forecast",
    "measure_line",
    "parse_callback_option",
    "plain_name",
    "record",
    "smallest_every",
    "start_session",
]
