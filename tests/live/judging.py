"""The rules, fed as calls arrive: what both live roads of the comparison have in common."""

import json
from typing import Any, Dict, List, Optional, Sequence

from pykd_dumpfilt.recording import PageStore, Record
from pykd_dumpfilt.rules import Finding, Judge
from pykd_dumpfilt.structures import Machine

__all__ = ["LiveJudge", "plain_findings"]


class LiveJudge:
    """An observer for :func:`pykd_dumpfilt.trace.record`."""

    def __init__(self) -> None:
        self._judge: Optional[Judge] = None

    def __call__(self, record: Record, pages: PageStore) -> None:
        if self._judge is None:
            self._judge = Judge(pages, Machine.X64)
        self._judge.feed(record)

    def outcome(self) -> Dict[str, Any]:
        """Verdict and findings as JSON values."""
        assert self._judge is not None, "nothing was recorded"
        result = self._judge.finish()
        return {"verdict": result.verdict.value, "findings": plain_findings(result.findings)}


def plain_findings(findings: Sequence[Finding]) -> List[Any]:
    """Findings as JSON values, evidence included."""
    values: List[Any] = json.loads(
        json.dumps(
            [
                [one.rule, one.level.value, one.call, one.callback, one.message, dict(one.evidence)]
                for one in findings
            ]
        )
    )
    return values
