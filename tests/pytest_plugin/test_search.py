"""Which recordings are at a path."""

from pathlib import Path
from typing import List

import pytest

from pykd_dumpfilt import UsageError
from pykd_dumpfilt.pytest_plugin._options import names_a_recording
from pykd_dumpfilt.pytest_plugin._search import find_recordings, matching, shown_path, without_doubles


def tree(root: Path) -> Path:
    for name in (
        "b.dumpfilt",
        "sub/a.dumpfilt",
        ".venv/hidden.dumpfilt",
        "b.dumpfilt/inner.dumpfilt",
        "plain",
    ):
        (root / name).mkdir(parents=True)
    (root / "plain" / "calls.jsonl").write_bytes(b"")
    (root / "sub" / "c.dumpfilt.zip").write_bytes(b"")
    (root / "file.dumpfilt").write_bytes(b"")
    return root


def names(paths: List[Path], root: Path) -> List[str]:
    return [path.relative_to(root).as_posix() for path in paths]


def test_below_a_folder(tmp_path: Path) -> None:
    root = tree(tmp_path)
    found = names(find_recordings(root), root)
    # What a recording holds is its own, and what begins with a dot is not looked at.
    assert found == ["b.dumpfilt", "plain", "sub/a.dumpfilt", "sub/c.dumpfilt.zip"]


def test_one(tmp_path: Path) -> None:
    root = tree(tmp_path)
    assert find_recordings(root / "sub" / "c.dumpfilt.zip") == [root / "sub" / "c.dumpfilt.zip"]
    assert find_recordings(root / "sub" / "a") == [root / "sub" / "a.dumpfilt"]
    with pytest.raises(UsageError, match="no recording at"):
        find_recordings(root / "file.dumpfilt")


def test_patterns(tmp_path: Path) -> None:
    root = tree(tmp_path)
    assert names(matching("*.dumpfilt", root), root) == ["b.dumpfilt"]
    assert names(matching("sub/*", root), root) == ["sub/a.dumpfilt", "sub/c.dumpfilt.zip"]
    assert matching("nothing", root) == []
    assert names(matching(str(root / "sub" / "a*"), Path("/elsewhere")), root) == ["sub/a.dumpfilt"]


def test_a_folder_whose_name_is_a_pattern(tmp_path: Path) -> None:
    root = tmp_path / "a[b]*"
    (root / "x.dumpfilt").mkdir(parents=True)
    assert names(matching("*.dumpfilt", root), root) == ["x.dumpfilt"]


def test_links_and_doubles(tmp_path: Path) -> None:
    root = tree(tmp_path)
    (root / "sub" / "link.dumpfilt").symlink_to(root / "b.dumpfilt")
    (root / "sub" / "loop").symlink_to(root)
    found = names(without_doubles(find_recordings(root)), root)
    assert found == ["b.dumpfilt", "plain", "sub/a.dumpfilt", "sub/c.dumpfilt.zip"]


def test_names_in_ids() -> None:
    assert shown_path(Path("/here/a/../b.dumpfilt"), Path("/here")) == "b.dumpfilt"
    assert shown_path(Path("/there/b.dumpfilt"), Path("/here")) == "/there/b.dumpfilt"


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("a/x.dumpfilt", True),
        ("a/x.dumpfilt/", True),
        ("x.dumpfilt::DF-READ-003", True),
        ("x.dumpfilt.zip::recording", True),
        ("tests/test_x.py::test_it[recordings/x.dumpfilt]", False),
        ("recordings", False),
    ],
)
def test_arguments(argument: str, expected: bool) -> None:
    assert names_a_recording(argument) is expected
