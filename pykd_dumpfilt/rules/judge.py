"""The engine: records in, findings and a verdict out; live or from a recording, in bounded memory.

Memory grows by 24 bytes for each write (see :class:`~._intervals.IntervalMap`), with nothing else; what more
is remembered of writes and reads is put aside in temporary files.
"""

from dataclasses import dataclass, field
from typing import Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Type

from ..decoded import DecodedCall
from ..recording import Call, Callbacks, Fault, LoadedModule, PageSource, Record
from ..structures import Machine
from ._problems import Problems
from ._registry import RULES
from ._rule import Finding, Rule, RuleResult
from ._verdict import Seen, Verdict, decide
from ._waivers import Waivers

__all__ = ["Judge", "Result", "judge"]


@dataclass(frozen=True)
class Result:
    """What the rules say about a stream of records.

    Attributes:
        scenario: "crash", "hibernate", "crash+hibernate" or "none".
        calls: calls judged.
        hits: calls by callback.
        findings: of all rules, in the order of calls.
        reasons: why the verdict is no pass, and which findings are waived or no longer are; sentences. A pass
            has some only where findings are waived.
        problems: why the stream is not whole: damage, faults of the tool, calls that were lost; sentences.
    """

    verdict: Verdict
    scenario: str
    calls: int
    hits: Mapping[str, int] = field(default_factory=dict)
    rules: Tuple[RuleResult, ...] = ()
    findings: Tuple[Finding, ...] = ()
    reasons: Tuple[str, ...] = ()
    problems: Tuple[str, ...] = ()

    @property
    def waived(self) -> int:
        """How many findings waivers accept, of all rules."""
        return sum(rule.waived for rule in self.rules)


class Judge:
    """Judges records as they come.

    Args:
        pages: where page contents are.
        machine: the target's architecture.
        rules: which rules; all by default.
        waivers: which findings do not count.
    """

    def __init__(
        self,
        pages: PageSource,
        machine: Machine,
        rules: Optional[Sequence[Type[Rule]]] = None,
        waivers: Optional[Waivers] = None,
    ) -> None:
        self._pages = pages
        self._machine = machine
        self._rules = [rule() for rule in (RULES if rules is None else rules)]
        self._waivers = Waivers() if waivers is None else waivers
        self._looking: Dict[Tuple[str, ...], List[Rule]] = {}
        self._seen = Seen()
        self._problems = Problems()

    def feed(self, record: Record) -> List[Finding]:
        """Take the next record; gives the findings that it led to."""
        if isinstance(record, Call):
            return self._call(record)
        if isinstance(record, LoadedModule):
            self._seen.module(record)
        elif isinstance(record, Callbacks):
            self._seen.callbacks(record)
            for rule in self._rules:
                rule.watched(record)
        elif isinstance(record, Fault):
            self._problems.fault(record)
        return []

    def finish(self, damage: Sequence[str] = (), lost: int = 0) -> Result:
        """The result over all records so far.

        Args:
            damage: what is missing of the recording, as sentences.
            lost: calls that happened and could not be kept.
        """
        problems = self._problems.sentences(damage, lost)
        results: List[RuleResult] = []
        waiving: List[str] = []
        for rule in self._rules:
            applied, sentences = self._waivers.apply(rule.finish())
            results.append(applied)
            waiving += [f"{rule.id}: {sentence}" for sentence in sentences]
        essential = {rule.id for rule in self._rules if rule.essential}
        verdict, reasons = decide(self._seen, results, essential, problems)
        findings = [finding for result in results for finding in result.findings]
        return Result(
            verdict=verdict,
            scenario=self._seen.scenario,
            calls=self._seen.calls,
            hits=dict(self._seen.hits),
            rules=tuple(results),
            findings=tuple(sorted(findings, key=lambda finding: finding.call)),
            reasons=(*reasons, *waiving),
            problems=problems,
        )

    def _call(self, record: Call) -> List[Finding]:
        module = self._seen.modules.get(record.module)
        call = DecodedCall(record, module, self._machine, self._pages)
        self._seen.call(call)
        rules = self._looking.get(call.callbacks)
        if rules is None:
            # Bounded: a recording can name each of the six callbacks once in a call.
            rules = [rule for rule in self._rules if rule.looks_at(call.callbacks, self._machine)]
            self._looking[call.callbacks] = rules
        new: List[Finding] = []
        for rule in rules:
            known = len(rule.findings)
            rule.look(call)
            if len(rule.findings) > known:
                new += [self._waivers.mark(finding) for finding in rule.findings[known:]]
        return new


def judge(records: Iterable[Record], pages: PageSource, machine: Machine) -> Result:
    """Judge a whole stream by all rules. For damage and lost calls use :class:`Judge`."""
    engine = Judge(pages, machine)
    for record in records:
        engine.feed(record)
    return engine.finish()
