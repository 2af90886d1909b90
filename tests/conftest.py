"""For every test: whatever a rule reports, the rule's ``evidence`` names it, and hypothesis gives every
machine the same examples and all the time they take.

:meth:`Rule.find` is the only door that a finding comes through, so it is watched there, and no test can
forget to ask.
"""

from typing import Any, Iterator, Mapping

import pytest
from hypothesis import settings

from pykd_dumpfilt.decoded import DecodedCall
from pykd_dumpfilt.rules import Rule

# A test run is no benchmark, and it says the same twice. To look further: --hypothesis-profile search.
settings.register_profile("steady", deadline=None, derandomize=True, database=None)
settings.register_profile("search", deadline=None, max_examples=2000)
settings.load_profile("steady")

_find = Rule.find


def find(rule: Rule, call: DecodedCall, message: str, evidence: Mapping[str, Any]) -> None:
    """Report a breach, and hold its evidence to what the rule says that it reports."""
    unnamed = set(evidence) - set(rule.evidence)
    assert not unnamed, f"{rule.id} reports {sorted(unnamed)}, which its evidence does not name"
    _find(rule, call, message, evidence)


@pytest.fixture(scope="session", autouse=True)
def evidence_is_named() -> Iterator[None]:
    """Watch :meth:`Rule.find` during all tests."""
    patch = pytest.MonkeyPatch()
    patch.setattr(Rule, "find", find)
    yield
    patch.undo()
