"""Values of the model to the JSON objects of their lines; see :mod:`.codec` for the spelling."""

import json
from typing import Any, Callable, Dict, List, Mapping, Sequence, Union

from .model import (
    ArmedCallback,
    Buffer,
    Call,
    Callbacks,
    Fault,
    Footer,
    Header,
    LoadedModule,
    Piece,
    Record,
    Side,
    Unloaded,
)

__all__ = ["dump", "fields"]

# Blanks after commas and colons let word-wise diffs of two recordings work.
_encoder = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(", ", ": "))


def dump(value: Dict[str, Any]) -> bytes:
    """The line of a JSON object.

    Raises:
        TypeError, ValueError, RecursionError: JSON cannot hold it.
    """
    line = _encoder.encode(value)
    if "\\ud" in line:
        # Half of a surrogate pair comes from a file name that is not Unicode. Such a text is for people:
        # a replacement character does no harm, refusing the line would lose it.
        whole = json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass")
        line = _encoder.encode(json.loads(whole.decode("utf-16", "replace")))
    return line.encode("ascii") + b"\n"


def fields(item: Union[Header, Record, Footer]) -> Dict[str, Any]:
    """The JSON object for a value, without the pages that its line brings."""
    return _ENCODERS[type(item)](item)


def _named_values(values: Mapping[str, int]) -> Dict[str, str]:
    return {name: hex(values[name]) for name in sorted(values)}


def _piece(piece: Piece) -> Dict[str, Any]:
    found = {"address": hex(piece.address), "data": piece.data.hex(), "asked": piece.asked}
    if piece.missing is not None:
        found["missing"] = piece.missing
    return found


def _buffer(buffer: Buffer) -> Dict[str, Any]:
    found: Dict[str, Any] = {
        "via": buffer.via,
        "offset": buffer.offset,
        "size": buffer.size,
        "pages": list(buffer.pages),
    }
    if buffer.unreadable:
        found["unreadable"] = {str(index): buffer.unreadable[index] for index in sorted(buffer.unreadable)}
    if buffer.truncated is not None:
        found["truncated"] = buffer.truncated
    if buffer.fallback is not None:
        found["fallback"] = buffer.fallback
    if buffer.hashes:
        found["hashes"] = list(buffer.hashes)
    return found


def _side(side: Side) -> Dict[str, Any]:
    found: Dict[str, Any] = {"registers": _named_values(side.registers)}
    for key in ("filter_extension", "filter_initialization_data", "disk_byte_offset"):
        piece = getattr(side, key)
        if piece is not None:
            found[key] = _piece(piece)
    if side.mdls:
        found["mdls"] = [_piece(piece) for piece in side.mdls]
    if side.buffers:
        found["buffers"] = [_buffer(buffer) for buffer in side.buffers]
    if side.source:
        found["source"] = [_buffer(buffer) for buffer in side.source]
    if side.mapped:
        found["mapped"] = [_piece(piece) for piece in side.mapped]
    if side.around:
        found["around"] = [_buffer(buffer) for buffer in side.around]
    return found


def _call(call: Call) -> Dict[str, Any]:
    found: Dict[str, Any] = {
        "kind": "call",
        "number": call.number,
        "module": call.module,
        "callbacks": list(call.callbacks),
        "return_address": hex(call.return_address),
        "arguments": [hex(argument) for argument in call.arguments],
        "entry": _side(call.entry),
    }
    if call.exit is not None:
        found["exit"] = _side(call.exit)
    if call.status is not None:
        found["status"] = hex(call.status)
    if call.unreturned is not None:
        found["unreturned"] = call.unreturned
    if call.gone:
        found["gone"] = True
    if call.bug_check is not None:
        found["bug_check"] = {
            "code": hex(call.bug_check.code),
            "parameters": [hex(parameter) for parameter in call.bug_check.parameters],
        }
    return found


def _hex_given(**optional: Any) -> Dict[str, str]:
    return {key: hex(value) for key, value in optional.items() if value is not None}


def _module(module: LoadedModule) -> Dict[str, Any]:
    found: Dict[str, Any] = {
        "kind": "module",
        "number": module.number,
        "name": module.name,
        "base": hex(module.base),
        "size": module.size,
        **_hex_given(entry_point=module.entry_point, timestamp=module.timestamp, checksum=module.checksum),
    }
    if module.pdb is not None:
        found["pdb"] = {"name": module.pdb.name, "guid": module.pdb.guid, "age": module.pdb.age}
    return found


def _armed(armed: Sequence[ArmedCallback]) -> List[Dict[str, Any]]:
    return [
        {"address": hex(one.address), "callbacks": list(one.callbacks), "found_by": list(one.found_by)}
        for one in armed
    ]


def _callbacks(item: Callbacks) -> Dict[str, Any]:
    found: Dict[str, Any] = {"kind": "callbacks", "module": item.module, "armed": _armed(item.armed)}
    if item.absent:
        found["absent"] = list(item.absent)
    return found


def _unloaded(item: Unloaded) -> Dict[str, Any]:
    return {"kind": "unload", "module": item.module}


def _fault(item: Fault) -> Dict[str, Any]:
    found: Dict[str, Any] = {"kind": "fault", "during": item.during, "message": item.message}
    if item.call is not None:
        found["call"] = item.call
    return found


def _header(header: Header) -> Dict[str, Any]:
    found: Dict[str, Any] = {
        "kind": "header",
        "filter": header.filter,
        "machine": header.machine,
        "created": header.created,
        "tool": header.tool,
        "debugger": dict(sorted(header.debugger.items())),
    }
    if header.options:
        found["options"] = dict(sorted(header.options.items()))
    if header.scrubbed is not None:
        found["scrubbed"] = {"tool": header.scrubbed.tool, "key": header.scrubbed.key}
    return found


def _footer(footer: Footer) -> Dict[str, Any]:
    found: Dict[str, Any] = {
        "kind": "footer",
        "calls": footer.calls,
        "pages": footer.pages,
        "reason": footer.reason,
        "lost": footer.lost,
    }
    if footer.digests:
        found["digests"] = dict(sorted(footer.digests.items()))
    if footer.left_out:
        found["left_out"] = footer.left_out
    return found


_ENCODERS: Dict[type, Callable[[Any], Dict[str, Any]]] = {
    Header: _header,
    LoadedModule: _module,
    Callbacks: _callbacks,
    Call: _call,
    Unloaded: _unloaded,
    Fault: _fault,
    Footer: _footer,
}
