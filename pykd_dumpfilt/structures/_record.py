"""A construct Struct of fixed size whose compiled parser unpacks the whole structure at once.

construct's own compiler reads member by member and makes a context for every nested Struct, which costs more
than the decoding. This one knows that nothing here depends on context, so one :class:`struct.Struct` does it.
Interpreted parsing, sizes and names are construct's, unchanged, which is what the compiled parser is tested
against.
"""

from typing import Any, Iterator, List, Optional, Tuple

from construct import Array, Bytes, Construct, Enum, FormatField, Padded, Peek, Renamed, Struct

__all__ = ["Record", "inside", "placed"]


def inside(member: Construct) -> Construct:
    """A member without its name and without the Peek that makes it share room with the next member."""
    while isinstance(member, (Renamed, Peek)):
        member = member.subcon
    return member


def placed(definition: Construct) -> Iterator[Tuple[str, int, Construct]]:
    """The named members of a Struct: name, offset in bytes, and what is inside."""
    offset = 0
    for member in definition.subcons:
        if member.name:
            yield member.name, offset, inside(member)
        elif not isinstance(inside(member), Padded):
            raise TypeError(f"a member without a name must be Padding, not {member!r}")
        # A Peek has size 0.
        offset += member.sizeof()


class Record(Struct):  # type: ignore[misc]
    """A Struct of integers, Enums, Bytes, Arrays of integers, Records, Peeks and whatever has a ``flat``
    method (see :class:`~pykd_dumpfilt.structures.ntdef._Guid`). Anything else does not compile: TypeError."""

    def _emitparse(self, code: Any) -> str:
        number = code.allocateId()
        passes = _Passes(f"unpack_{number}")
        result = _container(self, 0, passes, code)
        for name, layout in passes.formats():
            code.append(f"{name} = struct.Struct({layout!r}).unpack_from")
        lines = [f"def parse_record_{number}(data):"]
        lines += [f"    v{index} = {name}(data)" for index, (name, _) in enumerate(passes.formats())]
        lines.append(f"    return {result}")
        code.append("\n".join(lines))
        return f"parse_record_{number}(io.read({self.sizeof()}))"


class _Passes:
    """What to unpack: as few passes over the bytes as overlapping members allow."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._layouts: List[str] = []
        self._ends: List[int] = []
        self._counts: List[int] = []

    def take(self, offset: int, layout: str, size: int, count: Optional[int] = None) -> str:
        """Unpack one value of ``size`` bytes at ``offset``, or a tuple of ``count`` values that take ``size``
        bytes together; the expression that gives it."""
        free = [index for index, end in enumerate(self._ends) if end <= offset]
        index = free[0] if free else len(self._ends)
        if not free:
            self._layouts.append("<")
            self._ends.append(0)
            self._counts.append(0)
        self._layouts[index] += f"{offset - self._ends[index]}x{layout}"
        self._ends[index] = offset + size
        first = self._counts[index]
        self._counts[index] += 1 if count is None else count
        return f"v{index}[{first}]" if count is None else f"v{index}[{first}:{first + count}]"

    def formats(self) -> List[Tuple[str, str]]:
        return [(f"{self._name}_{index}", layout) for index, layout in enumerate(self._layouts)]


def _container(definition: Construct, offset: int, passes: _Passes, code: Any) -> str:
    members = (
        f"{name!r}: {_value(member, offset + start, passes, code)}"
        for name, start, member in placed(definition)
    )
    return "Container({" + ", ".join(members) + "})"


def _value(member: Construct, offset: int, passes: _Passes, code: Any) -> str:
    if isinstance(member, Struct):
        return _container(member, offset, passes, code)
    if isinstance(member, FormatField):
        return passes.take(offset, _letter(member), member.length)
    if isinstance(member, Enum) and isinstance(member.subcon, FormatField):
        names = f"names_{code.allocateId()}"
        code.append(f"{names} = {member.decmapping!r}")
        number = passes.take(offset, _letter(member.subcon), member.subcon.length)
        # No name is an empty string, so "or" is a default that is made only when needed.
        return f"({names}.get({number}) or EnumInteger({number}))"
    if isinstance(member, Bytes):
        return passes.take(offset, f"{member.length}s", member.length)
    if isinstance(member, Array) and isinstance(member.subcon, FormatField):
        layout = f"{member.count}{_letter(member.subcon)}"
        return f"ListContainer({passes.take(offset, layout, member.sizeof(), member.count)})"
    if hasattr(member, "flat"):
        size = member.sizeof()
        expression: str = member.flat(passes.take(offset, f"{size}s", size), code)
        return expression
    raise TypeError(f"{member!r} does not compile")


def _letter(member: Construct) -> str:
    order: str = member.fmtstr[0]
    letter: str = member.fmtstr[1:]
    if order != "<":
        raise TypeError(f"{member!r} is not little-endian")
    return letter
