"""For every test: whatever a rule reports, the rule's ``evidence`` names it; no rule of the package fails;
hypothesis gives every machine the same examples and all the time they take; and what programs print does not
depend on where the tests run.

:meth:`Rule.find` and :meth:`Rule.failed` are the only doors that these come through, so they are watched
there, and no test can forget to ask.
"""

from typing import Any, Iterator, Mapping

import pytest
from hypothesis import settings

from pykd_dumpfilt.decoded import DecodedCall
from pykd_dumpfilt.rules import Rule

pytest_plugins = ["pytester"]

# A test run is no benchmark, and it says the same twice. To look further: --hypothesis-profile search.
settings.register_profile("steady", deadline=None, derandomize=True, database=None)
settings.register_profile("search", deadline=None, max_examples=2000)
settings.load_profile("steady")

_find = Rule.find
_failed = Rule.failed


def find(rule: Rule, call: DecodedCall, message: str, evidence: Mapping[str, Any] = {}) -> None:
    """Report a breach, and hold its evidence to what the rule says that it reports."""
    unnamed = set(evidence) - set(rule.evidence)
    assert not unnamed, f"{rule.id} reports {sorted(unnamed)}, which its evidence does not name"
    _find(rule, call, message, evidence)


def failed(rule: Rule, call: DecodedCall, error: Exception) -> None:
    """A rule of this package never fails; those of a test's own may."""
    if rule.id.startswith("DF-"):
        raise error
    _failed(rule, call, error)


@pytest.fixture(scope="session", autouse=True)
def rules_are_watched() -> Iterator[None]:
    """Watch :meth:`Rule.find` and :meth:`Rule.failed` during all tests."""
    patch = pytest.MonkeyPatch()
    patch.setattr(Rule, "find", find)
    patch.setattr(Rule, "failed", failed)
    yield
    patch.undo()


# pytest and argparse lay out what they print by these: in full where CI says so, as wide as the terminal.
LAYOUT = ("CI", "BUILD_NUMBER", "COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR", "PY_COLORS", "PYTEST_ADDOPTS")


@pytest.fixture(scope="session", autouse=True)
def layout_is_the_same_everywhere() -> Iterator[None]:
    """Tests that read what a program printed are not told apart by the machine that they run on."""
    patch = pytest.MonkeyPatch()
    for name in LAYOUT:
        patch.delenv(name, raising=False)
    patch.setenv("COLUMNS", "80")
    yield
    patch.undo()
