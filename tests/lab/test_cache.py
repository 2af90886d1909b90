"""The cache's promises: whole or absent, made once, nothing left of a failure."""

import threading
import time
from pathlib import Path
from typing import List

import pytest

from .cache import cache_folder, make_once, run_folder


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DUMPFILT_LAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_folder_is_where_the_environment_says(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cache_folder() == folder
    monkeypatch.delenv("DUMPFILT_LAB_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "pykd-dumpfilt-lab"


def test_an_entry_is_made_once(folder: Path) -> None:
    made: List[Path] = []

    def build(at: Path) -> None:
        made.append(at)
        (at / "file").write_text("content")

    assert make_once("entry", build) == make_once("entry", build) == folder / "entry"
    assert (folder / "entry" / "file").read_text() == "content"
    assert len(made) == 1


def test_a_failure_leaves_nothing(folder: Path) -> None:
    def fail(at: Path) -> None:
        (at / "half").write_text("done")
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        make_once("entry", fail)
    assert [path.name for path in folder.iterdir()] == [".entry.lock"]


def test_what_a_killed_run_left_is_removed(folder: Path) -> None:
    folder.mkdir()
    (folder / ".entry.abc.tmp").mkdir()
    make_once("entry", lambda at: None)
    assert sorted(path.name for path in folder.iterdir()) == [".entry.lock", "entry"]


def test_runs_at_the_same_time_wait_for_each_other(folder: Path) -> None:
    made: List[Path] = []

    def build(at: Path) -> None:
        made.append(at)
        time.sleep(0.1)

    threads = [threading.Thread(target=make_once, args=("entry", build)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def test_run_folders_are_apart_and_do_not_stay(folder: Path) -> None:
    with run_folder() as one:
        (one / "file").write_text("content")
        with run_folder() as other:
            assert one != other
        assert (one / "file").exists()
        assert not other.exists()
    assert not one.exists()


def test_the_folder_of_a_killed_run_is_removed(folder: Path) -> None:
    stale = folder / "runs" / "run-stale"
    stale.mkdir(parents=True)
    (stale / "link").symlink_to(folder)
    with run_folder():
        assert not stale.exists()
    assert folder.exists()
