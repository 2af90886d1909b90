"""What mkdocs does beside: pages that are made of the code, and links that lead out of ``docs``.

mkdocs loads this file by its path, so it puts the repository in front of the others itself.
"""

import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from pykd_dumpfilt.rules import RULES  # noqa: E402
from tests.docs import commands, links, schemas  # noqa: E402

_RULES = {"Rules": ["rules/README.md", *({rule.id: f"rules/{rule.id}.md"} for rule in RULES)]}
_MADE = {"reference/commands.md": commands.page}


def on_config(config: Any) -> Any:
    """Fill the navigation's chapter of the rules, in the order of the registry."""
    for chapter in config.nav:
        for heading, pages in chapter.items():
            if isinstance(pages, list):
                chapter[heading] = [_RULES if page == {"Rules": "rules/"} else page for page in pages]
    return config


def on_files(files: Any, config: Any, **_: object) -> Any:
    """Add the pages that are made, those that stand elsewhere in the repository, and what pages link to."""
    for uri, make in _MADE.items():
        files.append(File.generated(config, uri, content=make()))
    for source, uri in links.PAGES.items():
        files.append(File.generated(config, uri, abs_src_path=str(ROOT / source)))
    linked = {
        path
        for file in files.documentation_pages()
        for path in links.outside(file.content_string, links.source_of(file.src_uri))
    }
    for path in sorted(linked):
        files.append(File.generated(config, links.copy_of(path), abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: object) -> str:
    """Put in the tables of schemas, and lead links to where things are on the site."""
    uri = page.file.src_uri
    return links.relinked(schemas.with_tables(markdown), links.source_of(uri), uri)
