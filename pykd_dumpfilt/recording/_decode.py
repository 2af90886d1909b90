"""JSON objects of lines to values of the model; see :mod:`.codec` for the spelling.

Beside each value's own range, this checks what the model promises about values together, so that those who
judge need not: a short piece says why, every page that is None says why, a buffer is not larger than its
pages.
"""

import re
from functools import lru_cache
from typing import Any, Dict, List, Optional, Tuple

from ._layout import DIGEST_SIZE, PAGE_SIZE
from ._values import (
    MAX_ADDRESS,
    MAX_COUNT,
    MAX_SIZE,
    Wrong,
    count,
    items,
    mapping,
    number,
    octets,
    optional_text,
    registers,
    shown,
    text,
    texts,
    truth,
)
from .model import (
    CALLBACKS,
    ArmedCallback,
    Buffer,
    BugCheck,
    Call,
    Callbacks,
    Fault,
    Footer,
    Header,
    LoadedModule,
    Pdb,
    Piece,
    Scrubbed,
    Side,
    Unloaded,
)

__all__ = ["MACHINES", "call", "callbacks", "fault", "footer", "header", "module", "unload"]

MACHINES = ("x64", "arm64", "x86")
"""How a header spells the target's architecture; equal to the values of structures.Machine, which a
recording does without."""

_MAX_ARGUMENTS = 16
_BUG_CHECK_PARAMETERS = 4
_FOUND_BY = ("table", "memory", "symbol", "address", "header")
_VIA = ("physical", "virtual")
_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|\+00:00)", re.ASCII)
_GUID = re.compile(r"[0-9a-f]{32}")
_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")
_INTEGERS = {int}
_MAX_NAME = 1024
_MAX_PAGES = 16 * 1024  # of all MDLs of a chain: 64 MiB, and the most that a trace keeps
_MAX_DEPTH = 32
_REMEMBERED = 512
_REMEMBERED_DIGITS = 1024


def _piece(value: Any, key: str) -> Piece:
    fields = mapping(value, key)
    data = fields.get("data")
    if type(data) is str and len(data) <= _REMEMBERED_DIGITS and fields.get("missing") is None:
        try:
            return _whole_piece(fields.get("address"), data, fields.get("asked"))
        except (TypeError, Wrong):
            # Something is wrong with it, which is told below with its key.
            pass
    return _any_piece(fields, key)


# typed: 1, 1.0 and True are equal keys, and only one of them is a count.
@lru_cache(maxsize=_REMEMBERED, typed=True)
def _whole_piece(address: Any, data: str, asked: Any) -> Piece:
    """Most structures are the same from one call to the next; one value for them is made, compared and
    decoded once. At most 512 of 512 bytes are remembered."""
    return _any_piece({"address": address, "data": data, "asked": asked}, "")


def _any_piece(fields: Dict[str, Any], key: str) -> Piece:
    data = octets(fields.get("data"), key, ".data")
    asked = count(fields.get("asked"), key, MAX_SIZE, ".asked")
    missing = fields.get("missing")
    if missing is not None:
        text(missing, key + ".missing")
    if len(data) != asked:
        if len(data) > asked:
            raise Wrong(key + ".data", f"{len(data)} bytes where {asked} were asked for")
        if missing is None:
            raise Wrong(key + ".missing", f"must say why only {len(data)} of {asked} bytes were read")
    return Piece(number(fields.get("address"), key, MAX_ADDRESS, ".address"), data, asked, missing)


def _optional_piece(fields: Dict[str, Any], name: str, key: str) -> Optional[Piece]:
    value = fields.get(name)
    return None if value is None else _piece(value, f"{key}.{name}")


def _pieces(fields: Dict[str, Any], name: str, key: str) -> Tuple[Piece, ...]:
    if name not in fields:
        return ()
    found = items(fields[name], f"{key}.{name}")
    return tuple([_piece(value, f"{key}.{name}[{index}]") for index, value in enumerate(found)])


def _unreadable(value: Any, key: str, pages: List[Any]) -> Dict[int, str]:
    found = {}
    for index, why in mapping(value, key).items():
        if not _INDEX.fullmatch(index) or int(index) >= len(pages) or pages[int(index)] is not None:
            raise Wrong(key, f"{shown(index)} is not the index of a page that is null")
        found[int(index)] = text(why, key)
    return found


def _buffer(value: Any, key: str, known_pages: int) -> Buffer:
    fields = mapping(value, key)
    via = fields.get("via")
    if type(via) is not str or via not in _VIA:
        raise Wrong(key + ".via", f"expected physical or virtual, found {shown(via)}")
    pages = items(fields.get("pages"), key + ".pages")
    holes = 0
    # All at once, for speed; what is wrong is found one by one.
    if set(map(type, pages)) != _INTEGERS or min(pages) < 0 or max(pages) >= known_pages:
        for page in pages:
            if page is not None and (type(page) is not int or not 0 <= page < known_pages):
                raise Wrong(
                    key + ".pages",
                    f"expected numbers of pages below {known_pages} or null, found {shown(page)}",
                )
        holes = pages.count(None)
    offset = count(fields.get("offset"), key + ".offset", PAGE_SIZE - 1)
    size = count(fields.get("size"), key + ".size", max(0, len(pages) * PAGE_SIZE - offset))
    unreadable = (
        _unreadable(fields["unreadable"], key + ".unreadable", pages) if "unreadable" in fields else {}
    )
    if len(unreadable) != holes:
        raise Wrong(key + ".unreadable", "must say for each page that is null why it could not be read")
    truncated = optional_text(fields.get("truncated"), key + ".truncated")
    hashes = _hashes(fields["hashes"], key + ".hashes") if "hashes" in fields else ()
    fallback = optional_text(fields.get("fallback"), key + ".fallback")
    return Buffer(via, offset, size, tuple(pages), unreadable, truncated, hashes, fallback)


def _hashes(value: Any, key: str) -> Tuple[Optional[str], ...]:
    found = items(value, key)
    for entry in found:
        if entry is not None and len(octets(entry, key)) != DIGEST_SIZE:
            raise Wrong(key, f"expected {DIGEST_SIZE} bytes or null, found {shown(entry)}")
    return tuple(found)


def _buffers(fields: Dict[str, Any], name: str, key: str, known_pages: int) -> Tuple[Buffer, ...]:
    if name not in fields:
        return ()
    found = items(fields[name], f"{key}.{name}")
    buffers = tuple([_buffer(value, f"{key}.{name}[{at}]", known_pages) for at, value in enumerate(found)])
    pages = sum([len(buffer.pages) for buffer in buffers])
    if pages > _MAX_PAGES:
        # A page can be named by two bytes. What is made of a buffer must not be that much larger than a line.
        raise Wrong(f"{key}.{name}", f"{pages} pages, more than {_MAX_PAGES}")
    return buffers


def _side(value: Any, key: str, known_pages: int) -> Side:
    fields = mapping(value, key)
    return Side(
        registers(fields.get("registers"), key + ".registers"),
        _optional_piece(fields, "filter_extension", key),
        _optional_piece(fields, "filter_initialization_data", key),
        _optional_piece(fields, "disk_byte_offset", key),
        _pieces(fields, "mdls", key),
        _buffers(fields, "buffers", key, known_pages),
        _buffers(fields, "source", key, known_pages),
        _pieces(fields, "mapped", key),
        _buffers(fields, "around", key, known_pages),
    )


def _names(value: Any, key: str) -> Tuple[str, ...]:
    found = texts(value, key, CALLBACKS)
    if not found or len(set(found)) != len(found):
        raise Wrong(key, "expected at least one name, and none of them twice")
    return found


def _bug_check(value: Any) -> BugCheck:
    fields = mapping(value, "bug_check")
    parameters = items(fields.get("parameters"), "bug_check.parameters")
    if len(parameters) != _BUG_CHECK_PARAMETERS:
        raise Wrong("bug_check.parameters", f"{len(parameters)} of them, not {_BUG_CHECK_PARAMETERS}")
    return BugCheck(
        number(fields.get("code"), "bug_check.code", MAX_SIZE),
        tuple([number(parameter, "bug_check.parameters") for parameter in parameters]),
    )


def call(fields: Dict[str, Any], known_pages: int) -> Call:
    """A call; ``known_pages`` is how many pages it may name."""
    arguments = items(fields.get("arguments"), "arguments")
    if len(arguments) > _MAX_ARGUMENTS:
        raise Wrong("arguments", f"{len(arguments)} of them, more than {_MAX_ARGUMENTS}")
    exit_side = fields.get("exit")
    status = fields.get("status")
    return Call(
        count(fields.get("number"), "number"),
        count(fields.get("module"), "module"),
        _names(fields.get("callbacks"), "callbacks"),
        number(fields.get("return_address"), "return_address"),
        tuple([number(argument, "arguments") for argument in arguments]),
        _side(fields.get("entry"), "entry", known_pages),
        None if exit_side is None else _side(exit_side, "exit", known_pages),
        None if status is None else number(status, "status", 0xFFFFFFFF),
        optional_text(fields.get("unreturned"), "unreturned"),
        truth(fields.get("gone"), "gone"),
        None if fields.get("bug_check") is None else _bug_check(fields["bug_check"]),
    )


def _optional_number(fields: Dict[str, Any], key: str, limit: int) -> Optional[int]:
    value = fields.get(key)
    return None if value is None else number(value, key, limit)


def _name(value: Any, key: str) -> str:
    name = text(value, key)
    if len(name) > _MAX_NAME:
        raise Wrong(key, f"{len(name)} characters, more than {_MAX_NAME}")
    return name


def _pdb(value: Any) -> Pdb:
    fields = mapping(value, "pdb")
    guid = text(fields.get("guid"), "pdb.guid")
    if not _GUID.fullmatch(guid):
        raise Wrong("pdb.guid", f"expected 32 lower-case hex digits, found {shown(guid)}")
    return Pdb(_name(fields.get("name"), "pdb.name"), guid, count(fields.get("age"), "pdb.age", MAX_SIZE))


def module(fields: Dict[str, Any]) -> LoadedModule:
    """A loaded module."""
    return LoadedModule(
        count(fields.get("number"), "number"),
        _name(fields.get("name"), "name"),
        number(fields.get("base"), "base"),
        count(fields.get("size"), "size", MAX_SIZE),
        _optional_number(fields, "entry_point", MAX_ADDRESS),
        _optional_number(fields, "timestamp", MAX_SIZE),
        _optional_number(fields, "checksum", MAX_SIZE),
        _pdb(fields["pdb"]) if fields.get("pdb") is not None else None,
    )


def _armed(value: Any, key: str) -> ArmedCallback:
    fields = mapping(value, key)
    names = _names(fields.get("callbacks"), key + ".callbacks")
    found_by = texts(fields.get("found_by"), key + ".found_by", _FOUND_BY)
    if len(found_by) != len(names):
        raise Wrong(key + ".found_by", f"{len(found_by)} of them for {len(names)} callbacks")
    return ArmedCallback(number(fields.get("address"), key + ".address"), names, found_by)


def callbacks(fields: Dict[str, Any]) -> Callbacks:
    """What is watched in a module."""
    armed = items(fields.get("armed"), "armed")
    return Callbacks(
        count(fields.get("module"), "module"),
        tuple([_armed(value, f"armed[{index}]") for index, value in enumerate(armed)]),
        texts(fields["absent"], "absent", CALLBACKS) if "absent" in fields else (),
    )


def unload(fields: Dict[str, Any]) -> Unloaded:
    """A module's unloading."""
    return Unloaded(count(fields.get("module"), "module"))


def fault(fields: Dict[str, Any]) -> Fault:
    """A fault of the tool."""
    concerned = fields.get("call")
    return Fault(
        text(fields.get("during"), "during"),
        text(fields.get("message"), "message"),
        None if concerned is None else count(concerned, "call"),
    )


def _text_map(value: Any, key: str) -> Dict[str, str]:
    return {name: text(found, key) for name, found in mapping(value, key).items()}


def _options(value: Any) -> Dict[str, Any]:
    """Any JSON. Its depth is bounded, so that whoever writes it again need not fear for the stack."""
    options = mapping(value, "options")
    level: List[Any] = [options]
    for _ in range(_MAX_DEPTH):
        level = [
            inner
            for one in level
            for inner in (one.values() if type(one) is dict else one)
            if type(inner) in (dict, list)
        ]
        if not level:
            return options
    raise Wrong("options", f"nested deeper than {_MAX_DEPTH}")


def _scrubbed(value: Any) -> Scrubbed:
    fields = mapping(value, "scrubbed")
    return Scrubbed(text(fields.get("tool"), "scrubbed.tool"), text(fields.get("key"), "scrubbed.key"))


def header(fields: Dict[str, Any]) -> Header:
    """The header; format and version are looked at before, by the reader."""
    machine = text(fields.get("machine"), "machine")
    if machine not in MACHINES:
        raise Wrong("machine", f"expected one of {', '.join(MACHINES)}; found {shown(machine)}")
    created = text(fields.get("created"), "created")
    if not _UTC.fullmatch(created):
        raise Wrong("created", f"expected UTC such as 2024-05-01T12:00:00Z, found {shown(created)}")
    debugger = _text_map(fields.get("debugger"), "debugger")
    for name in ("engine", "version", "target"):
        text(debugger.get(name), f"debugger.{name}")
    return Header(
        text(fields.get("filter"), "filter"),
        machine,
        created,
        text(fields.get("tool"), "tool"),
        debugger,
        _options(fields.get("options", {})),
        None if fields.get("scrubbed") is None else _scrubbed(fields["scrubbed"]),
    )


def footer(fields: Dict[str, Any]) -> Footer:
    """The footer."""
    return Footer(
        count(fields.get("calls"), "calls"),
        count(fields.get("pages"), "pages"),
        text(fields.get("reason"), "reason"),
        count(fields.get("lost"), "lost", MAX_COUNT),
        _text_map(fields.get("digests", {}), "digests"),
        count(fields.get("left_out", 0), "left_out", MAX_COUNT),
    )
