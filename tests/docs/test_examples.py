"""What the pages and the public docstrings show is run, and says what they show."""

import contextlib
import datetime
import doctest
import importlib
import inspect
import io
import shutil
from pathlib import Path
from typing import Any, Iterator, List, Tuple

import pytest

from pykd_dumpfilt.commands import check

from .examples import Script, blocks, indented_code, unsaid

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("pykd_dumpfilt", "pykd_dumpfilt.recording", "pykd_dumpfilt.decoded", "pykd_dumpfilt.debugger")
PAGES = sorted(
    page
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    if any(block.language in ("python", "console") for block in blocks(page))
    # What is typed in the sample project, its own tests type.
    and page.parent.name != "sample-project"
    and page.name != "pytest.md"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A reader's folder, on the day that the pages tell."""
    shutil.copytree(str(ROOT / "fixtures"), str(tmp_path / "fixtures"))
    shutil.copytree(str(ROOT / "fixtures" / "aes_xts.dumpfilt"), str(tmp_path / "run.dumpfilt"))
    (tmp_path / "docs").mkdir()
    for sample in (ROOT / "docs").glob("*.toml"):
        shutil.copy(str(sample), str(tmp_path / "docs"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(check, "utc_today", lambda: datetime.date(2026, 12, 1))
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_does_what_it_shows(page: Path, folder: Path) -> None:
    assert Script(page).run() > 0


def test_the_pages_that_teach_by_examples_have_some() -> None:
    names = {page.name for page in PAGES}
    assert names >= {"README.md", "index.md", "tutorial.md", "api.md", "own-debugger.md", "own-rule.md"}


def test_a_new_user_has_a_verdict_in_two_minutes_of_reading() -> None:
    """At 200 words a minute, what is typed and what it prints included."""
    page = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    assert len(page[: page.index("\n## Where to go")].split()) <= 400
    assert page.index("pip install .") < page.index("\nPASS ") < page.index("\nFAIL ")


def documented() -> Iterator[Tuple[str, Any]]:
    for room in ROOMS:
        module = importlib.import_module(room)
        yield room, module
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isclass(value) or inspect.isfunction(value):
                yield f"{room}.{name}", value


WITH_CODE = [(name, value) for name, value in documented() if indented_code(inspect.getdoc(value) or "")]


@pytest.mark.parametrize(("name", "value"), WITH_CODE, ids=[name for name, _ in WITH_CODE])
def test_the_code_of_a_docstring_runs(name: str, value: Any, folder: Path) -> None:
    names = dict(vars(inspect.getmodule(value) or value))
    for code in indented_code(inspect.getdoc(value) or ""):
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(code, name, "exec"), names)


def test_the_rooms_begin_with_an_example() -> None:
    assert {name for name, _ in WITH_CODE} >= {room for room in ROOMS if room != "pykd_dumpfilt.debugger"}


@pytest.mark.parametrize("room", ROOMS[1:])
def test_the_examples_at_a_prompt_say_what_they_show(room: str, folder: Path) -> None:
    module = importlib.import_module(room)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False)
    said: List[str] = []
    for name, value in documented():
        if name == room or name.startswith(f"{room}."):
            for test in doctest.DocTestFinder(recurse=False).find(value, name, globs=dict(vars(module))):
                runner.run(test, out=said.append)
    assert not said, "".join(said)
    assert runner.tries > 0


@pytest.mark.parametrize(
    ("shown", "said", "right"),
    [
        ("one\ntwo\n", "one\ntwo\n", True),
        ("one\n", "one\ntwo\n", False),
        ("one\n...\n", "one\ntwo\n", True),
        ("...\ntwo\n", "one\ntwo\n", True),
        ("one\n...\nthree\n...\n", "one\ntwo\nthree\nfour\n", True),
        ("one\n...\nthree\n", "one\ntwo\nthree\nfour\n", False),
        ("one\n...\nwo\n...\n", "one\ntwo\nthree\n", False),
        ("two\n...\n", "one\ntwo\n", False),
        ("one\n...\none\n", "one\n", False),
        ("", "one\n", False),
        ("", "", True),
    ],
)
def test_what_is_left_out_is_lines_and_never_the_end(shown: str, said: str, right: bool) -> None:
    assert (unsaid(shown, said) is None) is right
