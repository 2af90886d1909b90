"""Rules: what a dump filter owes the system, and verdicts over recorded calls.

::

    engine = Judge(recording, Machine.X64)
    for record in recording:
        engine.feed(record)
    print(engine.finish(recording.damage).verdict.value)
"""

from ._own_rules import load_rules
from ._problems import Problems
from ._registry import RULES
from ._rule import Finding, Level, Outcome, Rule, RuleResult, status_text
from ._shapes import KNOWN_BEGINNINGS
from ._verdict import Verdict
from ._waiver import Waiver
from ._waiver_file import load_waivers
from ._waivers import Waivers, utc_today
from .judge import Judge, Result, judge
from .plausible import doubts

__all__ = [
    "KNOWN_BEGINNINGS",
    "RULES",
    "Finding",
    "Judge",
    "Level",
    "Outcome",
    "Problems",
    "Result",
    "Rule",
    "RuleResult",
    "Verdict",
    "Waiver",
    "Waivers",
    "doubts",
    "judge",
    "load_rules",
    "load_waivers",
    "status_text",
    "utc_today",
]
