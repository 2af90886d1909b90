"""The documentation builds without a warning, and needs no network to be read."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Dict, List, Optional, Set, Tuple

import pytest

from pykd_dumpfilt.commands import COMMANDS
from pykd_dumpfilt.rules import RULES

from .site import build

# What a browser fetches by itself; where a link leads is the reader's choice.
_FETCHED = {
    "audio": "src",
    "embed": "src",
    "iframe": "src",
    "img": "src",
    "input": "src",
    "link": "href",
    "object": "data",
    "script": "src",
    "source": "src",
    "video": "src",
}
_IN_STYLE = re.compile(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//")

pytestmark = pytest.mark.quality


class Page(HTMLParser):
    """What a page fetches, and the places in it that links can name."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: List[str] = []
        self.places: Set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: List[Tuple[str, Optional[str]]]) -> None:
        found: Dict[str, str] = {name: value or "" for name, value in attrs}
        if "id" in found:
            self.places.add(found["id"])
        if tag in _FETCHED and not (tag == "link" and found.get("rel") in ("canonical", "next", "prev")):
            self.fetched.append(found.get(_FETCHED[tag], ""))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> "Tuple[Path, str]":
    """The site, and what was said while it was built."""
    folder = tmp_path_factory.mktemp("site")
    return folder, build(folder)


def pages(site: Path) -> Dict[str, Page]:
    return {
        path.relative_to(site).as_posix(): Page(path.read_text(encoding="utf-8"))
        for path in site.rglob("*.html")
    }


def test_it_builds_without_a_warning(built: "Tuple[Path, str]") -> None:
    assert [line for line in built[1].splitlines() if re.match(r"\s*(WARNING|ERROR)|.*Warning:", line)] == []


def test_the_pages_are_there(built: "Tuple[Path, str]") -> None:
    site = built[0]
    wanted = ["index", "tutorial", "windbg", "ci", "qa", "own-rule", "own-debugger", "waivers", "stability"]
    wanted += ["architecture", "contributing", "changelog", "fixtures", "reference/commands"]
    wanted += ["reference/recording-format", "reference/reports", "rules/index"]
    wanted += [f"rules/{rule.id}" for rule in RULES]
    assert [name for name in wanted if not (site / f"{name}.html").is_file()] == []


def test_every_public_name_can_be_linked_to(built: "Tuple[Path, str]") -> None:
    found = pages(built[0])
    places = set().union(*(page.places for name, page in found.items() if name.startswith("reference/api")))
    assert places >= {
        "pykd_dumpfilt.open_recording",
        "pykd_dumpfilt.DecodedCall.mdl",
        "pykd_dumpfilt.recording.Call",
        "pykd_dumpfilt.decoded.DecodedSide.filter_extension",
        "pykd_dumpfilt.debugger.Debugger.read_virtual",
    }
    assert {command.name for command in COMMANDS} <= found["reference/commands.html"].places


def test_nothing_is_fetched_from_elsewhere(built: "Tuple[Path, str]") -> None:
    site = built[0]
    for name, page in pages(site).items():
        assert [one for one in page.fetched if re.match(r"(?:https?:)?//", one)] == [], name
    for style in site.rglob("*.css"):
        assert not _IN_STYLE.search(style.read_text(encoding="utf-8")), style


def test_no_role_and_no_directive_is_left_over(built: "Tuple[Path, str]") -> None:
    for path in built[0].rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        found = re.search(
            r":(?:class|func|meth|attr|mod|data):|&lt;!-- keys|<!-- keys|<autoref|^:::", text, re.M
        )
        assert found is None, f"{path.name}: {found and found[0]}"


def test_the_search_works_from_a_file(built: "Tuple[Path, str]") -> None:
    index = (built[0] / "search" / "search_index.js").read_text(encoding="utf-8")
    assert "DF-READ-003" in index
