"""Processor architectures whose structure layouts we know."""

import enum

__all__ = ["Machine"]


class Machine(enum.Enum):
    """The target's architecture; the value is how recordings spell it."""

    X64 = "x64"
    ARM64 = "arm64"
    X86 = "x86"

    @property
    def pointer_size(self) -> int:
        """Bytes in a pointer and in a PFN: 8 on x64 and ARM64, 4 on x86."""
        return 4 if self is Machine.X86 else 8
