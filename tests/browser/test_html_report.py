"""The HTML report in a real browser."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Dict, List, Tuple

import pytest

from pykd_dumpfilt.checking import Report, check
from pykd_dumpfilt.recording import LoadedModule, Pdb
from pykd_dumpfilt.reports.html_report import render_html

from ..reports.examples import HEADER, failing, passing, write
from ..reports.faulty import faulty
from .contrast import contrast

if TYPE_CHECKING:
    from .page import Browser

pytestmark = pytest.mark.browser

EVIL = (
    "<script>document.title='owned';alert(1)</script><img src=http://127.0.0.1:9/x onerror=alert(1)>"
    "\"onmouseover='alert(1)'</style></title>]]><svg/onload=alert(1)>{{7*7}}$x^2$\u202e"
)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, Path]:
    """Reports on disk, by name."""
    folder = tmp_path_factory.mktemp("reports")
    script = failing()
    pdb = Pdb(EVIL, "0" * 32, 1)
    script.records[0] = LoadedModule(0, "hiber_" + EVIL, 0xFFFFF80031000000, 0x7000, pdb=pdb)
    script.read(0x1000, b"", exit=None, status=None, unreturned=EVIL)
    debugger = {"engine": EVIL, "version": EVIL, "target": EVIL}
    header = replace(HEADER, filter=EVIL, tool=EVIL, debugger=debugger, options={EVIL: EVIL})
    recordings = {
        "failing": write(folder / "failing", faulty()),
        "passing": write(folder / "passing", passing()),
        "hostile": write(folder / "hostile", script, header),
    }
    made = {}
    for name, path in recordings.items():
        made[name] = folder / f"{name}.html"
        made[name].write_text(render_html(Report((check(path),))), encoding="utf-8")
    made["several"] = folder / "several.html"
    results = tuple(check(path) for path in recordings.values())
    made["several"].write_text(render_html(Report(results)), encoding="utf-8")
    return made


@pytest.mark.parametrize("name", ["failing", "passing", "hostile", "several"])
def test_it_opens_from_disk_quietly(browser: "Browser", pages: Dict[str, Path], name: str) -> None:
    browser.open(pages[name])
    assert browser.ask("return document.readyState") == "complete"
    assert browser.ask("return document.compatMode") == "CSS1Compat"
    assert browser.complaints() == []
    assert browser.requests() == [pages[name].as_uri()]


def test_the_style_sheet_is_in_force(browser: "Browser", pages: Dict[str, Path]) -> None:
    """It is let in by its digest."""
    browser.open(pages["failing"])
    verdict = "getComputedStyle(document.querySelector('.verdict strong'))"
    assert browser.ask(f"return {verdict}.fontSize") == "32px"
    assert browser.ask("return getComputedStyle(document.querySelector('.plot svg path')).fill") != ""


def test_the_policy_refuses_what_is_not_ours(browser: "Browser", pages: Dict[str, Path]) -> None:
    browser.open(pages["failing"])
    browser.ask(
        "document.body.insertAdjacentHTML('beforeend',"
        '\'<img src="http://127.0.0.1:9/x"><p id="styled" style="color: red">x</p>\')'
    )
    assert browser.ask("return getComputedStyle(document.getElementById('styled')).color") != "rgb(255, 0, 0)"
    assert len([one for one in browser.complaints() if "Content Security Policy" in one]) == 2


def test_hostile_names_run_nothing(browser: "Browser", pages: Dict[str, Path]) -> None:
    browser.open(pages["hostile"])
    # A dialog would make this an error.
    assert browser.ask("return document.title").startswith("FAIL: <script>document.title='owned'")
    assert (
        browser.ask("return document.querySelectorAll('script, img, iframe, [onload], [onmouseover]').length")
        == 0
    )
    assert browser.ask("return document.querySelectorAll('svg').length") == 6
    assert browser.ask("return document.querySelector('.verdict bdi').textContent").endswith(
        "{{7*7}}$x^2$\\u202e"
    )


def test_the_keyboard_reaches_everything_in_order(browser: "Browser", pages: Dict[str, Path]) -> None:
    browser.open(pages["failing"])
    stops: List[Tuple[str, str]] = []
    for _ in range(22):
        browser.press("TAB")
        stops.append(browser.focused())
    assert stops[0] == ("a", "Skip to the verdict")
    assert [text for _, text in stops[1:8]] == [
        "Verdict",
        "Disk",
        "Calls",
        "Entropy",
        "Findings",
        "Rules",
        "Identity",
    ]
    assert ("a", "DF-TRIP-001: 1 finding") in stops
    assert ("summary", "Disk in numbers") in stops


def test_the_skip_link_shows_and_leads_to_the_verdict(browser: "Browser", pages: Dict[str, Path]) -> None:
    browser.open(pages["failing"])
    box = "return document.querySelector('.skip').getBoundingClientRect().bottom"
    assert browser.ask(box) <= 0
    browser.press("TAB")
    assert browser.ask(box) > 0
    browser.press("ENTER")
    assert browser.focused()[0] == "main"
    browser.press("TAB")
    assert browser.focused() == ("a", "DF-CALL-001: 1 finding")


def test_a_reason_leads_to_its_findings(browser: "Browser", pages: Dict[str, Path]) -> None:
    browser.open(pages["failing"])
    browser.ask("document.querySelector('a[href=\"#r1-DF-TRIP-001\"]').focus()")
    browser.press("ENTER")
    assert browser.ask("return location.hash") == "#r1-DF-TRIP-001"
    assert browser.ask("return document.querySelector(':target').textContent").startswith("error DF-TRIP-001")


def test_enter_opens_and_closes_details(browser: "Browser", pages: Dict[str, Path]) -> None:
    browser.open(pages["failing"])
    browser.ask("document.querySelector('section > details > summary').focus()")
    is_open = "return document.querySelector('section > details').open"
    assert browser.ask(is_open) is False
    browser.press("ENTER")
    assert browser.ask(is_open) is True
    browser.press("TAB")
    assert browser.focused() == ("div", "Disk in numbers")
    browser.ask("document.querySelector('section > details > summary').focus()")
    browser.press("ENTER")
    assert browser.ask(is_open) is False


def test_arrow_keys_scroll_a_hexdump(browser: "Browser", pages: Dict[str, Path]) -> None:
    browser.open(pages["failing"], width=400)
    browser.ask("document.documentElement.style.scrollBehavior = 'auto'")
    box = "document.querySelector('#r1-DF-TRIP-001-1 .scroll')"
    browser.ask(f"{box}.focus()")
    assert browser.focused() == ("div", "Call 1: Disk offsets 0x2210 to 0x225f")
    assert browser.ask(f"return {box}.scrollLeft") == 0
    browser.press(*["ARROW_RIGHT"] * 5)
    moved = (
        f"const box = {box}; return new Promise(done => {{ const from = performance.now();"
        "const look = () => box.scrollLeft > 0 || performance.now() - from > 3000 ?"
        " done(box.scrollLeft) : requestAnimationFrame(look); look(); })"
    )
    assert browser.ask(moved) > 0


def test_what_has_the_focus_can_be_seen(browser: "Browser", pages: Dict[str, Path]) -> None:
    browser.open(pages["failing"])
    for _ in range(12):
        browser.press("TAB")
        style = "getComputedStyle(document.activeElement)"
        assert browser.ask(f"return [{style}.outlineStyle, {style}.outlineWidth]") == ["solid", "3px"]


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("name", ["failing", "passing", "hostile", "several"])
def test_the_page_does_not_scroll_sideways(
    browser: "Browser", pages: Dict[str, Path], name: str, width: int
) -> None:
    browser.open(pages[name], width)
    browser.ask("document.querySelectorAll('details').forEach(one => one.open = true)")
    wide, room = browser.ask(
        "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert wide <= room
    # Nothing sticks out either, but in boxes that scroll by themselves.
    outside = browser.ask(
        "return [...document.querySelectorAll('main *')].filter(e => !e.closest('.scroll, svg, code'))"
        ".filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)"
        ".map(e => e.outerHTML.slice(0, 80))"
    )
    assert outside == []


@pytest.mark.parametrize("width", [1280, 400])
def test_one_form_of_each_picture_shows(browser: "Browser", pages: Dict[str, Path], width: int) -> None:
    browser.open(pages["failing"], width)
    shown = browser.ask(
        "return [...document.querySelectorAll('.plot > div')].filter(e => e.offsetHeight > 0)"
        ".map(e => e.className)"
    )
    assert shown == ["wide" if width == 1280 else "narrow"] * 3
    # Drawn at a size that can be read.
    sizes = browser.ask(
        "return [...document.querySelectorAll('.plot text')].filter(e => e.getClientRects().length)"
        ".map(e => { const m = e.getScreenCTM();"
        " return parseFloat(getComputedStyle(e).fontSize) * Math.hypot(m.a, m.b); })"
    )
    assert min(sizes) > 9


_COLOURS = (
    "return [...document.querySelectorAll(arguments[0])].map(e => {"
    " let box = e; const clear = 'rgba(0, 0, 0, 0)';"
    " while (getComputedStyle(box).backgroundColor === clear) box = box.parentElement;"
    " return [getComputedStyle(e).color, getComputedStyle(box).backgroundColor]; })"
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["failing", "passing", "several"])
def test_text_has_contrast(browser: "Browser", pages: Dict[str, Path], name: str, scheme: str) -> None:
    browser.open(pages[name], scheme=scheme)
    verdict = browser.ask(_COLOURS, ".verdict strong, .verdict a, .word, mark")
    assert verdict
    assert min(contrast(*pair) for pair in verdict) >= 7
    text = browser.ask(_COLOURS, "p, a, dt, dd, th, td, summary, small, h3, h4, .hex span")
    assert min(contrast(*pair) for pair in text) >= 4.5


def test_a_dark_page_is_dark_and_so_are_its_pictures(browser: "Browser", pages: Dict[str, Path]) -> None:
    fill = (
        "return [getComputedStyle(document.body).backgroundColor,"
        "getComputedStyle(document.querySelector('.plot text')).fill]"
    )
    browser.open(pages["failing"], scheme="light")
    light = browser.ask(fill)
    browser.open(pages["failing"], scheme="dark")
    dark = browser.ask(fill)
    assert contrast(light[0], "rgb(255, 255, 255)") < 1.2
    assert contrast(dark[0], "rgb(0, 0, 0)") < 1.3
    assert contrast(*light) > 7
    assert contrast(*dark) > 7


def test_marked_bytes_differ_by_more_than_colour(browser: "Browser", pages: Dict[str, Path]) -> None:
    browser.open(pages["failing"])
    weights = browser.ask(
        "const cell = document.querySelector('.hex td:has(mark)');"
        "return [getComputedStyle(cell).fontWeight, getComputedStyle(cell.querySelector('mark')).fontWeight]"
    )
    assert weights == ["400", "700"]


def test_on_paper_everything_is_unfolded(browser: "Browser", pages: Dict[str, Path]) -> None:
    browser.open(pages["failing"], scheme="dark")
    browser.command("Emulation.setEmulatedMedia", media="print")
    try:
        assert browser.ask("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        height = "return document.querySelector('section > details:not([open]) table').offsetHeight"
        assert browser.ask(height) > 50
    finally:
        browser.command("Emulation.setEmulatedMedia", media="")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_pictures_of_it(
    browser: "Browser", pages: Dict[str, Path], shots: Path, width: int, scheme: str
) -> None:
    """For people to look at; that a picture is not of one colour is all that a test can tell."""
    for name in ("failing", "passing", "several"):
        browser.open(pages[name], width, scheme)
        target = shots / f"{name}-{width}-{scheme}.png"
        browser.screenshot(target)
        assert target.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
        assert target.stat().st_size > 50_000
