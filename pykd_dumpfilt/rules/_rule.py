"""What a rule is, and what it leaves behind. Rules never raise: what they cannot decide, they say."""

import abc
import enum
import traceback
from dataclasses import dataclass, field
from typing import Any, ClassVar, Dict, List, Mapping, Optional, Set, Tuple

from ..decoded import DecodedCall
from ..errors import DumpfiltError, SpoolError
from ..recording import Callbacks
from ..structures import Machine, NtStatus, Severity
from ._waiver import Waiver

__all__ = ["Finding", "Level", "Outcome", "Rule", "RuleResult", "status_text"]

MAX_FINDINGS = 20
MAX_SENTENCES = 5
_MAX_TEXT = 300
_MAX_MESSAGE = 4000
_MAX_TOLD = 10_000
_NOTHING: Mapping[str, Any] = {}


class Level(str, enum.Enum):
    """How much a finding weighs; only errors make a verdict fail."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Outcome(str, enum.Enum):
    """What one rule says about one recording."""

    PASS = "pass"
    FAIL = "fail"
    INCOMPLETE = "incomplete"
    """Nothing found, but something could not be looked at."""
    NOT_EXERCISED = "not exercised"
    """No call that the rule could look at."""
    WAIVED = "waived"
    """There are findings, and every one of them is waived."""


@dataclass(frozen=True)
class Finding:
    """One breach of one rule.

    Attributes:
        rule: the rule's id.
        level: how much it weighs.
        call: the number of the call.
        callback: the callback's name; several joined by " or " where one address serves them.
        message: what is wrong and where, for people.
        evidence: what a program needs of it: JSON values, sizes and offsets as integers (bytes), addresses
            and page frame numbers as hexadecimal text; its keys are those that the rule's ``evidence`` names.
        waiver: the one that accepts it, if any.
        expired_waiver: the one that did.
    """

    rule: str
    level: Level
    call: int
    callback: str
    message: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    waiver: Optional[Waiver] = None
    expired_waiver: Optional[Waiver] = None


@dataclass(frozen=True)
class RuleResult:
    """One rule over one recording.

    Attributes:
        rule: the rule's id.
        level: of its findings.
        statement: the obligation in one sentence.
        source: the document that states it.
        outcome: what it comes to.
        calls_checked: calls that the rule judged.
        found: breaches in all.
        findings: the first of them: up to 20, and one of each callback.
        by_callback: the same by callback, as :attr:`Finding.callback` names it.
        waived: how many of ``found`` a waiver accepts.
        unjudged: how often something could not be looked at; where there are findings, the outcome does not
            tell it.
        reasons: what could not be looked at, how many findings are not listed, and which waivers accept
            findings or no longer do; sentences, in this order.
        notes: what is legal and worth knowing; sentences.
        family: which part of the contract.
        meanings: what each key of the findings' evidence holds.
        fault: where the rule itself failed, as Python tells it; empty where it did not.
    """

    rule: str
    level: Level
    statement: str
    source: str
    outcome: Outcome
    calls_checked: int
    found: int = 0
    findings: Tuple[Finding, ...] = ()
    reasons: Tuple[str, ...] = ()
    notes: Tuple[str, ...] = ()
    by_callback: Mapping[str, int] = field(default_factory=dict)
    waived: int = 0
    unjudged: int = 0
    family: str = ""
    meanings: Mapping[str, str] = field(default_factory=dict)
    fault: str = ""

    @property
    def counting(self) -> int:
        """Breaches that no waiver accepts."""
        return self.found - self.waived


class Rule(abc.ABC):
    """One obligation, and the state it needs over one recording. A rule is a subclass that sets ``id``,
    ``statement``, ``source`` and ``callbacks``, and has :meth:`check`.

    Attributes:
        id: stable, for waivers and reports.
        level: of its findings; only errors make a verdict fail.
        family: which part of the contract; "environment" is the system's side, not the filter's.
        statement: the obligation in one sentence.
        source: the document that states it, as an address where it has one.
        evidence: what its findings report, as keys of :attr:`Finding.evidence` and what each holds.
        callbacks: which calls it looks at.
        ambiguous: whether also at calls of an address that serves several callbacks.
        returned: whether only at calls that returned; one that did not leaves the rule incomplete.
        essential: whether a recording can pass only if the rule judged at least one call.
    """

    id: ClassVar[str]
    level: ClassVar[Level] = Level.ERROR
    family: ClassVar[str] = "own"
    statement: ClassVar[str]
    source: ClassVar[str]
    evidence: ClassVar[Mapping[str, str]] = {}
    callbacks: ClassVar[Tuple[str, ...]]
    ambiguous: ClassVar[bool] = False
    returned: ClassVar[bool] = True
    essential: ClassVar[bool] = False

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Forget everything: another recording begins. A rule that keeps something over several calls sets it
        here, after ``super().begin()``."""
        self.findings: List[Finding] = []
        self._found: Dict[str, int] = {}
        self._checked = 0
        self._unsure: List[str] = []
        self._unsure_count = 0
        self._told: Set[Tuple[Any, ...]] = set()
        self._repeats = 0
        self._fault = ""

    def looks_at(self, callbacks: Tuple[str, ...], machine: Machine) -> bool:
        """Whether a call of an address that serves ``callbacks`` is one of this rule's."""
        if len(callbacks) == 1:
            return callbacks[0] in self.callbacks
        return self.ambiguous and not set(self.callbacks).isdisjoint(callbacks)

    def watched(self, callbacks: Callbacks) -> None:  # noqa: B027 - most rules do not ask
        """Take note of what is watched in a copy from here on. What is not watched may have been called."""

    def look(self, call: DecodedCall) -> None:
        """Judge a call that is one of this rule's (:meth:`looks_at`). Never raises but SpoolError, which ends
        the whole check: there is no room for temporary data."""
        if self._fault:
            return
        if self.returned and call.exit is None:
            self.cannot_tell(call, f"did not return: {call.raw.unreturned or 'no reason recorded'}")
            return
        try:
            self.check(call)
        except SpoolError:
            raise
        except DumpfiltError as error:
            self.cannot_tell(call, str(error))
        except Exception as error:
            self.failed(call, error)

    @abc.abstractmethod
    def check(self, call: DecodedCall) -> None:
        """Judge a call: :meth:`checked` counts it, :meth:`find` reports a breach, :meth:`cannot_tell` says
        what could not be looked at. A value that the recording does not hold (an error of this package) is
        told in the same way; any other exception is a fault of the rule, which then judges no more."""

    def failed(self, call: DecodedCall, error: Exception) -> None:
        """The rule itself has a fault: it is incomplete, and says where."""
        frames = traceback.extract_tb(error.__traceback__)
        where = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
        self._fault = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        self.cannot_tell(call, f"the rule itself failed: {type(error).__name__}: {error}{where}")

    def finish(self) -> RuleResult:
        """The result over all calls so far."""
        reasons = list(self._unsure)
        if self._unsure_count > len(self._unsure):
            reasons.append(f"and {self._unsure_count - len(self._unsure)} more like these")
        found = sum(self._found.values())
        if found > len(self.findings):
            reasons.append(f"and {found - len(self.findings)} more findings that are not listed")
        notes = self.notes()
        if self._repeats:
            notes = (*notes, f"{self._repeats} more times the same as the findings")
        return RuleResult(
            rule=self.id,
            level=self.level,
            statement=self.statement,
            source=self.source,
            outcome=self._outcome(),
            calls_checked=self._checked,
            found=found,
            by_callback=dict(self._found),
            findings=tuple(self.findings),
            reasons=tuple(reasons),
            notes=notes,
            unjudged=self._unsure_count,
            family=self.family,
            meanings=dict(self.evidence),
            fault=self._fault,
        )

    def notes(self) -> Tuple[str, ...]:
        """What is legal and worth knowing, as sentences; for subclasses."""
        return ()

    def checked(self) -> None:
        """Count a call as judged."""
        self._checked += 1

    def find(self, call: DecodedCall, message: str, evidence: Mapping[str, Any] = _NOTHING) -> None:
        """Report a breach. The first 20 are kept and the first of each callback, the rest are counted.

        Args:
            call: where it is.
            message: what is wrong, where, and what was expected; a sentence.
            evidence: what a program needs of it, with the keys that the class attribute ``evidence`` names.
        """
        is_first = call.label not in self._found
        self._found[call.label] = self._found.get(call.label, 0) + 1
        if is_first or len(self.findings) < MAX_FINDINGS:
            # A recording's own texts may be in there, as long as a line.
            kept = {name: _clipped(value) for name, value in evidence.items()}
            self.findings.append(
                Finding(self.id, self.level, call.number, call.label, _clipped(message), kept)
            )

    def find_once(self, call: DecodedCall, what: str, message: str, evidence: Mapping[str, Any]) -> None:
        """Report a breach of a kind the first time that a copy of the filter shows it; count the others.

        Args:
            call: where it is.
            what: the kind.
            message: what is wrong, as for :meth:`find`.
            evidence: as for :meth:`find`.
        """
        key = (call.raw.module, what)
        if key in self._told:
            self._repeats += 1
            return
        if len(self._told) < _MAX_TOLD:
            self._told.add(key)
        self.find(call, message, evidence)

    def cannot_tell(self, call: DecodedCall, why: str) -> None:
        """Say that something about a call could not be judged; the rule is then incomplete.

        Args:
            call: which call.
            why: what could not be looked at, and the reason.
        """
        self._unsure_count += 1
        if len(self._unsure) < MAX_SENTENCES:
            self._unsure.append(f"call {call.number} ({call.label}): {why[:_MAX_TEXT]}")

    def _outcome(self) -> Outcome:
        if self._found:
            return Outcome.FAIL
        if self._unsure_count:
            return Outcome.INCOMPLETE
        return Outcome.PASS if self._checked else Outcome.NOT_EXERCISED


def _clipped(value: Any) -> Any:
    return value[:_MAX_MESSAGE] if isinstance(value, str) else value


_SEVERITY = {
    Severity.SUCCESS: "a success value",
    Severity.INFORMATIONAL: "an informational value",
    Severity.WARNING: "a warning value",
    Severity.ERROR: "an error value",
}


def status_text(status: NtStatus) -> str:
    """A status for people: "STATUS_PENDING (0x00000103, a success value)"."""
    number = f"0x{int(status):08X}"
    kind = _SEVERITY[status.severity]
    return f"{status.name} ({number}, {kind})" if status.name else f"{number} ({kind} without a known name)"
