"""What a call changed, for people."""

from itertools import islice
from typing import Dict, Iterator, List, Tuple

from ..decoded import BufferView, Change, DecodedCall, DecodedSide, mdl_changes, structure_changes
from ..errors import RecordingError

__all__ = ["brief_changes", "byte_ranges", "changed_registers", "structure_change_lines"]

_LISTED = 100
_BRIEF = 4
_ARITHMETIC_FLAGS = 0x8D5  # CF PF AF ZF SF OF: any instruction changes them, and no callee must keep them
_UNIT = 16


def brief_changes(call: DecodedCall) -> str:
    """A few words for one line of a list."""
    if call.exit is None:
        return "did not return"
    words = []
    if call.entry.buffers:
        words += _buffer_words(call)
    for structure, fields in _grouped(call):
        words.append(f"{structure} ({fields})")
    registers = [name for name, _, _ in changed_registers(call)]
    if registers:
        words.append(f"registers {' '.join(registers)}")
    return ", ".join(words)


def structure_change_lines(call: DecodedCall) -> List[str]:
    """One line per changed field, up to a hundred."""
    if call.exit is None:
        return []
    changes = _changes(call, call.exit)
    lines = [str(change) for change in islice(changes, _LISTED)]
    rest = sum(1 for _ in changes)
    if rest:
        lines.append(f"and {rest} more")
    return lines


def changed_registers(call: DecodedCall) -> List[Tuple[str, int, int]]:
    """Registers that hold another value at return: name, before, after. Not those that a return changes by
    itself: the stack pointer (by the return address), the result, the arithmetic flags."""
    if call.exit is None:
        return []
    found = []
    for name, before in call.entry.registers.items():
        after = call.exit.registers.get(name)
        if after is None or after == before:
            continue
        if name == "rsp" and after == before + call.machine.pointer_size:
            continue
        if name in ("efl", "rflags") and not (before ^ after) & ~_ARITHMETIC_FLAGS:
            continue
        found.append((name, before, after))
    return found


def byte_ranges(before: bytes, after: bytes) -> List[Tuple[int, int]]:
    """Where two strings differ: start and end, in units of 16 bytes, neighbours joined."""
    found: List[Tuple[int, int]] = []
    size = min(len(before), len(after))
    for at in range(0, size, _UNIT):
        end = min(at + _UNIT, size)
        if before[at:end] != after[at:end]:
            if found and found[-1][1] == at:
                found[-1] = (found[-1][0], end)
            else:
                found.append((at, end))
    if len(before) != len(after):
        found.append((size, max(len(before), len(after))))
    return found


def _changes(call: DecodedCall, after: DecodedSide) -> Iterator[Change]:
    yield from structure_changes(call.entry, after, call.machine)
    yield from mdl_changes(call.entry, after, call.machine)


def _grouped(call: DecodedCall) -> List[Tuple[str, str]]:
    """Structure and its changed fields, page frame numbers as one."""
    fields: Dict[str, Dict[str, None]] = {}
    if call.exit is not None:
        for change in islice(_changes(call, call.exit), _LISTED):
            name = "PFNs" if change.field.startswith("PFN[") else change.field
            fields.setdefault(change.structure, {})[name] = None
    groups = []
    for structure, names in fields.items():
        listed = list(names)
        more = [f"{len(listed) - _BRIEF} more"] if len(listed) > _BRIEF else []
        groups.append((structure, " ".join(listed[:_BRIEF] + more)))
    return groups


def _buffer_words(call: DecodedCall) -> List[str]:
    assert call.exit is not None
    words = []
    if call.exit.source:
        # The MDL names other pages now: what lies in them is new by nature, what matters is the caller's.
        words.append("buffer replaced")
        words += _if_changed("caller's buffer", call.entry.buffers, call.exit.source)
    else:
        words += _if_changed("buffer", call.entry.buffers, call.exit.buffers)
    return words


def _if_changed(name: str, before: Tuple[BufferView, ...], after: Tuple[BufferView, ...]) -> List[str]:
    try:
        same = len(before) == len(after) and all(one.same_as(two) for one, two in zip(before, after))
    except RecordingError:
        return [f"{name} unreadable"]
    return [] if same else [name]
