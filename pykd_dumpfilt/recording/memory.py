"""Pages kept in memory: for tracing without a disk, and for tests."""

from typing import Dict, List

from ..errors import RecordingError
from ._layout import PAGE_SIZE

__all__ = ["MemoryPageStore"]


class MemoryPageStore:
    """A :class:`~.model.PageStore` without a file. It keeps all it is given, without a bound."""

    def __init__(self) -> None:
        self._pages: List[bytes] = []
        self._numbers: Dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._pages)

    def put(self, content: bytes) -> int:
        """Keep a page of 4096 bytes; equal content gets the number it already has.

        Raises:
            RecordingError: it is no page of 4096 bytes.
        """
        if len(content) != PAGE_SIZE:
            raise RecordingError(f"a page holds {PAGE_SIZE} bytes, not {len(content)}")
        content = bytes(content)
        number = self._numbers.setdefault(content, len(self._pages))
        if number == len(self._pages):
            self._pages.append(content)
        return number

    def page(self, number: int) -> bytes:
        """The 4096 bytes of page ``number``.

        Raises:
            RecordingError: there is no such page.
        """
        if not 0 <= number < len(self._pages):
            raise RecordingError(f"there is no page {number}: {len(self._pages)} pages are kept")
        return self._pages[number]
