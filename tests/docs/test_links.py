"""Links of the pages: they lead somewhere in the repository, and on the site."""

from pathlib import Path

import pytest

from .links import PAGES, outside, relinked, source_of, targets

ROOT = Path(__file__).resolve().parents[2]
EVERY_PAGE = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "fixtures").glob("*.md")]
)


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_links_lead_to_files_of_the_repository(page: str) -> None:
    # Two pages of the site are made when it is built; the build looks after links to them.
    made = {"docs/reference/commands.md"}
    for target, _ in targets((ROOT / page).read_text(encoding="utf-8"), page):
        assert target in made or (ROOT / target).exists(), target


@pytest.mark.parametrize(
    ("link", "on_site"),
    [
        ("[a](waivers.md)", "[a](waivers.md)"),
        ("[a](waivers.md#the-file)", "[a](waivers.md#the-file)"),
        ("[a](../CHANGELOG.md)", "[a](changelog.md)"),
        ("[a](../fixtures/README.md#x)", "[a](fixtures.md#x)"),
        ("[a](../tests/lab/filters/aes_xts.c)", "[a](source/tests/lab/filters/aes_xts.c)"),
        ("[a](../tests/lab/filters)", "a"),
        ("[a](https://example.org/../x)", "[a](https://example.org/../x)"),
        ("[a](#here)", "[a](#here)"),
        ("`[a](../CHANGELOG.md)`", "`[a](../CHANGELOG.md)`"),
        ("```\n[a](../CHANGELOG.md)\n```", "```\n[a](../CHANGELOG.md)\n```"),
    ],
)
def test_a_link_leads_to_the_same_on_the_site(link: str, on_site: str) -> None:
    assert relinked(link, "docs/qa.md", "qa.md") == on_site


def test_links_are_those_of_the_place_where_a_page_is_on_the_site() -> None:
    assert source_of("contributing.md") == "CONTRIBUTING.md"
    assert relinked("[a](docs/qa.md)", "CONTRIBUTING.md", "contributing.md") == "[a](qa.md)"
    assert (
        relinked("[a](../../CONTRIBUTING.md)", "docs/rules/x.md", "rules/x.md") == "[a](../contributing.md)"
    )
    assert set(PAGES.values()) == {"changelog.md", "contributing.md", "fixtures.md"}


def test_files_that_are_no_pages_go_along() -> None:
    text = "[a](../tests/lab/filters/aes_xts.c) [b](qa.md) [c](../CHANGELOG.md) [d](../tests/lab/filters)"
    assert outside(text, "docs/x.md") == ["tests/lab/filters/aes_xts.c"]
