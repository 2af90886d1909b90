"""The report as the checklist that a QA engineer signs, in Markdown.

All that comes from a recording is plain text in it: no markup, no HTML, no link.
"""

import re
from typing import Iterator, List

from ..checking import Report
from ._markdown import escaped, table
from ._markdown_recording import recording_section
from ._waivers import describe_use, waived_by

__all__ = ["render_markdown"]

_DOCS = "https://learn.microsoft.com/windows-hardware"
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
# Wide enough to write in, on screen and on paper.
_ROOM = "&nbsp;" * 24


def render_markdown(report: Report) -> str:
    """The checklist. The recordings should have been sealed: an unsealed one says that nobody looked."""
    return "\n".join(_document(report)).rstrip("\n")


def _document(report: Report) -> Iterator[str]:
    filters = sorted({result.filter for result in report.results})
    title = ", ".join(escaped(name) for name in filters)
    yield f"# Crash dump filter checklist{': ' if title else ''}{title}"
    yield ""
    yield from _summary(report)
    for number, result in enumerate(report.results, 1):
        yield from recording_section(result, number)
    yield from _waivers(report)
    yield from _beside(filters)
    yield from _signature(bool(report.waivers))


def _summary(report: Report) -> Iterator[str]:
    rows = [
        (
            str(number),
            escaped(result.path),
            escaped(result.filter),
            result.scenario,
            f"**{result.verdict.value.upper()}**",
        )
        for number, result in enumerate(report.results, 1)
    ]
    rows += [("none", escaped(one.path), "unknown", "unknown", "**UNREADABLE**") for one in report.unreadable]
    yield from table(("Chapter", "Recording", "Filter", "Scenario", "Verdict"), rows)
    for one in report.unreadable:
        yield f"- Not judged: {escaped(one.reason)}"
    if report.unreadable:
        yield ""


def _waivers(report: Report) -> Iterator[str]:
    if not report.waivers:
        return
    yield "## Waivers"
    yield ""
    rows = []
    for use in report.waivers:
        waiver = use.waiver
        only = [one for one in (waiver.platform, waiver.callback) if one is not None]
        state = use.state if use.state == "used" else f"**{use.state}**"
        rows.append(
            [
                escaped(waiver.rule),
                escaped(waiver.filter),
                escaped(", ".join(only)) if only else "all",
                state,
                escaped(describe_use(use)),
                escaped(waived_by(waiver)),
            ]
        )
    yield from table(("Rule", "Filter", "Only for", "State", "What became of it", "Waived"), rows)


def _beside(filters: List[str]) -> Iterator[str]:
    # A name goes into a command only where it cannot be anything but a name.
    names = [f"{name}.sys" for name in filters if _PLAIN_NAME.fullmatch(name)]
    drivers = " ".join(names) if len(names) == len(filters) and names else "FILTER.sys"
    key = "HKLM\\SYSTEM\\CurrentControlSet\\Control\\CrashControl"
    yield "## Beside the recordings"
    yield ""
    yield "What a recording cannot show. Tick what was done on the machine under test."
    yield ""
    yield "### Setup"
    yield ""
    yield f"- [ ] `{drivers}` is in the value DumpFilters (REG_MULTI_SZ): `reg query {key} /v DumpFilters`"
    yield (
        "- [ ] The copies above are the build that ships: time stamp, checksum and PDB are those of the "
        "released file"
    )
    yield "- [ ] Windows edition and build, storage controller and its driver:"
    yield ""
    yield "### Crash dump"
    yield ""
    yield (
        f"- [ ] `reg query {key} /v CrashDumpEnabled` tells the kind of dump (1 complete, 2 kernel, 3 small, "
        f"7 automatic); kinds tried:"
    )
    yield (
        "- [ ] From the kernel debugger, `.crash`, then `g`: the dump is written to its end, the machine "
        "restarts"
    )
    yield (
        "- [ ] The dump opens in WinDbg: `windbg -z MEMORY.DMP`; `!analyze -v` names the bug check that was "
        "raised, `lm` and `!process 0 0` list what ran"
    )
    yield ""
    yield "### Hibernation"
    yield ""
    yield (
        f"- [ ] `powercfg /hibernate on`, then `pwrtest /sleep /c:5 /s:4` ([PwrTest]({_DOCS}/drivers/devtest/"
        "pwrtest-sleep-scenario), of the WDK): each cycle resumes"
    )
    yield (
        "- [ ] Each was a resume and no restart: programs and files that were open before still are, and the "
        "System log has no Kernel-Power event 41"
    )
    yield "- [ ] The same without a debugger attached: it changes timing"
    yield ""
    yield "### Driver Verifier"
    yield ""
    yield (
        f"- [ ] `verifier /standard /driver {drivers}`, restart, `verifier /querysettings` "
        f"([Driver Verifier]({_DOCS}/drivers/devtest/verifier-command-line)); then crash dump and "
        "hibernation once more; then `verifier /reset`"
    )
    yield ""
    yield "### Windows Hardware Lab Kit"
    yield ""
    yield (
        f"- [ ] [MultiPhaseResume]({_DOCS}/test/hlk/testref/d581991b-3829-4c8b-91dd-c88d069152f6) "
        "(System.Fundamentals.PowerManagement.MultiPhaseResume) passes: the HLK test that asks crash dump "
        "filters for read support"
    )
    yield ""


def _signature(waivers: bool) -> Iterator[str]:
    yield "## Result"
    yield ""
    yield "- [ ] Accepted"
    if waivers:
        yield "- [ ] Accepted with the waivers above"
    yield "- [ ] Rejected"
    yield ""
    yield "Remarks:"
    yield ""
    rows = [(role, _ROOM, "&nbsp;" * 12, _ROOM) for role in ("Tester", "Reviewer")]
    yield from table(("Role", "Name", "Date", "Signature"), rows)
