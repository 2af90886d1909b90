"""The documentation in a real browser, opened as files."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..docs.site import build

if TYPE_CHECKING:
    from .page import Browser

pytestmark = pytest.mark.browser

_PATIENCE = 30


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    folder = tmp_path_factory.mktemp("site")
    build(folder)
    return folder


def test_the_search_finds_and_nothing_is_fetched_from_elsewhere(browser: "Browser", site: Path) -> None:
    browser.open(site / "index.html")
    browser.ask("document.querySelector('input.md-search__input').focus()")
    browser.driver.switch_to.active_element.send_keys("BufferUnreadableError")
    found = ""
    until = time.monotonic() + _PATIENCE
    while "api-decoded.html" not in found and time.monotonic() < until:
        time.sleep(0.1)
        found = browser.ask(
            "return [...document.querySelectorAll('.md-search-result__link')].map(e => e.href).join(' ')"
        )
    assert "reference/api-decoded.html" in found
    assert browser.complaints() == []
    assert [one for one in browser.requests() if not one.startswith(("file:", "data:", "about:"))] == []
