"""Waivers at work on one recording. They change who a finding counts against, never whether it is shown."""

import datetime
from dataclasses import replace
from typing import Dict, List, Optional, Sequence, Tuple

from ..recording import Header
from ._rule import Finding, Outcome, RuleResult
from ._waiver import Waiver

__all__ = ["Waivers", "utc_today"]


def utc_today() -> datetime.date:
    """The day by which waivers expire: the same for a tester and a CI machine in other time zones."""
    return datetime.datetime.now(datetime.timezone.utc).date()


class Waivers:
    """The waivers of a run, as they apply to one recording.

    Args:
        waivers: all of the run.
        header: the recording's; without one no waiver applies.
        today: the day to judge by; UTC's by default.
    """

    def __init__(
        self,
        waivers: Sequence[Waiver] = (),
        header: Optional[Header] = None,
        today: Optional[datetime.date] = None,
    ) -> None:
        today = utc_today() if today is None else today
        concerned = [waiver for waiver in waivers if header is not None and waiver.concerns(header)]
        # Where several accept the same finding, it is the last to expire until which the finding is waived.
        concerned.sort(key=lambda waiver: waiver.expires, reverse=True)
        self._holding = [waiver for waiver in concerned if not waiver.expired(today)]
        self._expired = [waiver for waiver in concerned if waiver.expired(today)]

    def mark(self, finding: Finding) -> Finding:
        """The finding with the waiver that accepts it, or the expired one that did."""
        waiver = _first(self._holding, finding.rule, finding.callback)
        if waiver is not None:
            return replace(finding, waiver=waiver)
        expired = _first(self._expired, finding.rule, finding.callback)
        return finding if expired is None else replace(finding, expired_waiver=expired)

    def apply(self, result: RuleResult) -> Tuple[RuleResult, Tuple[str, ...]]:
        """The rule's result after waiving, and sentences on what is waived and what no longer is, which are
        among its reasons too. Findings that are counted and not listed are waived as the listed are."""
        waived: Dict[Waiver, int] = {}
        expired: Dict[Waiver, int] = {}
        for callback, count in result.by_callback.items():
            for waivers, counts in ((self._holding, waived), (self._expired, expired)):
                waiver = _first(waivers, result.rule, callback)
                if waiver is not None:
                    counts[waiver] = counts.get(waiver, 0) + count
                    break
        if not waived and not expired:
            return result, ()
        total = sum(waived.values())
        sentences = _sentences(waived, expired)
        applied = replace(
            result,
            outcome=Outcome.WAIVED if total == result.found else result.outcome,
            waived=total,
            findings=tuple(self.mark(finding) for finding in result.findings),
            reasons=(*result.reasons, *sentences),
        )
        return applied, sentences


def _first(waivers: Sequence[Waiver], rule: str, callback: str) -> Optional[Waiver]:
    return next((waiver for waiver in waivers if waiver.covers(rule, callback)), None)


def _sentences(waived: Dict[Waiver, int], expired: Dict[Waiver, int]) -> Tuple[str, ...]:
    sentences: List[str] = []
    for counts, what in ((waived, "waived until"), (expired, "no longer waived: the waiver expired on")):
        for waiver, count in counts.items():
            sentences.append(
                f"{count} finding{'s' if count > 1 else ''} {what} {waiver.expires} "
                f"(owner: {waiver.owner}; reason: {waiver.reason})"
            )
    return tuple(sentences)
