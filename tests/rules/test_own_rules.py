"""Rules of one's own, from a file."""

import textwrap
from pathlib import Path

import pytest

from pykd_dumpfilt import Level, Outcome, UsageError, Verdict, check, load_rules, load_waivers, render
from pykd_dumpfilt.cli import main

FIXTURES = Path(__file__).resolve().parent.parent.parent / "fixtures"
FIXTURE = FIXTURES / "aes_xts.dumpfilt"

WHOLE_PAGES = """
from pykd_dumpfilt import Rule

class WholePages(Rule):
    id = "ACME-001"
    statement = "Dump_Write is given whole pages."
    source = "ACME design 4.2"
    callbacks = ("Dump_Write",)

    def check(self, call):
        self.checked()
        if call.mdl.byte_count % 4096:
            self.find(call, f"{call.mdl.byte_count} bytes are no whole pages")
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "our_rules.py"
    path.write_text(textwrap.dedent(text))
    return path


def rule_file(folder: Path, body: str, head: str = "") -> Path:
    return written(
        folder,
        f"from pykd_dumpfilt import Level, Rule\n{head}\nclass Mine(Rule):\n"
        '    id = "ACME-001"\n    statement = "It holds."\n    source = "ACME design"\n'
        '    callbacks = ("Dump_Read",)\n' + textwrap.indent(textwrap.dedent(body), "    "),
    )


def test_a_rule_of_ten_lines_finds_what_breaks_it(tmp_path: Path) -> None:
    own = load_rules(written(tmp_path, WHOLE_PAGES))
    assert [rule.id for rule in own] == ["ACME-001"]
    result = check(FIXTURE, own=own)
    last = result.result.rules[-1]
    assert (last.rule, last.outcome, last.level) == ("ACME-001", Outcome.FAIL, Level.ERROR)
    assert result.verdict is Verdict.FAIL
    assert all("ACME-001" in render(result, name) for name in ("text", "json", "junit", "sarif", "markdown"))


def test_the_command_line_takes_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, WHOLE_PAGES)
    assert main(["check", str(FIXTURE), "--rules", str(path)]) == 1
    out = capsys.readouterr().out
    assert "ACME-001      fail" in out
    # It has no page that could be shown.
    assert "dumpfilt rule ACME-001" not in out


def test_they_can_be_waived(tmp_path: Path) -> None:
    own = load_rules(written(tmp_path, WHOLE_PAGES))
    file = tmp_path / "waivers.toml"
    file.write_text(
        '[[waiver]]\nrule = "ACME-001"\nfilter = "aes_xts"\nreason = "r"\nowner = "o"\nexpires = 2999-01-01\n'
    )
    with pytest.raises(UsageError, match="no rule 'ACME-001'"):
        load_waivers(file)
    result = check(FIXTURE, waivers=load_waivers(file, own), own=own)
    assert result.result.rules[-1].outcome is Outcome.WAIVED
    assert result.verdict is Verdict.PASS


def test_a_value_that_is_not_recorded_leaves_the_rule_incomplete(tmp_path: Path) -> None:
    body = 'callbacks = ("Dump_Start",)\ndef check(self, call):\n    self.checked()\n    call.mdl\n'
    result = check(FIXTURE, own=load_rules(rule_file(tmp_path, body)))
    last = result.result.rules[-1]
    assert last.outcome is Outcome.INCOMPLETE
    assert last.fault == ""
    assert "the MDL at entry: not captured" in last.reasons[0]
    assert result.verdict is Verdict.INCOMPLETE


def test_a_rule_that_fails_itself_is_told_and_harms_no_other(tmp_path: Path) -> None:
    path = rule_file(tmp_path, "def check(self, call):\n    self.checked()\n    1 / 0\n")
    result = check(FIXTURE, own=load_rules(path))
    last = result.result.rules[-1]
    assert last.outcome is Outcome.INCOMPLETE
    assert last.calls_checked == 1
    assert last.unjudged == 1
    assert "the rule itself failed: ZeroDivisionError: division by zero (" in last.reasons[0]
    assert "our_rules.py, line 10)" in last.reasons[0]
    assert "1 / 0" in last.fault
    assert result.verdict is Verdict.INCOMPLETE
    assert result.result.rules[0].outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", "defines no rule"),
        ("from pykd_dumpfilt import Rule\n", "defines no rule"),
        ("x = 1\ny = x / 0\n", r"our_rules\.py, line 2: ZeroDivisionError"),
        ("def f(:\n", r"our_rules\.py, line 1: SyntaxError"),
        ("import sys\n\nimport nothing_of_that_name\n", "line 3: ModuleNotFoundError"),
    ],
)
def test_files_that_hold_no_rules(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_rules(written(tmp_path, text))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('id = ""', "id is missing"),
        ('id = "acme 1"', "id 'acme 1' is none"),
        ('id = "DF-MINE-001"', "ids that begin with DF- are pykd-dumpfilt's"),
        ('statement = " "', "statement is missing"),
        ("source = None", "source is missing"),
        ('callbacks = "Dump_Read"', "callbacks must be a tuple"),
        ("callbacks = ()", "callbacks must be a tuple"),
        ('callbacks = ("DumpRead",)', "callbacks must be a tuple"),
        ('level = "error"', "level must be Level"),
    ],
)
def test_classes_that_are_no_rules(tmp_path: Path, body: str, message: str) -> None:
    with pytest.raises(UsageError, match=f"class Mine: {message}"):
        load_rules(rule_file(tmp_path, f"{body}\ndef check(self, call):\n    pass\n"))


def test_two_of_one_id(tmp_path: Path) -> None:
    text = WHOLE_PAGES + WHOLE_PAGES.replace("class WholePages", "class Again")
    with pytest.raises(UsageError, match="class Again: id ACME-001 is that of WholePages, too"):
        load_rules(written(tmp_path, text))


def test_several_files(tmp_path: Path) -> None:
    one = tmp_path / "one.py"
    one.write_text(WHOLE_PAGES.replace("ACME-001", "ACME-002"))
    two = written(tmp_path, WHOLE_PAGES)
    assert [rule.id for rule in load_rules(one, two)] == ["ACME-002", "ACME-001"]
    assert load_rules() == ()
    again = tmp_path / "again.py"
    again.write_text(WHOLE_PAGES)
    with pytest.raises(UsageError, match=r"again\.py, class WholePages: id ACME-001 is that of"):
        load_rules(two, again)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        load_rules(tmp_path / "none.py")
    with pytest.raises(UsageError, match="not a file"):
        load_rules(tmp_path)
    other = tmp_path / "rules.txt"
    other.write_text("x = 1")
    with pytest.raises(UsageError, match=r"must end on \.py"):
        load_rules(other)
