"""The target's table of breakpoints, as KD keeps one, and the proof that none is left behind."""

from dataclasses import dataclass
from typing import Dict, List, Tuple

import pefile

from pykd_dumpfilt.emulator import LoadedImage, Target
from pykd_dumpfilt.errors import TargetError

__all__ = ["BreakpointTable", "CodeWatch"]

_SLOTS = 32  # BREAKPOINT_TABLE_SIZE: a debugger that connects asks for handles 1 to 32 to be restored
_INT3 = b"\xcc"
_MEM_EXECUTE = 0x20000000
_HEADERS = 4096


@dataclass(frozen=True)
class _Entry:
    address: int
    original: bytes


class BreakpointTable:
    """Breakpoints that the debugger asked the target to write, by handle."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._entries: Dict[int, _Entry] = {}
        self.written: List[int] = []
        """Where breakpoints were written, in order of time."""

    def write(self, address: int) -> int:
        """Put an int3 at an address and give its handle; 0 where that cannot be done: not mapped, already
        there, or the table is full."""
        free = [handle for handle in range(1, _SLOTS + 1) if handle not in self._entries]
        if not free or any(entry.address == address for entry in self._entries.values()):
            return 0
        try:
            original = self._target.read_virtual(address, 1)
            self._target.write_virtual(address, _INT3)
        except TargetError:
            return 0
        self._entries[free[0]] = _Entry(address, original)
        self.written.append(address)
        return free[0]

    def restore(self, handle: int) -> bool:
        """Take an int3 out again; whether the handle was one of ours and its page is still there."""
        entry = self._entries.pop(handle, None)
        if entry is None:
            return False
        try:
            self._target.write_virtual(entry.address, entry.original)
        except TargetError:
            return False
        return True

    def restore_range(self, begin: int, end: int) -> None:
        """Take out those from ``begin`` to ``end`` - 1, as the kernel does with the code that it sends along
        with a state change: a debugger takes an int3 there for one of the program's own."""
        for handle in [one for one, entry in self._entries.items() if begin <= entry.address < end]:
            self.restore(handle)

    def forget(self, image: LoadedImage) -> List[int]:
        """Drop the entries of an image that goes away; their addresses."""
        gone = [
            handle
            for handle, entry in self._entries.items()
            if image.base <= entry.address < image.base + image.size
        ]
        return sorted(self._entries.pop(handle).address for handle in gone)

    @property
    def addresses(self) -> List[int]:
        """Where breakpoints are in now."""
        return sorted(entry.address for entry in self._entries.values())


class CodeWatch:
    """Compares the executable sections of images with what they were when they were loaded."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._sections: Dict[int, List[Tuple[int, bytes]]] = {}
        for image in target.modules():
            self.remember(image)

    def remember(self, image: LoadedImage) -> None:
        """Keep the code of an image, before any breakpoint can be in it."""
        headers = self._target.read_virtual(image.base, min(_HEADERS, image.size))
        portable = pefile.PE(data=headers, fast_load=True)
        try:
            self._sections[image.base] = [
                (image.base + section.VirtualAddress, self._code(image, section.VirtualAddress, section))
                for section in portable.sections
                if section.Characteristics & _MEM_EXECUTE
            ]
        finally:
            portable.close()

    def changes(self, image: LoadedImage) -> List[str]:
        """What differs, one line each: "name+0x1000: 48 has become cc"."""
        found = []
        for base, code in self._sections.get(image.base, []):
            now = self._target.read_virtual(base, len(code))
            if now != code:
                found += [
                    f"{image.name}+{base + i - image.base:#x}: {old:02x} has become {new:02x}"
                    for i, (old, new) in enumerate(zip(code, now))
                    if old != new
                ]
        return found

    def forget(self, image: LoadedImage) -> None:
        """The image is gone."""
        self._sections.pop(image.base, None)

    def _code(self, image: LoadedImage, rva: int, section: "pefile.SectionStructure") -> bytes:
        size = min(section.Misc_VirtualSize, image.size - rva)
        return self._target.read_virtual(image.base + rva, size)
