"""TOML with lines: what the parser gives, and where in the text each table of an array and its keys stand.

The parser gives no lines. But a TOML statement parses by itself exactly if it is whole, so the same parser
also tells where each begins; nothing here knows how TOML spells keys, strings or tables.
"""

import importlib
import re
import sys
from typing import Any, Dict, List, NamedTuple, Tuple

from ..errors import UsageError

__all__ = ["Lines", "TomlError", "find_lines", "parse_toml"]

# A statement of many lines is parsed again with each of them.
_MAX_PARSED = 2 * 1024 * 1024
_MAX_DOTS = 64
_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


class TomlError(Exception):
    """What is wrong, and in which line (from 1; 0 where nobody can tell)."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


class Lines(NamedTuple):
    """Where things stand, as lines from 1.

    Attributes:
        keys: of the whole file, by name.
        tables: the begin of each table of the array.
        table_keys: for each of these, its keys by name.
    """

    keys: Dict[str, int]
    tables: List[int]
    table_keys: List[Dict[str, int]]

    def table(self, number: int) -> int:
        """Of a table of the array, from 0; 0 where it is not known, as for an array in one line."""
        return self.tables[number] if number < len(self.tables) else 0

    def key(self, number: int, key: str) -> int:
        """Of a key of a table; where that is not known, of the table."""
        keys = self.table_keys[number] if number < len(self.table_keys) else {}
        return keys.get(key, self.table(number))


def parse_toml(text: str) -> Dict[str, Any]:
    """The text as tables.

    Raises:
        TomlError: it is no TOML, or such as only somebody means harm with.
        UsageError: this Python has no TOML parser.
    """
    for number, line in enumerate(text.split("\n"), 1):
        # Parsers remember every part of a dotted key's path: one line of many would take all memory.
        if line.count(".") > _MAX_DOTS:
            raise TomlError(f"more than {_MAX_DOTS} dots in one line: use several lines", number)
    try:
        return _loads(text)
    except TomlError as error:
        # A text that is not closed goes wrong far below: where it begins is where to look.
        begin = _statements(text)[1]
        if not begin or begin == error.line:
            raise
        noticed = f" (noticed in line {error.line})" if error.line else ""
        raise TomlError(f"{error}{noticed}", begin) from None


def find_lines(text: str, array: str) -> Lines:
    """Where the tables of ``array`` and their keys stand in a text that :func:`parse_toml` accepts."""
    lines = Lines({}, [], [])
    keys = lines.keys
    for number, statement in _statements(text)[0]:
        tables = _loads(statement)
        name = next(iter(tables))
        if not statement.lstrip().startswith("["):
            keys.setdefault(name, number)
            continue
        keys = {}
        inner = tables[name] if name == array else None
        if isinstance(inner, list):
            lines.tables.append(number)
            lines.table_keys.append(keys)
            continue
        lines.keys.setdefault(name, number)
        if inner and lines.table_keys:
            # [array.key] is a key of the array's last table.
            lines.table_keys[-1].setdefault(next(iter(inner)), number)
    return lines


def _statements(text: str) -> Tuple[List[Tuple[int, str]], int]:
    """Every statement with its first line, up to one that is not whole or takes too much work; and the first
    line of that, 0 where there is none."""
    statements = []
    begin = parsed = 0
    parts: List[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not parts:
            begin = number
        parts.append(line)
        statement = "\n".join(parts)
        try:
            tables = _loads(statement)
        except TomlError:
            parsed += len(statement)
            if parsed > _MAX_PARSED:
                break
            continue
        if tables:
            statements.append((begin, statement))
        parts = []
    return statements, begin if parts else 0


def _loads(text: str) -> Dict[str, Any]:
    """As the parser gives it; an error's line is 0 where it is that the text ends."""
    parser = _parser()
    try:
        tables: Dict[str, Any] = parser.loads(text)
    except RecursionError:
        raise TomlError("tables or arrays are nested too deeply") from None
    except ValueError as error:
        message = str(error)
        place = _PLACE.search(message)
        if place is None:
            raise TomlError(message) from None
        raise TomlError(message[: place.start()], int(place.group(1) or 0)) from None
    return tables


def _parser() -> Any:
    name = "tomllib" if sys.version_info >= (3, 11) else "tomli"
    try:
        return importlib.import_module(name)
    except ImportError:
        raise UsageError(
            f'a TOML file cannot be read: {name} is missing; pip install "pykd-dumpfilt[waivers]"'
        ) from None
