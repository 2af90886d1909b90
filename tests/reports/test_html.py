"""The page: what is on it, and that whatever a recording holds stays text."""

import base64
import datetime
import hashlib
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import List

import pytest

from pykd_dumpfilt.checking import CheckResult, Report, Unreadable, WaiverUse, check, use_of_waivers
from pykd_dumpfilt.recording import LoadedModule, Pdb
from pykd_dumpfilt.reports.html_report import render_html
from pykd_dumpfilt.rules import Waiver

from ..rules.examples import HIBER, Script, pattern
from .examples import HEADER, TODAY, failing, passing, waiver, write
from .faulty import faulty
from .html_pages import Element, parse

HOSTILE = [
    "<script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "' autofocus onfocus='alert(1)",
    "]]><svg onload=alert(1)>",
    "</style></title><img src=x onerror=alert(1)>",
    "{{7*7}}{% raw %}",
    "$x^2$ \\frac{1}{2}",
    "\u202egpj.exe\u2066",
    "a\r\nb\x1b[2J\x00",
    "javascript:alert(1)",
]

TAGS = (
    "html head meta title style body a header h1 nav p main section h2 h3 h4 div table thead tbody tr th td "
    "strong bdi small span b br ul li dl dt dd article details summary code mark footer "
    "svg defs g path rect use text clippath"
)


def page_of(*results: CheckResult) -> Element:
    return parse(render_html(Report(results)))


@pytest.fixture(scope="module")
def faulty_page(tmp_path_factory: pytest.TempPathFactory) -> Element:
    path = write(tmp_path_factory.mktemp("faulty") / "bad", faulty())
    return page_of(replace(check(path), path=str(path)))


def cells(table: Element) -> List[List[str]]:
    return [[cell.text for cell in row.children] for row in table.one("tbody").all("tr")]


def test_the_verdict_comes_first_in_words(tmp_path: Path) -> None:
    page = page_of(check(write(tmp_path / "bad", failing())))
    assert page.one("title").text == "FAIL: myfilt, hibernate"
    banner = page.one("div", class_="verdict")
    assert banner.one("h2").text == "FAIL myfilt"
    assert banner.one("li").text == "DF-TRIP-001: 1 finding"
    assert banner.one("a").attributes["href"] == "#r1-DF-TRIP-001"
    good = page_of(check(write(tmp_path / "good", passing())))
    assert good.one("div", class_="verdict").one("h2").text == "PASS myfilt"


def test_calls_are_counted_by_callback(tmp_path: Path) -> None:
    page = page_of(check(write(tmp_path / "bad", failing())))
    counts = page.one("dl", class_="counts")
    assert [one.text for one in counts.children] == [
        "Scenario hibernate",
        "Calls 2",
        "Dump_Write 1",
        "Dump_Read 1",
    ]


def test_every_rule_is_a_row(faulty_page: Element) -> None:
    rows = cells(faulty_page.one("table", class_="rules"))
    found = {row[0]: row[1:4] for row in rows}
    assert found["DF-TRIP-001"] == ["fail", "3", "1"]
    assert found["DF-SEQ-001"] == ["warning", "10", "1"]
    assert found["DF-REG-001"] == ["not exercised", "0", ""]


def test_sources_are_links_to_microsoft_only(tmp_path: Path) -> None:
    checked = check(write(tmp_path / "good", passing()))
    sources = [
        "https://learn.microsoft.com/windows-hardware/drivers/",
        "http://learn.microsoft.com/",
        "javascript:alert(1)",
        "https://learn.microsoft.com@example.com/",
        "https://[",
    ]
    rules = tuple(replace(rule, source=source) for rule, source in zip(checked.result.rules, sources))
    page = page_of(replace(checked, result=replace(checked.result, rules=rules)))
    links = [one.attributes for one in page.all("a") if not one.attributes["href"].startswith("#")]
    assert [(link["href"], link["rel"]) for link in links] == [(sources[0], "noreferrer noopener")]


def hexdump(page: Element, rule: str) -> List[List[str]]:
    """Rows of the rule's only hexdump; what is marked stands behind in <>."""
    table = page.one("details", id=f"r1-{rule}-1").one("table", class_="hex")
    return [[marked(cell) for cell in row.children] for row in table.one("tbody").all("tr")]


def marked(cell: Element) -> str:
    return cell.text + "".join(f" <{mark.text}>" for mark in cell.all("mark"))


def test_what_was_written_beside_what_was_read(faulty_page: Element) -> None:
    rows = hexdump(faulty_page, "DF-TRIP-001")
    assert rows[2][0] == "00002230"
    assert rows[2][1].endswith("30 12 00 00 01 00 00 00 38 12 00 00 ....0.......8... <30> <0>")
    assert rows[2][2].endswith("20 12 00 00 01 00 00 00 38 12 00 00 .... .......8... <20> <>")
    assert [row[0] for row in rows] == [
        "00002210",
        "00002220",
        "00002230",
        "00002240",
        "00002250",
    ]
    finding = faulty_page.one("details", id="r1-DF-TRIP-001-1")
    assert [one.text for one in finding.one("table", class_="hex").one("thead").all("th")] == [
        "offset",
        "Given to Dump_Write, call 0",
        "Given back by Dump_Read, call 1",
    ]
    assert finding.one("p", class_="caption").text == "Disk offsets 0x2210 to 0x225f; 1 of 80 bytes differ"


def test_a_folded_finding_tells_how_much_differs(faulty_page: Element) -> None:
    finding = faulty_page.one("details", id="r1-DF-TRIP-001-1")
    assert finding.children[0].text == "Call 1 Dump_Read 1 of 80 bytes differ"


def test_two_answers_to_one_question(faulty_page: Element) -> None:
    rows = hexdump(faulty_page, "DF-READ-004")
    assert rows[0][0] == "40000000"
    assert "<07>" in rows[0][1]
    assert "<08>" in rows[0][2]


def test_bytes_outside_the_buffer(faulty_page: Element) -> None:
    """The buffer's own bytes changed as well, which they may."""
    rows = [row for row in hexdump(faulty_page, "DF-READ-003") if any("<" in cell for cell in row[1:])]
    assert [row[0] for row in rows] == ["000001f0"]
    assert rows[0][1].endswith("<aa> <.>")
    assert rows[0][2].endswith("<77> <w>")


def test_a_structure_has_its_members_named(faulty_page: Element) -> None:
    row = hexdump(faulty_page, "DF-CALL-002")[-1]
    assert row == [
        "00000050",
        "58 00 00 00 00 00 00 00 <58>",
        "60 00 00 00 00 00 00 00 <60>",
        "Size, Flags <Size>",
    ]
    assert hexdump(faulty_page, "DF-READ-002")[2][3] == "StartVa, ByteCount, ByteOffset <StartVa>"


def test_the_offset_is_eight_bytes(faulty_page: Element) -> None:
    (row,) = hexdump(faulty_page, "DF-READ-001")
    assert row[1].startswith("00 10 00 00 00 00 00 00")
    assert row[2].startswith("00 20 00 00 00 00 00 00")


def test_long_differences_are_cut_and_said_to_be(faulty_page: Element) -> None:
    rows = hexdump(faulty_page, "DF-WRITE-001")
    assert len(rows) == 17
    assert rows[10] == ["240 rows not shown, 240 with differences that count"]


def test_registers_are_a_table(faulty_page: Element) -> None:
    table = faulty_page.one("details", id="r1-DF-CALL-003-1").one("table")
    assert cells(table) == [["rbx", "0x0", "0xdead"]]


def test_evidence_is_explained_and_the_command_given(tmp_path: Path) -> None:
    checked = replace(check(write(tmp_path / "bad", failing())), path="my run.dumpfilt")
    page = page_of(checked)
    finding = page.one("details", id="r1-DF-TRIP-001-1")
    assert "differing_bytes 512" in [one.text for one in finding.one("dl").children][8]
    assert finding.one("p", class_="command").text == "dumpfilt show 'my run.dumpfilt' --call 1"


def test_pictures_have_words_and_numbers(faulty_page: Element) -> None:
    pictures = faulty_page.all("div", role="img")
    assert [one.attributes["aria-label"].partition(".")[0] for one in pictures] == [
        "Disk",
        "Calls",
        "Entropy",
    ]
    assert (
        "512 bytes, in whole blocks, were read and no Dump_Write here wrote them."
        in (pictures[0].attributes["aria-label"])
    )
    assert all(len(one.all("svg")) == 2 for one in pictures)
    disk, calls, entropy = faulty_page.all("table", class_="numbers")
    assert cells(disk)[2] == ["0x40000000", "0x400001ff", "0 bytes", "1 KiB", "512 bytes", "0 bytes", "1"]
    assert cells(calls)[2] == ["Dump_Read", "6", "1", "0", "6"]
    assert cells(entropy)[0] == ["Dump_Write", "3", "before", "2.53", "2.53", "2.62"]


def test_errors_come_first_and_waived_findings_say_so(tmp_path: Path) -> None:
    accepted = replace(waiver(), reason="<b>known</b>", owner='A "Q" Engineer')
    stale = replace(waiver(), rule="DF-REG-001")
    path = write(tmp_path / "bad", faulty())
    result = check(path, waivers=(accepted, stale), today=TODAY)
    report = Report((result,), use_of_waivers((accepted, stale), [result], TODAY))
    page = parse(render_html(report))
    assert page.one("div", class_="verdict").one("h2").text == "FAIL (1 finding waived) myfilt"
    groups = [one.one("h4").text for one in page.all("section", class_="group")]
    assert groups[-2:] == ["waived DF-TRIP-001 1 finding, 1 waived", "warning DF-SEQ-001 1 finding"]
    finding = page.one("details", id="r1-DF-TRIP-001-1")
    assert finding.one("p", class_="alert").text == (
        'Waived until 2027-01-31 (owner: A "Q" Engineer; reason: <b>known</b>)'
    )
    table = page.one("main").children[-1].one("table")
    assert cells(table) == [
        [
            "DF-TRIP-001 of myfilt, line 1",
            "used",
            "accepts 1 finding until 2027-01-31",
            'A "Q" Engineer',
            "<b>known</b>",
        ],
        [
            "DF-REG-001 of myfilt, line 1",
            "unused",
            "unused; it accepts no finding here: remove it if the filter is mended",
            "Kim Lee",
            "ticket 4711",
        ],
    ]


def test_a_pass_by_waiver_says_what_it_rests_on(tmp_path: Path) -> None:
    page = page_of(check(write(tmp_path / "bad", failing()), waivers=(waiver(),), today=TODAY))
    banner = page.one("div", class_="pass")
    assert banner.one("h2").text == "PASS (1 finding waived) myfilt"
    assert banner.one("a").text == (
        "DF-TRIP-001: 1 finding waived until 2027-01-31 (owner: Kim Lee; reason: ticket 4711)"
    )


def test_an_incomplete_recording_says_what_is_missing(tmp_path: Path) -> None:
    page = page_of(check(write(tmp_path / "torn", passing(), close=False)))
    banner = page.one("div", class_="incomplete")
    assert banner.one("h2").text == "INCOMPLETE myfilt"
    assert banner.one("li").text.startswith("there is no footer")
    assert "Damage" in [one.text for one in page.all("h4")]


def test_calls_that_cannot_be_told_apart_or_did_not_return(tmp_path: Path) -> None:
    script = passing()
    script.plain("Dump_Start", "Dump_Finish", status=0xC0000001)
    script.read(0x1000, b"", exit=None, status=None, unreturned="the target ended")
    page = page_of(check(write(tmp_path / "odd", script)))
    calls = page.all("table", class_="numbers")[1]
    assert cells(calls) == [
        ["Dump_Write", "1", "0", "0", "0"],
        ["Dump_Read", "2", "0", "1", "2"],
        ["one of several", "1", "1", "0", "0"],
    ]
    words = page.all("div", role="img")[1].attributes["aria-label"]
    assert "A cross marks calls that did not return success: 1." in words
    assert "A square marks calls whose return was not seen: 1." in words


def test_a_copy_that_is_loaded_for_the_resume_is_marked(tmp_path: Path) -> None:
    script = passing()
    script.records.insert(2, replace(HIBER, number=1))
    page = page_of(check(write(tmp_path / "resume", script)))
    words = page.all("div", role="img")[1].attributes["aria-label"]
    assert "A dashed line marks where a copy was loaded: before call 1." in words
    assert len(page.all("path", **{"stroke-dasharray": "2.7,1.8"})) == 2


def test_numbers_at_their_limits_are_drawn(tmp_path: Path) -> None:
    script = passing()
    script.write((1 << 63) - 512, pattern(512))
    script.write(-(1 << 63), pattern(512))
    script.number = 2**53 - 1
    script.write(0x1000, pattern(512))
    page = page_of(check(write(tmp_path / "far", script)))
    disk, calls = page.all("table", class_="numbers")[:2]
    assert cells(disk)[0][0] == "-0x8000000000000000"
    assert cells(disk)[-1][1] == "0x7fffffffffffffff"
    assert cells(calls)[0] == ["Dump_Write", "4", "0", "0", "2"]


def test_several_recordings_begin_with_a_table(tmp_path: Path) -> None:
    page = page_of(
        check(write(tmp_path / "good", passing())),
        check(write(tmp_path / "bad", failing())),
        check(write(tmp_path / "none", Script())),
    )
    assert page.one("h2", id="summary").text == "3 recordings: 1 fail, 1 not exercised, 1 pass"
    assert [row[0] for row in cells(page.one("section", **{"aria-labelledby": "summary"}))] == [
        "pass",
        "fail",
        "not exercised",
    ]
    assert len(page.all("article")) == 3


def test_what_could_not_be_read_is_in_the_table(tmp_path: Path) -> None:
    report = Report(
        (check(write(tmp_path / "good", passing())),), unreadable=(Unreadable("<b>gone", "no such folder"),)
    )
    page = parse(render_html(report))
    assert page.one("h2", id="summary").text == "2 recordings: 1 pass, 1 unreadable"
    assert cells(page.one("section", **{"aria-labelledby": "summary"}))[1] == [
        "unreadable",
        "no such folder",
        "<b>gone",
    ]


def test_a_seal_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "good", passing())
    identity = {
        sealed: page_of(check(path, seal=sealed)).one("section", **{"aria-labelledby": "r1-identity"}).text
        for sealed in (False, True)
    }
    assert "SHA-256 of pages.bin, as it was closed" in identity[False]
    digest = hashlib.sha256((path / "pages.bin").read_bytes()).hexdigest()
    assert f"SHA-256 of pages.bin {digest}" in identity[True]


def test_no_recording_at_all() -> None:
    assert page_of().one("h2", id="summary").text == "0 recordings"


def test_a_recording_that_is_gone_is_still_reported(tmp_path: Path) -> None:
    path = write(tmp_path / "bad", faulty())
    checked = check(path)
    shutil.rmtree(str(path))
    page = page_of(checked)
    assert page.one("div", class_="verdict").one("h2").text == "FAIL myfilt"
    assert "is not a recording" in page.one("p", role="note").text
    assert page.all("svg") == []
    # What the findings' evidence holds is left.
    assert hexdump(page, "DF-TRIP-001")[0][1].endswith("<30> <0>")


def test_another_recording_in_its_place_is_noticed(tmp_path: Path) -> None:
    path = write(tmp_path / "bad", failing())
    checked = check(path)
    shutil.rmtree(str(path))
    write(tmp_path / "bad", passing(), replace(HEADER, filter="other"))
    page = page_of(checked)
    assert "there is another recording now" in page.one("p", role="note").text
    shutil.rmtree(str(path))
    longer = failing()
    longer.plain("Dump_Finish")
    write(tmp_path / "bad", longer)
    assert "held 2 calls when it was checked, and holds 3 now" in page_of(checked).one("p", role="note").text


def test_pages_that_are_gone_cost_their_bytes_only(tmp_path: Path) -> None:
    path = write(tmp_path / "bad", failing())
    checked = check(path)
    (path / "pages.bin").write_bytes(b"")
    finding = page_of(checked).one("details", id="r1-DF-TRIP-001-1")
    assert "Bytes cannot be shown" in finding.text


@pytest.mark.parametrize("evil", HOSTILE)
def test_hostile_names_stay_text(tmp_path: Path, evil: str) -> None:
    script = failing()
    pdb = Pdb(evil, "0" * 32, 1)
    script.records[0] = LoadedModule(0, "hiber_" + evil, 0xFFFFF80031000000, 0x7000, pdb=pdb)
    script.read(0x1000, b"", exit=None, status=None, unreturned=evil)
    header = replace(
        HEADER,
        filter=evil,
        tool=evil,
        debugger={"engine": evil, "version": evil, "target": evil},
        options={evil: [evil]},
    )
    path = write(tmp_path / "evil", script, header)
    checked = check(path)
    accepted = Waiver(evil, evil, evil, evil, datetime.date(2030, 1, 2), evil, evil)
    findings = tuple(
        replace(one, message=evil, callback=evil, rule=evil, evidence={evil: evil, "l": [{evil: evil}]})
        for one in checked.result.findings
    )
    rules = tuple(
        replace(one, statement=evil, notes=(evil,), reasons=(evil,), findings=findings if one.found else ())
        for one in checked.result.rules
    )
    result = replace(
        checked.result, rules=rules, findings=findings, reasons=(evil,), scenario=evil, hits={evil: 1}
    )
    report = Report(
        (replace(checked, path=str(path), result=result, damage=(evil,)),), (WaiverUse(accepted, evil),)
    )
    text = render_html(report)
    page = parse(text)
    assert {one.tag for one in page.all()} <= set(TAGS.split())
    for element in page.all():
        assert not [name for name in element.attributes if name.startswith("on") or name == "autofocus"]
        assert not element.attributes.get("href", "#").startswith("javascript")
    assert len(page.all("style")) == 1
    # Characters that turn text around or that do not print are written as escapes.
    assert all(one.isprintable() or one == "\n" for one in text)
    svg = "".join(re.findall(r"<svg.*?</svg>", text, re.DOTALL))
    assert "alert" not in svg
    assert "gpj" not in svg


def test_a_hostile_path_stays_text(tmp_path: Path) -> None:
    checked = replace(check(write(tmp_path / "bad", failing())), path='"><script>alert(1)</script>')
    page = page_of(checked)
    assert page.all("script") == []
    assert page.one("p", class_="source").text == '"><script>alert(1)</script>'


def test_nothing_is_loaded_and_nothing_runs(faulty_page: Element, tmp_path: Path) -> None:
    assert not [
        one.tag
        for one in faulty_page.all()
        if one.tag in ("script", "link", "img", "iframe", "object", "form", "foreignobject", "animate")
    ]
    assert not [
        one for one in faulty_page.all() if set(one.attributes) & {"src", "style", "srcset", "action"}
    ]
    # What is not a place on the page is a source, and a click away.
    references = {one.attributes["href"] for one in faulty_page.all() if "href" in one.attributes}
    assert all(one.startswith(("#", "https://learn.microsoft.com/")) for one in references)
    text = render_html(Report((check(write(tmp_path / "bad", failing())),)))
    style = text[text.index("<style>") + 7 : text.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = parse(text).one("meta", **{"http-equiv": "Content-Security-Policy"}).attributes["content"]
    assert policy == (f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'")


def test_every_reference_has_its_place_and_ids_are_single(faulty_page: Element) -> None:
    ids = [one.attributes["id"] for one in faulty_page.all() if "id" in one.attributes]
    assert len(ids) == len(set(ids))
    for element in faulty_page.all():
        wanted = [element.attributes.get("aria-labelledby", "")]
        wanted.append(element.attributes.get("href", "").partition("#")[2])
        wanted += re.findall(r"url\(#(.*?)\)", element.attributes.get("clip-path", ""))
        assert all(one in ids for one in wanted if one)


def test_boxes_that_scroll_can_be_reached_and_have_names(faulty_page: Element) -> None:
    boxes = faulty_page.all("div", class_="scroll")
    assert len(boxes) > 10
    for box in boxes:
        assert box.attributes["tabindex"] == "0"
        assert box.attributes["role"] == "region"
        assert box.attributes["aria-label"]


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    path = write(tmp_path / "bad", faulty())
    program = (
        "import sys; from pykd_dumpfilt.checking import Report, check;"
        "from pykd_dumpfilt.reports.html_report import render_html;"
        "sys.stdout.buffer.write(render_html(Report((check(sys.argv[1]),))).encode())"
    )
    pages = {
        subprocess.run(
            [sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, check=True, env=environment
        ).stdout
        for environment in ({"PYTHONHASHSEED": "1", "TZ": "UTC"}, {"PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo"})
    }
    assert len(pages) == 1


def test_a_users_plot_settings_change_nothing(tmp_path: Path) -> None:
    import matplotlib

    report = Report((check(write(tmp_path / "bad", failing())),))
    before = render_html(report)
    with matplotlib.rc_context({"font.size": 30, "svg.fonttype": "path", "text.usetex": True}):
        assert render_html(report) == before
        assert matplotlib.rcParams["font.size"] == 30


@pytest.mark.parametrize("missing", ["jinja2", "matplotlib"])
def test_the_message_says_what_to_install(missing: str) -> None:
    program = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from pykd_dumpfilt.checking import Report\n"
        "from pykd_dumpfilt.errors import UsageError\n"
        "from pykd_dumpfilt.reports.html_report import render_html\n"
        "try:\n    render_html(Report(()))\n"
        "except UsageError as error:\n    print(error)\n"
    )
    output = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=True)
    assert b'pip install "pykd-dumpfilt[report]"' in output.stdout


def test_importing_reports_imports_no_extra() -> None:
    program = (
        "import sys, pykd_dumpfilt.cli, pykd_dumpfilt.reports.html_report;"
        "print(sorted({'jinja2', 'markupsafe', 'matplotlib', 'numpy'} & set(sys.modules)))"
    )
    output = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=True)
    assert output.stdout.strip() == b"[]"
