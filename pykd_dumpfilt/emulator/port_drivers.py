"""The modules that a dump stack loads in front of its filters: port driver and miniport, as images that do
nothing here."""

from typing import Iterator

from .events import LoadedImage
from .image_builder import build_image
from .kernel import Kernel

__all__ = ["load_port_drivers"]

# An NVMe disk's pair. In load order: port driver, miniport, then filters.
_NAMES = ("dumpstorport", "stornvme")
_DISTANCE = 0x10000
_TEXT = b"\x31\xc0\xc3".ljust(16, b"\xcc")  # xor eax, eax; ret


def load_port_drivers(kernel: Kernel, prefix: str, base: int) -> Iterator[LoadedImage]:
    """Load both under the stack's prefix, one whenever the next is asked for."""
    for number, name in enumerate(_NAMES):
        at = base + number * _DISTANCE
        built = build_image(f"{name}.sys", at, _TEXT, 0x100, {})
        yield kernel.load_built(built, f"{prefix}{name}.sys", at)
