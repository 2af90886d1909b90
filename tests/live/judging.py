"""What the live judge found, as JSON values that can be compared across processes."""

import json
from typing import Any, Dict, List, Sequence

from pykd_dumpfilt.live import LiveJudge
from pykd_dumpfilt.rules import Finding

__all__ = ["outcome", "plain_findings"]


def outcome(judge: LiveJudge) -> Dict[str, Any]:
    """Verdict and findings."""
    assert judge.failure is None, judge.failure
    result = judge.result()
    assert result is not None, "nothing was recorded"
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
