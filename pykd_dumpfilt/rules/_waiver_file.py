"""Reading a file of waivers: TOML, one ``[[waiver]]`` table for each. docs/waivers.md describes it."""

import datetime
import difflib
import os
import re
import stat
from pathlib import Path
from typing import Any, Dict, Iterable, Mapping, NoReturn, Optional, Sequence, Tuple, Type, Union

from ..errors import UsageError
from ..recording import CALLBACKS
from ._registry import RULES
from ._rule import Rule
from ._toml import Lines, TomlError, find_lines, parse_toml
from ._waiver import CALLBACK_SEPARATOR, Waiver

__all__ = ["load_waivers"]

_TABLE = "waiver"
_REQUIRED = ("rule", "filter", "reason", "owner", "expires")
_OPTIONAL = ("platform", "callback")
_MAX_SIZE = 256 * 1024
_MAX_TEXT = 1000
_MAX_SHOWN = 60
_COPY_OR_FILE = re.compile(r"^(?:dump_|hiber_)|\.sys$", re.IGNORECASE)
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=")


def load_waivers(path: "Union[str, os.PathLike[str]]", own: Sequence[Type[Rule]] = ()) -> Tuple[Waiver, ...]:
    """The waivers of a file, in its order.

    Args:
        path: the file.
        own: rules of one's own (:func:`load_rules`), which may be waived too.

    Raises:
        UsageError: the file cannot be read or holds a mistake; the message names file, line and key.
    """
    name = os.fspath(path)
    text = _read(name)
    try:
        tables = parse_toml(text)
    except TomlError as error:
        found = _KEY.match(text.split("\n")[error.line - 1]) if error.line else None
        _refuse(name, error.line, found.group(1) if found else "", str(error))
    rules = [rule.id for rule in (*RULES, *own)]
    return _File(name, find_lines(text, _TABLE), rules).waivers(tables)


def _read(name: str) -> str:
    try:
        # Before opening: to open a pipe is to wait for its other end.
        if not stat.S_ISREG(Path(name).stat().st_mode):
            raise UsageError(f"cannot read {name}: it is not a file")
        with Path(name).open("rb") as file:
            data = file.read(_MAX_SIZE + 1)
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read {name}: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > _MAX_SIZE:
        raise UsageError(f"{name} is larger than {_MAX_SIZE // 1024} KiB: that is no file of waivers")
    try:
        # Editors of Windows put a byte order mark before UTF-8.
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        _refuse(name, data.count(b"\n", 0, error.start) + 1, "", "is not UTF-8")


def _refuse(name: str, line: int, key: str, problem: str) -> NoReturn:
    place = [name]
    if line:
        place.append(f"line {line}")
    if key:
        place.append(f"key {key!r}" if len(key) <= _MAX_SHOWN else f"key {key[:_MAX_SHOWN]!r}...")
    raise UsageError(f"{', '.join(place)}: {problem}")


class _File:
    def __init__(self, name: str, lines: Lines, rules: Sequence[str]) -> None:
        self._name = name
        self._lines = lines
        self._rules = rules

    def waivers(self, tables: Mapping[str, Any]) -> Tuple[Waiver, ...]:
        for key in tables:
            if key != _TABLE:
                _refuse(
                    self._name,
                    self._lines.keys.get(key, 0),
                    key,
                    f"is not known here; a waiver begins with [[{_TABLE}]]",
                )
        found = tables.get(_TABLE, [])
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            _refuse(
                self._name,
                self._lines.keys.get(_TABLE, 0),
                _TABLE,
                f"must be tables, each begun by [[{_TABLE}]] with two brackets",
            )
        waivers: Dict[Tuple[object, ...], Waiver] = {}
        for number, table in enumerate(found):
            waiver = self._waiver(number, table)
            first = waivers.setdefault(_what(waiver), waiver)
            if first is not waiver:
                where = f"line {first.line}" if first.line != waiver.line else "the same line"
                self._wrong(number, "rule", f"a waiver in {where} is for the same findings; keep one of them")
        return tuple(waivers.values())

    def _waiver(self, number: int, table: Mapping[str, Any]) -> Waiver:
        for key in table:
            if key not in (*_REQUIRED, *_OPTIONAL):
                self._wrong(number, key, f"is not known{_near(key, (*_REQUIRED, *_OPTIONAL))}")
        for key in _REQUIRED:
            if key not in table:
                self._wrong(number, key, "is missing")
        text = {
            key: self._text(number, key, table[key])
            for key in (*_REQUIRED, *_OPTIONAL)
            if key in table and key != "expires"
        }
        if text["rule"] not in self._rules:
            self._wrong(
                number,
                "rule",
                f"there is no rule {_shown(text['rule'])}{_near(text['rule'], self._rules)} "
                "(dumpfilt rules lists them)",
            )
        if _COPY_OR_FILE.search(text["filter"]):
            self._wrong(
                number,
                "filter",
                f'{_shown(text["filter"])} is a file or a copy; give the plain name, such as "myfilter"',
            )
        return Waiver(
            rule=text["rule"],
            filter=text["filter"],
            reason=text["reason"],
            owner=text["owner"],
            expires=self._date(number, table["expires"]),
            platform=text.get("platform"),
            callback=self._callback(number, text.get("callback")),
            line=self._lines.table(number) or self._lines.keys.get(_TABLE, 0),
        )

    def _text(self, number: int, key: str, value: object) -> str:
        if not isinstance(value, str):
            self._wrong(number, key, f'must be text in quotes, as in {key} = "..."')
        text = " ".join(value.split())
        if not text:
            self._wrong(number, key, "is empty")
        if len(text) > _MAX_TEXT:
            self._wrong(number, key, f"is longer than {_MAX_TEXT} characters")
        return text

    def _date(self, number: int, value: object) -> datetime.date:
        if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
            return value
        return self._wrong(
            number, "expires", "must be a date without quotes and without a time, as in expires = 2027-01-31"
        )

    def _callback(self, number: int, text: Optional[str]) -> Optional[str]:
        for name in text.split(CALLBACK_SEPARATOR) if text else ():
            if name not in CALLBACKS:
                self._wrong(
                    number,
                    "callback",
                    f"there is no callback {_shown(name)}{_near(name, CALLBACKS)} "
                    f'(known are {", ".join(CALLBACKS)}; join several by "{CALLBACK_SEPARATOR}")',
                )
        return text

    def _wrong(self, number: int, key: str, problem: str) -> NoReturn:
        line = self._lines.key(number, key) or self._lines.keys.get(_TABLE, 0)
        _refuse(self._name, line, key, problem)


def _what(waiver: Waiver) -> Tuple[object, ...]:
    callbacks = frozenset(waiver.callback.split(CALLBACK_SEPARATOR)) if waiver.callback else None
    platform = waiver.platform.casefold() if waiver.platform else None
    return waiver.rule, waiver.filter.casefold(), platform, callbacks


def _near(word: str, known: Iterable[str]) -> str:
    by_lower = {one.lower(): one for one in known}
    near = difflib.get_close_matches(word[:_MAX_SHOWN].lower(), by_lower, 1)
    return f": do you mean {by_lower[near[0]]}?" if near else ""


def _shown(text: str) -> str:
    return repr(text) if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]!r}..."
