"""What one rule found, as text."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Tuple

import pytest

from pykd_dumpfilt.checking import CheckResult, check
from pykd_dumpfilt.reports import how_to_exercise, render_rule_failure
from pykd_dumpfilt.rules import Rule, RuleResult

from ..rules.examples import Script, pattern
from .examples import TODAY, failing, passing, waiver, write
from .faulty import faulty


def of(checked: CheckResult, rule: str) -> RuleResult:
    return next(one for one in checked.result.rules if one.rule == rule)


def test_a_finding_with_its_bytes(tmp_path: Path) -> None:
    checked = replace(check(write(tmp_path / "faulty", faulty())), path=str(tmp_path / "faulty.dumpfilt"))
    text = render_rule_failure(checked, of(checked, "DF-READ-003"))
    path = checked.path
    assert text == (
        "DF-READ-003: Dump_Read must not write outside the buffer that the MDL describes.\n"
        f"1 finding in {path}: filter myfilt, hibernate, x64\n"
        "\n"
        "  error DF-READ-003, call 4, Dump_Read\n"
        "    Dump_Read wrote outside the buffer: 1 bytes, first page 0 (PFN 0x1000) byte 0x1ff, 1 bytes\n"
        "    before its start: from aa5b5a5a5a5a5a5a5a5b5a5a5a525a5a to 775b5a5a5a5a5a5a5a5b5a5a5a525a5a\n"
        "    mdl: 0; page: 0; byte: 511 (0x1ff); last_byte: 511 (0x1ff); pfn: 0x1000; bytes: 1\n"
        "    Page 0 of the buffer, whole; bytes 0x200 to 0x3ff are the buffer's, which Dump_Read may change: "
        "1 of 4096 bytes differ\n"
        "      - At entry\n"
        "      + At return\n"
        "      ... 29 rows of 16 bytes\n"
        "      000001d0    aa aa aa aa aa aa aa aa  aa aa aa aa aa aa aa aa  |................|\n"
        "      000001e0    aa aa aa aa aa aa aa aa  aa aa aa aa aa aa aa aa  |................|\n"
        "      000001f0  - aa aa aa aa aa aa aa aa  aa aa aa aa aa aa aa aa  |................|\n"
        "                + aa aa aa aa aa aa aa aa  aa aa aa aa aa aa aa 77  |...............w|\n"
        "                                                                ^^\n"
        "      00000200    5b 5a 5a 5a 5a 5a 5a 5a  5b 5a 5a 5a 52 5a 5a 5a  |[ZZZZZZZ[ZZZRZZZ|\n"
        "      00000210    5b 5a 5a 5a 4a 5a 5a 5a  5b 5a 5a 5a 42 5a 5a 5a  |[ZZZJZZZ[ZZZBZZZ|\n"
        "      ... 222 rows of 16 bytes\n"
        "\n"
        "Next\n"
        f"  look at the call: dumpfilt show {path} --call 4\n"
        "  read why, with wrong and right code: dumpfilt rule DF-READ-003"
    )


def test_a_structure_names_its_fields(tmp_path: Path) -> None:
    checked = check(write(tmp_path / "faulty", faulty()))
    text = render_rule_failure(checked, of(checked, "DF-CALL-002"))
    assert "changed: Size" in text


def test_many_findings_are_few_lines(tmp_path: Path) -> None:
    script = Script()
    for at in range(41):
        script.write(0x10000 * at, pattern(512, at))
        script.read(0x10000 * at, b"\xff" + pattern(512, at)[1:])
    checked = check(write(tmp_path / "many", script))
    rule = of(checked, "DF-TRIP-001")
    assert rule.found == 41
    text = render_rule_failure(checked, rule)
    assert "  and 39 more findings: calls 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, ...\n" in text
    assert text.count("error DF-TRIP-001, call") == 2
    assert len(text.splitlines()) < 80


def test_without_the_recording(tmp_path: Path) -> None:
    path = write(tmp_path / "bad", failing())
    checked = check(path)
    shutil.rmtree(str(path))
    text = render_rule_failure(checked, of(checked, "DF-TRIP-001"))
    # What the finding itself holds.
    assert "From the finding's evidence" in text
    assert "+ cc cc cc cc" in text
    write(tmp_path / "bad", passing(), replace(checked.header, filter="another"))
    assert "From the finding's evidence" in render_rule_failure(checked, of(checked, "DF-TRIP-001"))


def test_open_findings_come_first(tmp_path: Path) -> None:
    path = write(tmp_path / "bad", failing())
    waived = check(path, waivers=[waiver()], today=TODAY)
    text = render_rule_failure(waived, of(waived, "DF-TRIP-001"))
    assert "1 finding (1 waived) in " in text
    assert "waived error DF-TRIP-001, call 1" in text


@pytest.mark.parametrize(
    ("rule", "called", "expected"),
    [
        ("DF-READ-001", (), "hibernate and resume; a crash dump is never read back"),
        (
            "DF-READ-004",
            ("Dump_Read",),
            "Dump_Read was called, but not in the way that it judges: see dumpfilt rule DF-READ-004",
        ),
        ("DF-WRITE-003", ("Dump_Read",), "hibernate, or crash the machine"),
    ],
)
def test_how_to_exercise(tmp_path: Path, rule: str, called: Tuple[str, ...], expected: str) -> None:
    checked = check(write(tmp_path / "good", passing()))
    assert how_to_exercise(of(checked, rule), called) == expected


def test_a_rule_of_ones_own_has_no_page(tmp_path: Path) -> None:
    class Mine(Rule):
        id = "ACME-001"
        statement = "It holds."
        source = "design 4.2"
        callbacks = ("Dump_Read",)

        def check(self, call: object) -> None:
            self.find(call, "it does not")  # type: ignore[arg-type]

    checked = check(write(tmp_path / "good", passing()), own=[Mine])
    text = render_rule_failure(checked, checked.result.rules[-1])
    assert "the rule is yours; its source: design 4.2" in text
    assert "dumpfilt rule" not in text
    assert how_to_exercise(checked.result.rules[-1]) == ""
