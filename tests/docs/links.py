"""Links of the pages: what is a page in the repository is one on the site, other files go along as copies."""

import posixpath
import re
from pathlib import Path
from typing import Callable, Iterator, List, Tuple

__all__ = ["PAGES", "copy_of", "outside", "relinked", "source_of", "targets"]

ROOT = Path(__file__).resolve().parents[2]

PAGES = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "fixtures/README.md": "fixtures.md",
}
"""Pages of the site that stand outside of docs, as everybody expects them there."""

_DOCS = "docs/"
_COPIES = "source/"
_LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^()\s]+)\)")
_CODE = re.compile(r"(^```.*?^```$|`[^`\n]*`)", re.MULTILINE | re.DOTALL)
_ELSEWHERE = re.compile(r"[a-z]+:|#")


def source_of(uri: str) -> str:
    """Where in the repository a page of the site stands."""
    return next((source for source, one in PAGES.items() if one == uri), _DOCS + uri)


def copy_of(path: str) -> str:
    """Where on the site a file of the repository is that is no page."""
    return _COPIES + path


def targets(markdown: str, source: str) -> Iterator[Tuple[str, str]]:
    """The repository's files and folders that a page links to, and the part of each that is meant."""
    for part in _CODE.split(markdown)[::2]:
        for found in _LINK.finditer(part):
            if not _ELSEWHERE.match(found[2]):
                path, _, anchor = found[2].partition("#")
                yield _resolved(path, source), anchor


def outside(markdown: str, source: str) -> List[str]:
    """The repository's files that a page links to and that are no pages of the site."""
    return [
        path
        for path, _ in targets(markdown, source)
        if path not in PAGES and not path.startswith(_DOCS) and (ROOT / path).is_file()
    ]


def relinked(markdown: str, source: str, uri: str) -> str:
    """A page's text with its links as they have to be on the site. A folder has no page: its link is text."""

    def lead(found: "re.Match[str]") -> str:
        text, target = found.groups()
        if _ELSEWHERE.match(target):
            return found[0]
        path, hash_sign, anchor = target.partition("#")
        path = _resolved(path, source)
        if path.startswith(_DOCS):
            to = path[len(_DOCS) :]
        elif path in PAGES:
            to = PAGES[path]
        elif (ROOT / path).is_dir():
            return text
        else:
            to = copy_of(path)
        return f"[{text}]({posixpath.relpath(to, posixpath.dirname(uri) or '.')}{hash_sign}{anchor})"

    return _outside_code(markdown, lambda part: _LINK.sub(lead, part))


def _resolved(target: str, source: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), target)) if target else source


def _outside_code(markdown: str, change: Callable[[str], str]) -> str:
    parts = _CODE.split(markdown)
    return "".join(part if index % 2 else change(part) for index, part in enumerate(parts))
