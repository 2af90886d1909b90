"""Reports with everything in them: all verdicts, waivers, what cannot be read, and names that bite."""

import datetime
from dataclasses import replace
from pathlib import Path
from typing import Tuple

from pykd_dumpfilt.checking import CheckResult, Report, Unreadable, WaiverUse, check
from pykd_dumpfilt.recording import LoadedModule, Pdb, Scrubbed
from pykd_dumpfilt.rules import Finding, Level, Outcome, RuleResult, Verdict, Waiver

from ..rules.examples import Script
from .examples import failing, passing, write

WAIVER = Waiver(
    rule="DF-TRIP-001",
    filter="myfilt",
    reason="the last sector is padding",
    owner="qa@example.com",
    expires=datetime.date(2030, 1, 31),
    line=3,
)
# A terminal sequence, NUL, table and code marks, HTML, a link, emphasis, line ends, a direction mark, half of
# a surrogate pair, an entity, a placeholder, and what is no character.
EVIL = "\x1b[2J\x00|`<script>alert(1)</script>[x](javascript:1)*b*_i_\r\n\u202e\ud800&amp;{0}\uffff# \\|"
# A path comes from the system, which gives what is no UTF-8 in this way only.
EVIL_PATH = EVIL.replace("\ud800", "\udcff")


def judged(tmp_path: Path, name: str, script: Script, seal: bool = False) -> CheckResult:
    """A recording made and judged; its path is its name."""
    return replace(check(write(tmp_path / name, script), seal=seal), path=f"{name}.dumpfilt")


def warned(checked: CheckResult) -> CheckResult:
    """The same with a finding that only warns."""
    finding = Finding(
        "DF-WRITE-006", Level.WARNING, 0, "Dump_Write", "Dump_Write changed *DiskByteOffset", {"before": 16}
    )
    return _with(checked, "DF-WRITE-006", (finding,), Outcome.FAIL)


def waived(checked: CheckResult, waiver: Waiver = WAIVER) -> CheckResult:
    """The same with every finding of the waiver's rule accepted, and with nothing else against a pass."""
    findings = tuple(
        replace(finding, waiver=waiver) for finding in checked.result.findings if finding.rule == waiver.rule
    )
    changed = _with(checked, waiver.rule, findings, Outcome.WAIVED)
    return replace(changed, result=replace(changed.result, verdict=Verdict.PASS, reasons=()))


def undecided(checked: CheckResult) -> CheckResult:
    """The same where one rule could not look at everything."""
    rules = tuple(
        replace(rule, outcome=Outcome.INCOMPLETE, reasons=("call 1 (Dump_Read): page 3 is damaged",))
        if rule.rule == "DF-READ-003"
        else rule
        for rule in checked.result.rules
    )
    why = ("DF-READ-003 could not look at everything: call 1 (Dump_Read): page 3 is damaged",)
    return replace(
        checked, result=replace(checked.result, rules=rules, verdict=Verdict.INCOMPLETE, reasons=why)
    )


def hostile(checked: CheckResult) -> CheckResult:
    """The same where every text that a recording holds is :data:`EVIL`."""
    finding = Finding(
        "DF-TRIP-001", Level.ERROR, 1, EVIL, EVIL, {EVIL: EVIL, "list": [EVIL]}, replace(WAIVER, reason=EVIL)
    )
    changed = _with(checked, "DF-TRIP-001", (finding, replace(finding, waiver=None)), Outcome.FAIL)
    rules = tuple(replace(rule, reasons=(EVIL,), notes=(EVIL,)) for rule in changed.result.rules)
    result = replace(changed.result, rules=rules, reasons=(EVIL,), hits={EVIL: 2})
    header = replace(
        checked.header,
        filter=EVIL,
        machine=EVIL,
        created=EVIL,
        tool=EVIL,
        debugger={"engine": EVIL, "version": EVIL, "target": EVIL},
        scrubbed=Scrubbed(EVIL, EVIL),
        options={EVIL: EVIL},
    )
    module = LoadedModule(0, EVIL, 0, 0, 0, 0xFFFFFFFF, 0, Pdb(EVIL, EVIL, 1))
    return replace(
        changed,
        path=f"{EVIL_PATH}/{EVIL_PATH}.dumpfilt",
        header=header,
        result=result,
        damage=(EVIL,),
        modules=(module,),
    )


def whole_report(tmp_path: Path) -> Report:
    """One of each."""
    bad = judged(tmp_path, "bad", failing())
    return Report(
        results=(
            judged(tmp_path, "good", passing(), seal=True),
            bad,
            warned(judged(tmp_path, "warned", passing())),
            waived(bad),
            undecided(judged(tmp_path, "unsure", passing())),
            judged(tmp_path, "none", Script()),
            hostile(bad),
        ),
        waivers=(
            WaiverUse(WAIVER, "used", 1),
            WaiverUse(replace(WAIVER, rule="DF-WRITE-001", platform="x64", callback=EVIL), "unused"),
            WaiverUse(replace(WAIVER, expires=datetime.date(2020, 1, 1), reason=EVIL), "expired", 2),
        ),
        unreadable=(
            Unreadable("gone.dumpfilt", "gone.dumpfilt is not a recording"),
            Unreadable(EVIL_PATH, EVIL),
        ),
    )


def rule(checked: CheckResult, name: str) -> RuleResult:
    """One rule's part."""
    return next(one for one in checked.result.rules if one.rule == name)


def _with(checked: CheckResult, name: str, findings: Tuple[Finding, ...], outcome: Outcome) -> CheckResult:
    accepted = sum(finding.waiver is not None for finding in findings)
    rules = tuple(
        replace(one, outcome=outcome, findings=findings, found=len(findings), waived=accepted)
        if one.rule == name
        else one
        for one in checked.result.rules
    )
    others = tuple(finding for finding in checked.result.findings if finding.rule != name)
    return replace(checked, result=replace(checked.result, rules=rules, findings=(*others, *findings)))
