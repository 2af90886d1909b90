"""The pages' examples, taken out and run as a reader would: in order, in one folder, with the fixtures.

A block of a page is one of these; the others are only to be read:

- ``python``: a program; the blocks of a page share their names. A block ``text`` that follows is what it
  prints.
- ``console``: ``$ dumpfilt ...``, ``$ python FILE`` and ``$ echo $?``, each with what it prints.
- ``LANGUAGE title="FILE"``: becomes that file, or is held against it where a command has made it.

``...`` in a line of its own stands for lines that are left out.
"""

import contextlib
import io
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

from markdown_it import MarkdownIt

from pykd_dumpfilt.cli import main

__all__ = ["Block", "Script", "blocks", "indented_code", "unsaid"]

ROOT = Path(__file__).resolve().parents[2]
_TITLE = re.compile(r'title="([^"]+)"')
_INDENTED = re.compile(r"::\n\n((?: {4,}.*\n?|[ \t]*\n)+)")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the file it is, its text, and the line of the page where it begins."""

    language: str
    title: str
    text: str
    line: int


def blocks(page: Path) -> List[Block]:
    """The fenced blocks of a page."""
    found = []
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        if token.type == "fence":
            title = _TITLE.search(token.info)
            language = token.info.split(maxsplit=1)[0] if token.info.strip() else ""
            line = token.map[0] + 2 if token.map else 0
            found.append(Block(language, title[1] if title else "", token.content, line))
    return found


def indented_code(docstring: str) -> List[str]:
    """The code of a docstring that follows ``::``, as Python."""
    found = []
    for code in _INDENTED.findall(docstring):
        lines = code.rstrip().splitlines()
        margin = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
        found.append("\n".join(line[margin:] for line in lines) + "\n")
    return found


def unsaid(shown: str, said: str) -> Optional[str]:
    """The first of what a page shows that was not said there; None where all of it was."""
    parts = re.split(r"^\.\.\.\n", shown, flags=re.MULTILINE)
    place = 0
    for index, part in enumerate(parts):
        first, last = index == 0, index == len(parts) - 1
        found = place if first else len(said) - len(part) if last else _next(said, part, place)
        if found < place or not said.startswith(part, found) or (last and found + len(part) != len(said)):
            return part or "(nothing more)"
        place = found + len(part)
    return None


def _next(said: str, part: str, start: int) -> int:
    """Where whole lines stand, from ``start`` on; -1 where they do not."""
    place = said.find(part, start)
    while place > 0 and said[place - 1] != "\n":
        place = said.find(part, place + 1)
    return place


class Script:
    """One page, being run in the current folder."""

    def __init__(self, page: Path) -> None:
        self._page = page
        self._names: Dict[str, Any] = {"__name__": "__main__"}
        self._code = 0

    def run(self) -> int:
        """Run all blocks; gives how many there were to run or to compare.

        Raises:
            AssertionError: something is not as the page shows it.
        """
        done = 0
        printed = None
        for block in blocks(self._page):
            where = f"{self._page.name}, line {block.line}"
            if block.title:
                self._file(block, where)
            elif block.language == "python":
                printed = self._python(block)
                done += 1
                continue
            elif block.language == "text" and printed is not None:
                _compare(block.text, printed, where)
            elif block.language == "console":
                self._console(block, where)
            else:
                printed = None
                continue
            printed = None
            done += 1
        return done

    def _file(self, block: Block, where: str) -> None:
        file = Path(block.title)
        if file.exists():
            _compare(block.text, file.read_text(encoding="utf-8"), where)
        else:
            file.write_text(block.text, encoding="utf-8")

    def _python(self, block: Block) -> str:
        out = io.StringIO()
        # The page's own lines in a traceback.
        program = compile("\n" * (block.line - 1) + block.text, str(self._page), "exec")
        with contextlib.redirect_stdout(out):
            exec(program, self._names)
        return out.getvalue()

    def _console(self, block: Block, where: str) -> None:
        for command, shown in _commands(block.text):
            _compare(shown, self._say(shlex.split(command), where), f"{where}, {command}")

    def _say(self, words: List[str], where: str) -> str:
        if words == ["echo", "$?"]:
            return f"{self._code}\n"
        if words[0] == "python":
            command = [sys.executable, *words[1:]]
            done = subprocess.run(command, capture_output=True, text=True, env={"PYTHONPATH": str(ROOT)})
            self._code = done.returncode
            return done.stdout + done.stderr
        assert words[0] == "dumpfilt", f"{where}: no test can type {words[0]}"
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            self._code = main(words[1:])
        return out.getvalue()


def _compare(shown: str, said: str, where: str) -> None:
    part = unsaid(shown, said)
    assert part is None, f"{where}: not there, or not in this order:\n{part}\nall that there is:\n{said}"


def _commands(text: str) -> Iterator[Tuple[str, str]]:
    """Each command of a console, and what is shown below it."""
    for one in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, shown = one.partition("\n")
        yield command, shown
