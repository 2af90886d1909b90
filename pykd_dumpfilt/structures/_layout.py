"""A fixed-size structure: where its fields lie, and how to parse it safely and fast.

construct's compiled parsers are several times faster than its interpreted ones, but take short input without
a word. So every parse here checks the length first, and a test holds both parsers to equal answers.
"""

import io
from typing import Any, Iterator, Mapping, NamedTuple, Optional, Tuple, Union

from construct import Construct, ConstructError, Container, Struct

from ..errors import StructureError
from ._record import Record, placed

__all__ = ["Buffer", "Field", "Layout"]

Buffer = Union[bytes, bytearray, memoryview]
"""What can be parsed."""


class Field(NamedTuple):
    """Where a field lies: ``offset`` from the start of the outermost structure and ``size``, in bytes."""

    offset: int
    size: int


class Layout:
    """One structure as one kind of machine lays it out.

    Attributes:
        name: as Microsoft writes it ("FILTER_EXTENSION").
        variant: which form of it, in a few words for messages ("64-bit").
        size: sizeof, in bytes, tail padding included.
        fields: every field by its dotted path ("Geometry.Cylinders"), in the order of the declaration; a
            nested structure is listed itself, before its members. Padding is not listed.
        leaves: those of ``fields`` that hold a value and no members. Members of a union overlap.
        definition: the construct definition.
    """

    def __init__(self, name: str, variant: str, definition: Record) -> None:
        self.name = name
        self.variant = variant
        self.definition = definition
        self.size: int = definition.sizeof()
        self.fields: Mapping[str, Field] = dict(_fields(definition, 0, ""))
        self.leaves: Mapping[str, Field] = {
            path: field
            for path, field in self.fields.items()
            if not any(other.startswith(path + ".") for other in self.fields)
        }
        self._compiled: Optional[Construct] = None

    def __repr__(self) -> str:
        return f"<Layout {self.name}, {self.variant}, {self.size} bytes>"

    def parse(self, data: Buffer, *, allow_trailing: bool = False) -> Container:
        """The structure's fields, by Microsoft's names.

        Any bytes of the right length parse: a value that an enumeration does not name is a plain number.

        Args:
            data: exactly :attr:`size` bytes, or at least that many with ``allow_trailing``.
            allow_trailing: ignore bytes after the structure.

        Raises:
            StructureError: too few bytes, or too many.
        """
        checked = self._checked(data, allow_trailing)
        if self._compiled is None:
            self._compiled = self.definition.compile()
        # A compiled Record asks nothing of construct's context, and making one takes longer than parsing.
        return self._compiled._parse(io.BytesIO(checked), None, "(parsing)")

    def parse_interpreted(self, data: Buffer, *, allow_trailing: bool = False) -> Container:
        """What :meth:`parse` gives, by construct's slower interpreter: the oracle for tests."""
        checked = self._checked(data, allow_trailing)
        try:
            return self.definition.parse_stream(io.BytesIO(checked))
        except ConstructError as error:
            raise StructureError(f"{self.name} ({self.variant}) cannot be decoded: {error}") from error

    def value(self, parsed: Mapping[str, Any], path: str) -> Any:
        """The value at a dotted path of :attr:`fields` in what :meth:`parse` gave."""
        found: Any = parsed
        for part in path.split("."):
            found = found[part]
        return found

    def _checked(self, data: Buffer, allow_trailing: bool) -> Buffer:
        given = len(data)
        if given < self.size:
            raise StructureError(
                f"{self.name} ({self.variant}) needs {self.size} bytes, {given} given: "
                "read more of it, or choose the form that fits"
            )
        if given > self.size and not allow_trailing:
            raise StructureError(
                f"{self.name} ({self.variant}) is {self.size} bytes, {given} given: "
                "give exactly that many, or choose the form that fits"
            )
        return data


def _fields(definition: Construct, offset: int, prefix: str) -> Iterator[Tuple[str, Field]]:
    for name, start, member in placed(definition):
        yield prefix + name, Field(offset + start, member.sizeof())
        if isinstance(member, Struct):
            yield from _fields(member, offset + start, f"{prefix}{name}.")
