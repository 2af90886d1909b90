"""``dumpfilt rule ID``, and what leads there."""

import pkgutil

import pytest

from pykd_dumpfilt.cli import main
from pykd_dumpfilt.errors import DumpfiltError
from pykd_dumpfilt.reports import render_rule, render_rules, rule_prose
from pykd_dumpfilt.rules import RULES

READ_003 = next(rule for rule in RULES if rule.id == "DF-READ-003")
TRIP_001 = next(rule for rule in RULES if rule.id == "DF-TRIP-001")


def test_facts_first_then_prose() -> None:
    text = render_rule(READ_003)
    assert text.startswith(
        "DF-READ-003  (error, read)\n"
        "  Dump_Read must not write outside the buffer that the MDL describes.\n"
        "\n"
        "  judged    Dump_Read\n"
        "  source    https://learn.microsoft.com/windows-hardware/drivers/ddi/ntdddump/nc-ntdddump-dump_read\n"
    )
    assert "\n\nWhy it matters\n\n  On a resume " in text
    assert "\n\nHow to exercise it\n\n  The buffer's first and last page " in text


def test_code_is_indented_and_has_no_fences() -> None:
    text = render_rule(READ_003)
    assert "            data[Mdl->ByteCount] ^= stream_byte(end) | 1; /* <-- guilty */\n" in text
    assert "\n    dumpfilt emulate f.sys -o run --calls 12 --pages 4\n" in text
    assert "```" not in text
    assert "##" not in text


def test_evidence_is_listed_by_its_keys() -> None:
    class Rule(READ_003):  # type: ignore[misc, valid-type]
        evidence = {"page": "page of the buffer", "before": "first bytes that changed, as they were"}

    assert render_rule(Rule).endswith(
        ".\n\nWhat a finding reports\n\n"
        "  page    page of the buffer\n"
        "  before  first bytes that changed, as they were"
    )


def test_what_a_pass_needs_is_said() -> None:
    said = "\n  essential a recording passes only if this rule judged at least one of its calls\n"
    assert said in render_rule(TRIP_001)
    assert said not in render_rule(READ_003)


def test_a_page_that_is_not_installed_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    class Rule(READ_003):  # type: ignore[misc, valid-type]
        id = "DF-READ-999"

    with pytest.raises(DumpfiltError, match=r"DF-READ-999 .* is not installed; install pykd-dumpfilt again"):
        rule_prose(Rule)
    monkeypatch.setattr(pkgutil, "get_data", lambda package, name: None)
    with pytest.raises(DumpfiltError, match="not installed"):
        rule_prose(READ_003)


@pytest.mark.parametrize(
    "text", ["DF-READ-003", "df-read-003", "read-003", "READ-3", "read3", "df_read_03", "Read 003"]
)
def test_short_forms(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rule", text]) == 0
    assert capsys.readouterr().out == render_rule(READ_003) + "\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "read-9",
            "there is no rule 'read-9': did you mean DF-READ-001, DF-READ-002, DF-READ-003, DF-READ-004",
        ),
        ("trip", "there is no rule 'trip': did you mean DF-TRIP-001? dumpfilt rules lists all"),
        ("DF-RAED-003", "there is no rule 'DF-RAED-003': did you mean DF-READ-003"),
        ("nonsense", "there is no rule 'nonsense': dumpfilt rules lists all"),
        ("", "there is no rule '': dumpfilt rules lists all"),
        ("\x1b[2J", r"there is no rule '\x1b[2J': dumpfilt rules lists all"),
        ("\u0660\u0661", r"there is no rule '\u0660\u0661': dumpfilt rules lists all"),
        ("read-\u0663", "there is no rule 'read-\\u0663': did you mean DF-READ-001"),
        ("x" * 10_000, f"there is no rule '{'x' * 40}': dumpfilt rules lists all"),
    ],
)
def test_what_is_no_rule_is_told_with_the_near_ones(
    text: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rule", text]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert expected in err


def test_the_list_of_rules_says_how_to_see_a_page() -> None:
    assert render_rules().endswith("\n\nthe page of one, with wrong and right code: dumpfilt rule ID")


def test_pages_reach_windbg_in_one_write() -> None:
    """pykd cuts a write of more than about 16,383 characters without a word."""
    assert max(len(render_rule(rule)) for rule in RULES) < 15_000
