"""Changes of JSON lines that keep them JSON (mostly): values of other kinds, sizes and places."""

import json
from random import Random
from typing import Any, Callable, List, Sequence, Tuple

from ._bytes import edge, mutate_bytes

__all__ = ["mutate_line", "mutate_lines"]

_MAX_DEEP = 3000
_TEXTS = (
    *("", "\0", "\ud800", "\u202e", "e\u0301" * 9, "\U0001f4a9", "</script><b>", "`|\n#", "%n%s", "]]>&amp;"),
    *("0x", "0x0", "0xg", "-0x1", "0X1", "0x00", "1", "../../etc/passwd", "C:\\x", "=1+1", "\x1b[2J", "\x7f"),
)
_CHOSEN = ("x64", "x86", "arm64", "Dump_Read", "Dump_Write", "DriverEntry", "Dump_Unload", "virtual", "table")


def mutate_lines(lines: List[bytes], random: Random, others: Sequence[bytes]) -> None:
    """Change lines (with their line ends): one of them, or their order and number."""
    if not lines:
        lines.append(random.choice(others))
        return
    if random.random() < 0.72:
        at = _place(lines, random)
        lines[at] = mutate_line(lines[at], random, others)
        return
    random.choice(_LINE_WAYS)(lines, random, others)


def _place(lines: List[bytes], random: Random) -> int:
    # Header and footer are two of many, and hold much that others do not.
    return random.choice((0, len(lines) - 1)) if random.random() < 0.15 else random.randrange(len(lines))


def _delete(lines: List[bytes], random: Random, _others: Sequence[bytes]) -> None:
    del lines[random.randrange(len(lines))]


def _duplicate(lines: List[bytes], random: Random, _others: Sequence[bytes]) -> None:
    at = random.randrange(len(lines))
    times = 1 if random.random() < 0.97 else random.choice((20, 150))
    lines[at:at] = [lines[at]] * times


def _move(lines: List[bytes], random: Random, _others: Sequence[bytes]) -> None:
    line = lines.pop(random.randrange(len(lines)))
    lines.insert(random.randrange(len(lines) + 1), line)


def _shuffle(lines: List[bytes], random: Random, _others: Sequence[bytes]) -> None:
    rest = lines[1:]
    random.shuffle(rest)
    lines[1:] = rest


def _foreign(lines: List[bytes], random: Random, others: Sequence[bytes]) -> None:
    lines.insert(random.randrange(len(lines) + 1), random.choice(others))


def _tiny(lines: List[bytes], random: Random, _others: Sequence[bytes]) -> None:
    at = random.randrange(len(lines) + 1)
    lines[at:at] = [random.choice((b"\n", b"{}\n", b"[]\n", b"0\n", b"\0\n"))] * random.choice((1, 9, 300))


def _join(lines: List[bytes], random: Random, _others: Sequence[bytes]) -> None:
    at = random.randrange(len(lines))
    lines[at] = lines[at].rstrip(b"\n")


def _head(lines: List[bytes], random: Random, _others: Sequence[bytes]) -> None:
    del lines[random.randrange(len(lines)) :]


_LINE_WAYS: Tuple[Callable[[List[bytes], Random, Sequence[bytes]], None], ...] = (
    *(_delete, _duplicate, _duplicate, _move, _move, _shuffle, _foreign, _foreign, _tiny, _join, _head),
)


def mutate_line(line: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    """Change one line."""
    if random.random() < 0.2:
        raw = bytearray(line)
        mutate_bytes(raw, random, others)
        return bytes(raw)
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return random.choice(others)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        value = _changed(value, random, others)
    try:
        if random.random() < 0.03 and isinstance(value, dict) and value:
            return _twice(value, random)
        return _dump(value) + b"\n"
    except (ValueError, RecursionError):
        return line


def _dump(value: Any) -> bytes:
    return json.dumps(value).encode("ascii")


def _twice(value: Any, random: Random) -> bytes:
    """The same with a key that is there twice."""
    key = random.choice(list(value))
    return b"{" + _dump(key) + b": " + _dump(_scalar(random)) + b", " + _dump(value)[1:] + b"\n"


def _changed(value: Any, random: Random, others: Sequence[bytes]) -> Any:
    """The value with one place in it changed; the deeper the likelier."""
    if isinstance(value, dict) and value and random.random() < 0.93:
        key = random.choice(list(value))
        chance = random.random()
        if chance < 0.05:
            del value[key]
        elif chance < 0.08:
            value[random.choice((*value, "x", "", "kind", "number", "pages"))] = value[key]
        elif chance < 0.11:
            value[key] = _part(random.choice(others), random)
        else:
            value[key] = _changed(value[key], random, others)
        return value
    if isinstance(value, list) and value and random.random() < 0.93:
        at = random.randrange(len(value))
        chance = random.random()
        if chance < 0.06:
            del value[at]
        elif chance < 0.12:
            value[at:at] = [value[at]] * random.choice((1, 1, 2, 40))
        elif chance < 0.15:
            random.shuffle(value)
        else:
            value[at] = _changed(value[at], random, others)
        return value
    if random.random() < 0.75:
        return _alike(value, random)
    return _scalar(random) if random.random() < 0.9 else _nested(random)


def _part(line: bytes, random: Random) -> Any:
    """A value from somewhere in another line."""
    try:
        value = json.loads(line)
    except ValueError:
        return None
    while isinstance(value, (dict, list)) and value and random.random() < 0.6:
        value = random.choice(list(value.values() if isinstance(value, dict) else value))
    return value


def _alike(value: Any, random: Random) -> Any:
    """Another value that may pass for one of this kind."""
    if isinstance(value, bool) or value is None:
        return random.choice((True, False, None))
    if isinstance(value, int):
        return random.choice(
            (edge(random, 53), value + random.choice((1, -1, 16, 4096)), random.randrange(6))
        )
    if isinstance(value, str):
        if value.startswith("0x"):
            return hex(random.choice((edge(random), edge(random, 32), edge(random, 512))))
        if len(value) >= 16 and len(value) % 2 == 0 and not value.strip("0123456789abcdef"):
            data = bytearray.fromhex(value)
            for _ in range(random.choice((1, 1, 3))):
                mutate_bytes(data, random)
            size = len(value) // 2
            return (data if random.random() < 0.2 else data[:size].ljust(size, b"\0")).hex()
        if value in _CHOSEN:
            return random.choice(_CHOSEN)
        return random.choice((value + random.choice(_TEXTS), value[: random.randrange(len(value) + 1)]))
    return _scalar(random)


def _scalar(random: Random) -> Any:
    kind = random.randrange(9)
    if kind == 0:
        return random.choice((None, True, False, [], {}, [None], {"": None}))
    if kind == 1:
        return random.choice((0.0, -0.0, 1.0, 1e308, 5e-324, float("nan"), float("inf"), -1.5))
    if kind == 2:
        return random.choice((-1, 1 << 53, 1 << 64, 10**19, 10**30, -(10**40), 10**1000))
    if kind == 3:
        return random.choice(_TEXTS) * random.choice((1, 1, 1, 100))
    if kind == 4:
        return random.choice(("a", "0", "\u00e9", " ")) * random.choice((1000, 20000))
    if kind == 5:
        return hex(edge(random, random.choice((32, 64, 512))))
    if kind == 6:
        return random.choice(_CHOSEN)
    return edge(random, random.choice((8, 16, 32, 53, 64)))


def _nested(random: Random) -> Any:
    value: Any = _scalar(random)
    for _ in range(random.choice((5, 50, 400, _MAX_DEEP)) if random.random() < 0.2 else 3):
        value = [value] if random.random() < 0.5 else {"a": value}
    return value
