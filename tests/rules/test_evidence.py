"""Each rule says what its findings report; ``tests/conftest.py`` holds all findings of all tests to that."""

from typing import ClassVar, Mapping, Type

import pytest

from pykd_dumpfilt.decoded import DecodedCall
from pykd_dumpfilt.rules import RULES, Level, Rule

from .contract_examples import by
from .examples import Script


class Careless(Rule):
    """Reports something that it does not name."""

    id = "DF-TEST-001"
    family = "test"
    statement = "There is no such rule."
    source = "none"
    evidence: ClassVar[Mapping[str, str]] = {"bytes": "how many"}
    callbacks = ("Dump_Start",)

    def check(self, call: DecodedCall) -> None:
        self.find(call, "found", {"bytes": 1, "pages": 2})


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.id))
def test_every_rule_names_what_it_reports(rule: Type[Rule]) -> None:
    assert "evidence" in vars(rule)
    # A note has no findings.
    assert bool(rule.evidence) == (rule.level is not Level.NOTE)
    for key, what in rule.evidence.items():
        assert key.isidentifier()
        assert key == key.lower()
        assert what
        assert not what.endswith(".")


def test_a_finding_with_an_unnamed_key_is_noticed() -> None:
    script = Script()
    script.plain("Dump_Start")
    with pytest.raises(AssertionError, match=r"DF-TEST-001 reports \['pages'\]"):
        by(Careless, script)
