"""Tables of the keys that a published JSON Schema describes, where a page asks for them.

A page asks with a line ``<!-- keys: recording call -->``: the schema's name and one of its ``$defs``, or
``report`` alone for the outermost object.
"""

import json
import re
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

__all__ = ["SCHEMAS", "keys", "with_tables"]

_PACKAGE = Path(__file__).resolve().parents[2] / "pykd_dumpfilt"
SCHEMAS = {
    "recording": _PACKAGE / "recording" / "recording.schema.json",
    "report": _PACKAGE / "reports" / "report.schema.json",
    "info": _PACKAGE / "reports" / "info.schema.json",
    "diff": _PACKAGE / "reports" / "diff.schema.json",
}
_ASKED = re.compile(r"^<!-- keys: (\w+)(?: (\w+))? -->$", re.MULTILINE)
_WORDS = {"string": "text", "integer": "integer", "boolean": "true or false", "null": "null"}


def with_tables(markdown: str) -> str:
    """A page with the tables that it asks for.

    Raises:
        KeyError: there is no such schema, or it defines no such object.
    """
    return _ASKED.sub(lambda asked: "\n".join(_table(asked[1], asked[2])), markdown)


def keys(schema: str, name: Optional[str] = None) -> Dict[str, Any]:
    """The keys of an object by name, as the schema describes them."""
    found: Dict[str, Any] = _object(schema, name)["properties"]
    return found


def _object(schema: str, name: Optional[str]) -> Dict[str, Any]:
    whole: Dict[str, Any] = json.loads(SCHEMAS[schema].read_text(encoding="utf-8"))
    found: Dict[str, Any] = whole["$defs"][name] if name else whole
    return found


def _table(schema: str, name: Optional[str]) -> Iterator[str]:
    needed = _object(schema, name).get("required", [])
    yield "| key | needed | value | what it holds |"
    yield "| --- | --- | --- | --- |"
    for key, one in keys(schema, name).items():
        must = "yes" if key in needed else ""
        yield f"| `{key}` | {must} | {_value(one)} | {_cell(one.get('description', ''))} |"


def _value(one: Dict[str, Any]) -> str:
    if "const" in one:
        return f"`{json.dumps(one['const'])}`"
    if "enum" in one:
        return ", ".join(f"`{json.dumps(each)}`" for each in one["enum"])
    if "$ref" in one:
        return str(one["$ref"]).rpartition("/")[2].replace("_", " ")
    for several in ("anyOf", "oneOf"):
        if several in one:
            return " or ".join(_value(each) for each in one[several])
    kinds: List[str] = [one["type"]] if isinstance(one.get("type"), str) else one.get("type", [])
    return " or ".join(_kind(kind, one) for kind in kinds) or "any"


def _kind(kind: str, one: Dict[str, Any]) -> str:
    if kind == "array":
        return f"list of: {_value(one['items'])}" if "items" in one else "list"
    return "object" if kind == "object" else _WORDS.get(kind, kind)


def _cell(text: str) -> str:
    return re.sub(r"[*|<\\]", r"\\\g<0>", text)
