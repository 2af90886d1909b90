"""Catches each call of a filter's callbacks: entry, return, and what changed in between."""

from .bug_check import BugCheckBreak, bug_check_break
from .callbacks import Location, callback_named, parse_callback_option
from .capture import Limits
from .copies import PREFIXES, copy_prefix, plain_name
from .forecast import Forecast, Line, forecast, measure_line, smallest_every
from .placement import Hardware
from .registration import is_registration
from .search import Candidate, Found, SearchLimits, find_tables
from .selection import Data, Selection
from .session import Session, Summary, active_session, default_recording_name, record, start_session
from .sightings import Role, Sighting, dump_stack_modules, knows_crashdmp
from .tracer import CopyStatus, Sink, Tracer, TraceStatus

__all__ = [
    "PREFIXES",
    "BugCheckBreak",
    "Candidate",
    "CopyStatus",
    "Data",
    "Forecast",
    "Found",
    "Hardware",
    "Limits",
    "Line",
    "Location",
    "Role",
    "SearchLimits",
    "Selection",
    "Session",
    "Sighting",
    "Sink",
    "Summary",
    "TraceStatus",
    "Tracer",
    "active_session",
    "bug_check_break",
    "callback_named",
    "copy_prefix",
    "default_recording_name",
    "dump_stack_modules",
    "find_tables",
    "forecast",
    "is_registration",
    "knows_crashdmp",
    "measure_line",
    "parse_callback_option",
    "plain_name",
    "record",
    "smallest_every",
    "start_session",
]
