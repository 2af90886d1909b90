"""The checklist: what it says, and that nothing of a recording is more than text in it.

What it looks like to a reader is asked of a CommonMark reader with GitHub's tables and links.
"""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Dict, List, Optional, Set, Tuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pykd_dumpfilt import __version__
from pykd_dumpfilt.checking import Report, Seal, Unreadable, WaiverUse, check
from pykd_dumpfilt.recording import LoadedModule, Pdb
from pykd_dumpfilt.reports._markdown import escaped
from pykd_dumpfilt.reports._printable import printable
from pykd_dumpfilt.reports.markdown import render_markdown

from ..rules.examples import Script
from .examples import failing, passing, write
from .report_examples import EVIL, WAIVER, judged, undecided, waived, whole_report

# Without what GitHub does not do: links from bare domains.
GITHUB = MarkdownIt("gfm-like")
assert GITHUB.linkify is not None
GITHUB.linkify.set({"fuzzy_link": False})


class Page(HTMLParser):
    """Tags, link targets, and the text of each list item, cell and heading."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Set[str] = set()
        self.links: List[str] = []
        self.texts: List[str] = []
        self.feed(GITHUB.render(text))
        self.close()
        self.texts = [text.strip("\n") for text in self.texts]

    def handle_starttag(self, tag: str, attributes: List[Tuple[str, Optional[str]]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attributes if name in ("href", "src")]
        if tag in ("li", "td", "th", "h1", "h2", "p"):
            self.texts.append("")

    def handle_data(self, data: str) -> None:
        if self.texts:
            self.texts[-1] += data


def section(text: str, title: str) -> List[str]:
    """The lines of the first section of that title that say anything."""
    lines = text.splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith("#") and line.endswith(title))
    end = next((at for at in range(start + 1, len(lines)) if lines[at].startswith("#")), len(lines))
    return [line for line in lines[start + 1 : end] if line]


def rows(lines: List[str]) -> Dict[str, str]:
    """A table of two columns."""
    cells = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
    return {cell[0]: cell[1] for cell in cells}


def test_it_begins_with_the_verdicts(tmp_path: Path) -> None:
    report = Report((judged(tmp_path, "bad", failing()), judged(tmp_path, "good", passing())))
    assert render_markdown(report).startswith(
        "# Crash dump filter checklist: myfilt\n"
        "\n"
        "| Chapter | Recording | Filter | Scenario | Verdict |\n"
        "| ------- | ------------- | ------ | --------- | -------- |\n"
        "| 1 | bad.dumpfilt | myfilt | hibernate | **FAIL** |\n"
        "| 2 | good.dumpfilt | myfilt | hibernate | **PASS** |\n"
        "\n"
        "## 1. myfilt, hibernate: FAIL\n"
        "\n"
        "**FAIL**: a rule at level error was broken.\n"
        "\n"
        "- DF-TRIP-001: 1 finding\n"
        "\n"
        "### Environment\n"
    )


def test_the_environment_and_the_hashes(tmp_path: Path) -> None:
    path = write(tmp_path / "good", passing())
    text = render_markdown(Report((replace(check(path, seal=True), path="good.dumpfilt"),)))
    found = rows(section(text, "### Environment"))
    hashes = [found.pop(f"SHA-256 of {name}") for name in ("calls.jsonl", "pages.bin")]
    assert all(re.fullmatch("`[0-9a-f]{64}`", one) for one in hashes)
    assert hashes[0] != hashes[1]
    del found["----------------------"]
    assert found == {
        "Item": "Value",
        "Recording": "good.dumpfilt",
        "Recorded": "2024-05-01T12:00:00Z",
        "Recorded with": "pykd-dumpfilt 0.1.0",
        "Judged with": f"pykd-dumpfilt {__version__}",
        "Debugger engine": "emulator 2.1.1",
        "Target": "x64 kernel",
        "Machine": "x64",
        "Trace options": "&#123;&#125;",
        "Left out on purpose": "nothing",
        "Contents": "as they were read",
        "Integrity": "verifies: both files are as they were when the recording was closed",
    }


@pytest.mark.parametrize(
    ("seal", "told"),
    [
        (None, "not looked at"),
        (
            Seal({"calls.jsonl": "00"}, ("pages.bin is not as it was",)),
            "**does not verify**: pages.bin is not as it was",
        ),
    ],
)
def test_what_does_not_verify_is_told(seal: Optional[Seal], told: str, tmp_path: Path) -> None:
    text = render_markdown(Report((replace(judged(tmp_path, "good", passing()), seal=seal),)))
    found = rows(section(text, "### Environment"))
    assert found["Integrity"] == told
    if seal is not None:
        assert found["SHA-256 of pages.bin"] == "**the file cannot be read**"


def test_the_filter_is_identified(tmp_path: Path) -> None:
    modules = (
        LoadedModule(
            0,
            "dump_myfilt",
            0xFFFFF80032000000,
            0x7000,
            timestamp=0x60000000,
            checksum=0x114B1,
            pdb=Pdb("myfilt.pdb", "00112233445566778899aabbccddeeff", 3),
        ),
        LoadedModule(1, "hiber_myfilt", 0xFFFFF80031000000, 0x7000),
    )
    text = render_markdown(Report((replace(judged(tmp_path, "good", passing()), modules=modules),)))
    lines = section(text, "### Filter")
    assert lines[0] == "Driver myfilt. Copies that were loaded: 2."
    assert lines[3:5] == [
        "| dump_myfilt | 0xfffff80032000000 | 0x7000 | 0x60000000 (2021-01-14 08:25:36 UTC) | 0x114b1 | "
        "myfilt.pdb, GUID 00112233445566778899aabbccddeeff, age 3 |",
        "| hiber_myfilt | 0xfffff80031000000 | 0x7000 | unknown | unknown | none |",
    ]


def test_many_copies_are_cut(tmp_path: Path) -> None:
    modules = tuple(LoadedModule(number, "hiber_myfilt", 0, 0) for number in range(9000))
    text = render_markdown(Report((replace(judged(tmp_path, "good", passing()), modules=modules),)))
    assert "and 8950 more." in section(text, "### Filter")
    assert len(text) < 40_000


def test_the_steps_that_were_done(tmp_path: Path) -> None:
    script = passing()
    script.plain("Dump_Finish", "Dump_Unload")
    text = render_markdown(Report((judged(tmp_path, "good", script),)))
    assert section(text, "### Steps done") == [
        "- [ ] Crash dump stack: the `dump_` copy was at work",
        "- [x] Hibernation stack: the `hiber_` copy was at work",
        "- [ ] DriverEntry: no call",
        "- [ ] Dump_Start: no call",
        "- [x] Dump_Write: 1 call",
        "- [x] Dump_Read: 1 call",
        "- [ ] Dump_Finish: no call",
        "- [ ] Dump_Unload: no call",
        "- [x] Dump_Finish&#124;Dump_Unload (one address for several callbacks): 1 call",
    ]


def test_every_rule_has_its_outcome(tmp_path: Path) -> None:
    text = render_markdown(Report((undecided(judged(tmp_path, "bad", failing())),)))
    lines = section(text, "### Rules")
    write_docs = "https://learn.microsoft.com/windows-hardware/drivers/ddi/ntdddump/nc-ntdddump-dump_write"
    read_docs = "https://learn.microsoft.com/windows-hardware/drivers/ddi/ntdddump/nc-ntdddump-dump_read"
    assert (
        f"| [DF-WRITE-006]({write_docs}) | pass | 1 | 0 | Dump_Write should not change \\*DiskByteOffset. |"
        in lines
    )
    assert (
        f"| [DF-TRIP-001]({read_docs}) | **FAIL** | 1 | 1 | Dump_Read gives back, for each disk offset, the "
        "bytes that Dump_Write was given for it. |" in lines
    )
    assert any(line.startswith(f"| [DF-READ-003]({read_docs}) | **incomplete** | 1 | 0 |") for line in lines)
    assert section(text, "### Not judged") == ["- DF-READ-003: call 1 (Dump_Read): page 3 is damaged"]


def test_findings_have_their_evidence(tmp_path: Path) -> None:
    lines = section(render_markdown(Report((judged(tmp_path, "bad", failing()),))), "### Findings")
    assert lines[0] == "**DF-TRIP-001** (error), 1 finding:"
    assert lines[1].startswith("- Call 1, Dump_Read: Dump_Read gave back other bytes than")
    assert lines[2].startswith("    - Evidence: disk_offset: 8192 (0x2000); last_disk_offset: 8703 (0x21ff)")
    assert len(lines) == 3


def test_many_findings_are_cut(tmp_path: Path) -> None:
    script = failing()
    for _ in range(200):
        script.read(0x1000, b"\xcc" * 512)
    lines = section(render_markdown(Report((judged(tmp_path, "long", script),))), "### Findings")
    assert lines[-1] == "- and 196 more; the first 20 are in the JSON report"
    assert sum(line.startswith("- Call") for line in lines) == 5


def test_waivers_and_what_they_accepted(tmp_path: Path) -> None:
    uses = (WaiverUse(WAIVER, "used", 1), WaiverUse(replace(WAIVER, callback="Dump_Read"), "unused"))
    text = render_markdown(Report((waived(judged(tmp_path, "bad", failing())),), uses))
    assert (
        "\n**PASS**: every rule held, and Dump_Read was exercised, but for 1 finding that waivers accept.\n"
        in text
    )
    assert section(text, "### Findings")[-1] == (
        "    - Waived until 2030-01-31 (owner: qa&#64;example.com; reason: the last sector is padding)"
    )
    assert section(text, "## Waivers")[2:] == [
        "| DF-TRIP-001 | myfilt | all | used | accepts 1 finding until 2030-01-31 | until 2030-01-31 (owner: "
        "qa&#64;example.com; reason: the last sector is padding) |",
        "| DF-TRIP-001 | myfilt | Dump_Read | **unused** | unused; no recording of this filter and platform "
        "was checked | until 2030-01-31 (owner: qa&#64;example.com; reason: the last sector is padding) |",
    ]
    assert "- [ ] Accepted with the waivers above" in section(text, "## Result")


def test_what_was_not_exercised_and_how_to(tmp_path: Path) -> None:
    lines = section(render_markdown(Report((judged(tmp_path, "none", Script()),))), "### Not exercised")
    assert (
        "- [ ] DF-READ-001: Dump_Read must not change \\*DiskByteOffset. How: hibernate and resume; a crash "
        "dump is never read back." in lines
    )
    assert (
        "- [ ] DF-REG-004: DriverEntry must not change MaxPagesPerWrite, which the system sets. How: start "
        "the trace before a copy is loaded: before the machine hibernates (which loads hiber_), or before it "
        "boots or sets up crash dumps anew (which loads dump_)." in lines
    )


def test_notes_are_told(tmp_path: Path) -> None:
    script = passing()
    script.plain("Dump_Start", status=0xC0210001)
    lines = section(render_markdown(Report((judged(tmp_path, "note", script),))), "### Notes and census")
    assert lines[0].startswith("- DF-CALL-001: Dump_Start returned STATUS_FVE_NOT_ENCRYPTED")
    assert [line for line in lines if "DF-ARGS-006" in line][:3] == [
        "- DF-ARGS-006: Dump_Write: 1 transfer of 4608 bytes; ByteOffset is not 0 in 1",
        "- DF-ARGS-006: Dump_Write: StartVa is the page of MappedSystemVa in 1",
        "- DF-ARGS-006: Dump_Write: MdlFlags are 0x0001 (MDL_MAPPED_TO_SYSTEM_VA) in 1",
    ]


def test_the_steps_beside_it_name_the_driver(tmp_path: Path) -> None:
    text = render_markdown(Report((judged(tmp_path, "good", passing()),)))
    (verifier,) = section(text, "### Driver Verifier")
    assert verifier.startswith("- [ ] `verifier /standard /driver myfilt.sys`, restart")
    assert "`pwrtest /sleep /c:5 /s:4`" in section(text, "### Hibernation")[0]
    assert "MultiPhaseResume" in section(text, "### Windows Hardware Lab Kit")[0]
    assert section(text, "### Setup")[0] == (
        "- [ ] `myfilt.sys` is in the value DumpFilters (REG_MULTI_SZ): `reg query "
        "HKLM\\SYSTEM\\CurrentControlSet\\Control\\CrashControl /v DumpFilters`"
    )
    assert section(text, "### Crash dump")[1].startswith("- [ ] From the kernel debugger, `.crash`, then `g`")


def test_a_name_that_is_none_is_not_put_into_a_command(tmp_path: Path) -> None:
    good = judged(tmp_path, "good", passing())
    evil = replace(good, header=replace(good.header, filter="a`; del *"))
    text = render_markdown(Report((good, evil)))
    assert section(text, "### Driver Verifier")[0].startswith("- [ ] `verifier /standard /driver FILTER.sys`")


def test_there_is_room_to_sign(tmp_path: Path) -> None:
    page = Page(render_markdown(Report((judged(tmp_path, "good", passing()),))))
    at = page.texts.index("Tester")
    assert page.texts[at - 4 : at] == ["Role", "Name", "Date", "Signature"]
    assert [len(text) for text in page.texts[at + 1 : at + 4]] == [24, 12, 24]


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    text = render_markdown(Report((), unreadable=(Unreadable("gone.dumpfilt", "it is <gone>"),)))
    assert "| none | gone.dumpfilt | unknown | unknown | **UNREADABLE** |\n" in text
    assert "\n- Not judged: it is &lt;gone&gt;\n" in text
    assert text.startswith("# Crash dump filter checklist\n")


def test_names_that_bite_are_plain_text(tmp_path: Path) -> None:
    text = render_markdown(whole_report(tmp_path))
    assert all(line.isprintable() for line in text.split("\n"))
    page = Page(text)
    assert page.tags <= {
        *("h1", "h2", "h3", "p", "ul", "li", "code", "strong", "a"),
        *("table", "thead", "tbody", "tr", "th", "td"),
    }
    assert {"/".join(link.split("/")[:3]) for link in page.links} == {"https://learn.microsoft.com"}
    assert printable(EVIL) in page.texts
    assert f"DF-REG-001: {printable(EVIL)}" in page.texts


@given(
    st.text(alphabet=st.one_of(st.sampled_from("\\`*_{}[]()<>#+-.!|~^$&:/;=\"'@1aw \n\t"), st.characters()))
)
@example("[x](http://a.b)")
@example("![x](http://a.b)")
@example("https://a.example/b")
@example("WWW.example.com")
@example("ftp://a")
@example("a@example.com")
@example("mailto:a.b+c@example.com")
@example("1. one")
@example("99) one")
@example("123456789. one")
@example("- [ ] one")
@example("---")
@example("====")
@example("# one")
@example("&lt;b&gt;")
@example("\\")
@example("\\|")
@example("| --- |")
@example("__one__ _two_ a_b_c")
@example("~~gone~~ H~2~O")
@example("<!-- x -->")
@example("[^1]: note")
def test_escaped_text_is_what_a_reader_sees(text: str) -> None:
    for document, seen in (
        (f"- {escaped(text)}\n", "{}"),
        (f"# {escaped(text)}\n", "{}"),
        (f"- Call 1, x: {escaped(text)}\n", "Call 1, x: {}"),
        (f"| a | b |\n| --- | --- |\n| {escaped(text)} | end |\n", "ab{}end"),
    ):
        page = Page(document)
        assert page.tags <= {"ul", "li", "h1", "table", "thead", "tbody", "tr", "th", "td"}
        # HTML takes all white space for one.
        assert "".join("".join(page.texts).split()) == "".join(seen.replace("{}", printable(text)).split())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dump_Read of hiber_myfilt", "Dump_Read of hiber_myfilt"),
        ("C:\\runs\\_a", "C:\\\\runs\\\\\\_a"),
        ("MDL.PFN[3] *x", "MDL.PFN\\[3\\] \\*x"),
        ("a|b`c", "a&#124;b&#96;c"),
        ("www.example.com http://a", "www&#46;example.com http:&#47;/a"),
        ("qa@example.com @me a @ b", "qa&#64;example.com @me a @ b"),
        ("<b>&", "&lt;b&gt;&amp;"),
        ("1. one", "1&#46; one"),
        ("0.3.4.15", "0.3.4.15"),
        ("- one", "&#45; one"),
        ("a\nb", "a\\\\nb"),
        ("  ", "&nbsp;"),
    ],
)
def test_the_source_stays_readable(text: str, expected: str) -> None:
    assert escaped(text) == expected
