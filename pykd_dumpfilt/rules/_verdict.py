"""From rules to one verdict, after waiving.

fail > incomplete > not exercised > pass: a breach that nobody accepted is a breach however little was seen;
what was lost may hide one, so it comes before what never happened; and only a recording in which the filter's
Dump_Read was called and its data compared can pass.
"""

import enum
from typing import Dict, List, Sequence, Set, Tuple

from ..decoded import DecodedCall
from ..recording import Callbacks, LoadedModule
from ..structures import nt_success
from ._rule import Level, Outcome, RuleResult, status_text

__all__ = ["Seen", "Verdict", "decide"]

_PREFIXES = (("dump_", "crash"), ("hiber_", "hibernate"))
_MAX_MODULES = 10_000
# An error from one of these makes crashdmp skip the filter from then on (seen before Windows 8; inferred for
# later ones).
_DISABLING = ("DriverEntry", "Dump_Start", "Dump_Write")


class Verdict(str, enum.Enum):
    """What a recording says about a filter."""

    PASS = "pass"
    FAIL = "fail"
    INCOMPLETE = "incomplete"
    NOT_EXERCISED = "not exercised"


class Seen:
    """What a recording holds, counted: copies, calls, and how Dump_Read fared."""

    def __init__(self) -> None:
        self.calls = 0
        self.hits: Dict[str, int] = {}
        """Calls by callback; one address that serves several counts under their names joined by "|"."""
        self.unreturned = 0
        self.reads_returned = 0
        self.folded: Set[str] = set()
        self.absent: Set[int] = set()
        self.refused = ""
        self.modules: Dict[int, LoadedModule] = {}
        self._at_work: Set[int] = set()
        self._called: Set[int] = set()

    def module(self, module: LoadedModule) -> None:
        """A copy was loaded."""
        if len(self.modules) < _MAX_MODULES:
            self.modules[module.number] = module

    def callbacks(self, callbacks: Callbacks) -> None:
        """What is watched in a copy."""
        if "Dump_Read" in callbacks.absent and len(self.absent) < _MAX_MODULES:
            self.absent.add(callbacks.module)
        for armed in callbacks.armed:
            self._folded(armed.callbacks)

    def call(self, call: DecodedCall) -> None:
        """A call ended."""
        self.calls += 1
        name = "|".join(call.callbacks)
        self.hits[name] = self.hits.get(name, 0) + 1
        self._folded(call.callbacks)
        if call.exit is None:
            self.unreturned += 1
        elif call.callback == "Dump_Read":
            self.reads_returned += 1
        status = call.status
        if call.callback in _DISABLING and status is not None and not nt_success(status):
            self.refused = f"call {call.number} ({call.label}) returned {status_text(status)}"
        if call.raw.module in self.modules:
            self._called.add(call.raw.module)
            if call.callback not in ("DriverEntry", "Dump_Unload"):
                self._at_work.add(call.raw.module)

    @property
    def scenario(self) -> str:
        """ "crash", "hibernate", "crash+hibernate" or "none", by the names of the copies that worked; where
        none did, of those that were called; else of those that were loaded. (The crash stack's copy is loaded
        at boot, so that it is there says nothing.)"""
        for numbers in (self._at_work, self._called, set(self.modules)):
            names = [self.modules[number].name.lower() for number in numbers]
            kinds = [kind for prefix, kind in _PREFIXES if any(name.startswith(prefix) for name in names)]
            if kinds:
                return "+".join(kinds)
        return "none"

    def why_no_reads(self) -> List[str]:
        """Why no Dump_Read was judged, as far as the recording tells."""
        reasons = ["no call of Dump_Read that returned was seen, so nothing is known about it"]
        if self.folded:
            reasons.append(
                f"one address serves {', '.join(sorted(self.folded))}: the linker folded equal functions, "
                "and calls there cannot be told apart; build without folding (/OPT:NOICF)"
            )
        if self.absent:
            names = sorted({self.modules[number].name for number in self.absent if number in self.modules})
            reasons.append(
                f"the filter registered no DumpRead{' in ' + ', '.join(names) if names else ''}: the system "
                "cannot ask it to read"
            )
        if self.refused:
            reasons.append(f"{self.refused}, and the system calls a filter no more that has failed")
        if self.scenario == "crash":
            reasons.append(
                "a crash dump is written and not read back: record a hibernation, whose resume calls "
                "Dump_Read"
            )
        if len(reasons) == 1:
            reasons.append("record a run in which the system writes and reads back: hibernate and resume")
        return reasons

    def _folded(self, callbacks: Tuple[str, ...]) -> None:
        if len(callbacks) > 1 and "Dump_Read" in callbacks:
            self.folded.add(" and ".join(callbacks))


def decide(
    seen: Seen, rules: Sequence[RuleResult], essential: Set[str], problems: Sequence[str]
) -> Tuple[Verdict, Tuple[str, ...]]:
    """The verdict, and sentences that say why it is no pass.

    Args:
        seen: what was counted.
        rules: the result of every rule, after waiving.
        essential: ids of rules that must have judged something in a recording that passes.
        problems: damage, faults of the tool and the like, as sentences.
    """
    incomplete = list(problems)
    if seen.unreturned:
        incomplete.append(f"{seen.unreturned} calls were entered and their return was not seen")
    incomplete += [
        f"{result.rule} could not look at everything: {result.reasons[0]}"
        for result in rules
        if result.unjudged
    ]
    failed = [result for result in rules if result.level is Level.ERROR and result.outcome is Outcome.FAIL]
    if failed:
        found = [
            f"{result.rule}: {result.counting} finding{'s' if result.counting > 1 else ''}"
            for result in failed
        ]
        return Verdict.FAIL, tuple(found + incomplete)
    not_exercised: List[str] = []
    if not seen.reads_returned:
        not_exercised = seen.why_no_reads()
    else:
        not_exercised = [
            f"{result.rule} judged no call: {result.statement}"
            for result in rules
            if result.rule in essential and result.outcome is Outcome.NOT_EXERCISED
        ]
    if incomplete:
        return Verdict.INCOMPLETE, tuple(incomplete + not_exercised)
    if not_exercised:
        return Verdict.NOT_EXERCISED, tuple(not_exercised)
    return Verdict.PASS, ()
