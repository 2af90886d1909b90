"""Hostile names in a real browser: nothing runs, nothing is asked for, and what is read is what was given."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List

import pytest

from pykd_dumpfilt.reports._printable import printable
from pykd_dumpfilt.reports.html_report import render_html

from ..reports.attacks import HARMLESS, WHOLE, attacked, recorded

if TYPE_CHECKING:
    from .page import Browser

pytestmark = pytest.mark.browser

# What a page consists of, but for its text: elements, the names of their attributes, where they lead.
_TREE = (
    "return [...document.querySelectorAll('*')].map(e => [e.tagName, e.children.length,"
    " ...[...e.attributes].map(a => /^(href|id|content)$/.test(a.name) ? a.name + '=' + a.value : a.name)"
    ".filter(a => !a.startsWith('class')).sort()])"
)
_ACTIVE = (
    "return [...document.querySelectorAll('*')].filter(e => e.matches("
    "'script, img, iframe, object, embed, form, input, button, link, base, template, foreignObject, animate')"
    " || [...e.attributes].some(a => /^on|^style$|^src|^formaction$/i.test(a.name)"
    " || /^[\\x00-\\x20]*(javascript|data|vbscript):/i.test(a.value) && /href$/.test(a.name)))"
    ".map(e => e.outerHTML.slice(0, 200))"
)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, Path]:
    """A report on each attack and on a harmless name, by name."""
    made = {}
    for name, text in {**WHOLE, "": HARMLESS}.items():
        folder = tmp_path_factory.mktemp("attacked")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            made[name] = folder / "report.html"
            made[name].write_text(render_html(attacked(text)), encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def harmless(browser: "Browser", pages: Dict[str, Path]) -> List[Any]:
    browser.open(pages[""])
    tree = browser.ask(_TREE)
    assert len(tree) > 500
    return list(tree)


@pytest.mark.parametrize("name", WHOLE)
def test_the_page_is_that_on_a_harmless_name(
    browser: "Browser", pages: Dict[str, Path], harmless: List[Any], name: str
) -> None:
    browser.open(pages[name])
    assert browser.ask(_TREE) == harmless
    # A dialog would make any of these questions an error.
    browser.ask("document.querySelectorAll('details').forEach(one => one.open = true)")
    browser.ask(
        "document.querySelectorAll('*').forEach(e => ['mouseover', 'pointerrawupdate', 'focus']"
        ".forEach(kind => e.dispatchEvent(new Event(kind))))"
    )
    assert browser.ask("return [document.readyState, document.compatMode]") == ["complete", "CSS1Compat"]
    assert browser.ask("return document.title") == "Dump filter check of 4 recordings"
    assert browser.ask(_ACTIVE) == []
    assert browser.requests() == [pages[name].as_uri()]
    assert browser.complaints() == []
    # The style sheet is ours, and in force.
    assert browser.ask("return document.styleSheets.length") == 1
    assert (
        browser.ask("return getComputedStyle(document.querySelector('.verdict strong')).fontSize") == "32px"
    )


@pytest.mark.parametrize("name", WHOLE)
def test_what_is_read_is_what_was_given(browser: "Browser", pages: Dict[str, Path], name: str) -> None:
    browser.open(pages[name])
    shown = printable(recorded(WHOLE[name]))
    assert browser.ask("return document.querySelector('.verdict bdi').textContent") == shown
    texts = browser.ask(
        "return [...document.querySelectorAll('bdi, p, li, dt, small')].map(e => e.textContent)"
    )
    assert texts.count(shown) > 20
