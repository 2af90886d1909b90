"""docs/rules is what the generator makes of today's sources."""

import re
from pathlib import Path

from pykd_dumpfilt.rules import RULES

from .generate import FOLDER, documents, stale, write

_LINK = re.compile(r"\]\((?!https?:)([^)#]+)\)")
_CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def test_the_folder_is_not_stale() -> None:
    assert stale() == [], "renew it: python -m tests.docs"


def test_there_is_an_index_and_a_page_for_each_rule() -> None:
    assert set(documents()) == {"README.md", *(f"{rule.id}.md" for rule in RULES)}
    assert all(f"[{rule.id}]({rule.id}.md)" in documents()["README.md"] for rule in RULES)


def test_links_lead_somewhere() -> None:
    found = 0
    for name, text in documents().items():
        for target in _LINK.findall(_CODE.sub("", text)):
            assert (FOLDER / target).exists(), f"{name}: {target}"
            found += 1
    assert found > 2 * len(RULES)


def test_a_page_holds_what_the_registry_says() -> None:
    page = documents()["DF-READ-003.md"]
    assert page.startswith("<!-- Made by python -m tests.docs")
    assert (
        "\n# DF-READ-003\n\n**Dump_Read must not write outside the buffer that the MDL describes.**\n" in page
    )
    assert "\n| error | read | Dump_Read |\n" in page
    assert "nc-ntdddump-dump_read>\n\n## Why it matters\n" in page
    assert (
        "\n- [one_byte_past_the_end](../../tests/lab/filters/faulty/one_byte_past_the_end.c): Dump_Read "
        "decrypts one byte too many in a page that the data does not fill.\n"
    ) in page


def test_what_markdown_would_take_for_its_own_is_escaped() -> None:
    assert "\n**Dump_Read must not change \\*DiskByteOffset.**\n" in documents()["DF-READ-001.md"]
    assert " \\*DiskByteOffset" in documents()["README.md"]


def test_mentions_of_other_rules_are_links_but_for_those_in_code() -> None:
    page = documents()["DF-WRITE-006.md"]
    assert "[DF-READ-001](DF-READ-001.md)" in page
    assert "(DF-WRITE-006.md)" not in page


def test_what_is_stale_is_renewed_and_named(tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    assert write(folder) == sorted(documents())
    assert stale(folder) == []
    (folder / "DF-READ-001.md").write_text("by hand\n")
    (folder / "DF-GONE-001.md").write_text("a rule that there was\n")
    (folder / "README.md").unlink()
    assert stale(folder) == ["DF-GONE-001.md", "DF-READ-001.md", "README.md"]
    assert write(folder) == ["DF-GONE-001.md", "DF-READ-001.md", "README.md"]
    assert write(folder) == []
    assert not (folder / "DF-GONE-001.md").exists()
