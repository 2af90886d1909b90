"""A structure field by field: offset, name, value, and what the value is called."""

from typing import Any, Iterator, Mapping, NamedTuple, Optional, Tuple

from ..structures import (
    Layout,
    NtStatus,
    filter_extension_flag_names,
    filter_initialization_data_flag_names,
    mdl_flag_names,
)

__all__ = ["ShownField", "field_lines", "fields_of", "render_ntstatus"]

_FLAGS = {
    ("MDL", "MdlFlags"): mdl_flag_names,
    ("FILTER_EXTENSION", "Flags"): filter_extension_flag_names,
    ("FILTER_INITIALIZATION_DATA", "Flags"): filter_initialization_data_flag_names,
}
_STYLE_OF = {"Mbr": 0, "Gpt": 1}
# An address in decimal says nothing to anybody.
_ADDRESSES = frozenset(
    (
        "DeviceObject",
        "DumpData",
        "DumpFinish",
        "DumpPreReadWrite",
        "DumpRead",
        "DumpStart",
        "DumpUnload",
        "DumpWrite",
        "MappedSystemVa",
        "Next",
        "Process",
        "StartVa",
    )
)


def render_ntstatus(value: int) -> str:
    """An NTSTATUS: number, name, severity and what NT_SUCCESS makes of it."""
    status = NtStatus(value)
    name = status.name or "no name that this version knows"
    success = "yes" if status.is_success else "no"
    return f"0x{int(status):08X}  {name}  (severity {status.severity.name.lower()}, NT_SUCCESS: {success})"


def field_lines(layout: Layout, data: bytes, indent: str = "  ") -> Iterator[str]:
    """One line per field, nested structures by dotted names. Bytes after the structure are ignored.

    Raises:
        StructureError: too few bytes.
    """
    for field in fields_of(layout, data):
        yield f"{indent}{field.head}{field.text}"


class ShownField(NamedTuple):
    """A field for people: ``head`` is offset and name, ``text`` the value and what it is called; ``value`` is
    the number, None where it is none."""

    path: str
    head: str
    text: str
    value: Optional[int]


def fields_of(layout: Layout, data: bytes) -> Iterator[ShownField]:
    """Every field that means something, heads of equal length.

    Raises:
        StructureError: too few bytes.
    """
    parsed = layout.parse(data, allow_trailing=True)
    shown = [path for path in layout.leaves if _is_valid(layout, parsed, path)]
    width = max(len(path) for path in shown)
    for path in shown:
        field = layout.leaves[path]
        value = layout.value(parsed, path)
        number = None if isinstance(value, str) and not hasattr(value, "intvalue") else int(value)
        yield ShownField(
            path,
            f"+{field.offset:#04x} {path:{width}}  ",
            _value(layout, path, field.size, value),
            number,
        )


def _is_valid(layout: Layout, parsed: Mapping[str, Any], path: str) -> bool:
    """Of a union, only the member that PartitionStyle names; where it names none, all are shown."""
    parts = path.split(".")
    member = next((part for part in parts if part in _STYLE_OF), None)
    if member is None:
        return True
    where = ".".join([*parts[: parts.index(member)], "PartitionStyle"])
    style = int(layout.value(parsed, where))
    return style not in _STYLE_OF.values() or style == _STYLE_OF[member]


def _value(layout: Layout, path: str, size: int, value: Any) -> str:
    if isinstance(value, str) and not hasattr(value, "intvalue"):
        return value
    number = int(value)
    digits = f"0x{number & ((1 << 8 * size) - 1):0{2 * size}x}"
    names: Tuple[str, ...] = ()
    if hasattr(value, "intvalue"):
        names = (str(value),)
    elif (layout.name, path) in _FLAGS:
        names = _FLAGS[layout.name, path](number)
    if names:
        return f"{digits}  {' | '.join(names)}"
    return digits if path in _ADDRESSES else f"{digits}  {number}"
