"""Reading pages.bin: each page is checked against the digest that calls.jsonl holds of it."""

import hashlib
from collections import OrderedDict
from typing import Iterator, Optional, Tuple

from ..errors import RecordingError
from ..spool import Spool
from ._content import Content
from ._layout import DIGEST_SIZE, PAGE_SIZE, PAGES_NAME
from ._source import Source
from .codec import NewPages

__all__ = ["PageFile"]

_CACHED = 256
_NONE = bytes(DIGEST_SIZE)
_CHUNK = 256


class PageFile:
    """The pages of a recording.

    Memory: 1 MiB of pages, and up to 4 MiB of digests, 16 bytes for each page that the lines brought; more
    digests are in a temporary file.

    Attributes:
        problem: why there is no page at all; empty where the file can be read.
    """

    def __init__(self, source: Source) -> None:
        self._place = source.place(PAGES_NAME)
        self._digests = Spool()
        self._cache: OrderedDict[int, bytes] = OrderedDict()
        self.problem = ""
        self._content: Optional[Content] = None
        self._size = 0
        self._gaps = False
        self._closed = False
        try:
            self._content = source.open(PAGES_NAME)
            self._size = self._content.size()
        except OSError as error:
            self.problem = f"{PAGES_NAME} cannot be read: {error.strerror or error}"

    @property
    def size(self) -> int:
        """Bytes of pages.bin when it was last looked at."""
        return self._size

    @property
    def in_file(self) -> int:
        """Whole pages in pages.bin."""
        return self._size // PAGE_SIZE

    @property
    def brought(self) -> int:
        """Pages that lines have brought the digests of (or lost them)."""
        return len(self._digests) // DIGEST_SIZE

    def bring(self, pages: NewPages, known: int) -> bool:
        """Learn digests from a line; False where they leave out more pages than the file holds. ``known`` is
        how many pages the lines before it brought, which may be read for the second time."""
        if pages.end > self.in_file:
            # The trace may still be running.
            self.look_again()
        if pages.first > max(known, self.in_file):
            return False
        if pages.end > self.brought:
            if pages.first > self.brought:
                self._gaps = True
                while pages.first > self.brought:
                    self._digests.append(_NONE * min(pages.first - self.brought, _CHUNK))
            self._digests.append(pages.digests[(self.brought - pages.first) * DIGEST_SIZE :])
        return True

    def look_again(self) -> None:
        """Ask for the file's size again."""
        if self._content is not None:
            self._size = self._content.size()

    @property
    def lacking(self) -> bool:
        """Whether any page that was brought is missing or without a digest."""
        return self._gaps or self.brought > self.in_file

    def why_missing(self, number: int) -> Optional[str]:
        """Why a page cannot be given, for one that a call names; None where it can."""
        if number >= self.in_file:
            return self.problem or f"{PAGES_NAME} ends before its page {number}"
        if not self._has_digest(number):
            return f"the digest of its page {number} is lost with a line before it"
        return None

    def digest(self, number: int) -> Optional[bytes]:
        """The digest of a page; None where none was brought, or it was lost with its line."""
        return self._digest(number) if number >= 0 and self._has_digest(number) else None

    def page(self, number: int) -> bytes:
        """The content of a page.

        Raises:
            RecordingError: there is no such page, or it is damaged.
        """
        content = self._cache.get(number)
        if content is not None:
            self._cache.move_to_end(number)
            return content
        if not 0 <= number < self.brought:
            raise RecordingError(f"there is no page {number}: the recording names {self.brought} pages")
        if self._closed:
            raise RecordingError(f"cannot read page {number}: the recording is closed")
        content = self._read(number * PAGE_SIZE, PAGE_SIZE)
        if len(content) < PAGE_SIZE:
            raise RecordingError(
                f"page {number} is missing: {self.problem or PAGES_NAME + ' ends before it'}"
            )
        if hashlib.blake2b(content, digest_size=DIGEST_SIZE).digest() != self._digest(number):
            raise RecordingError(f"page {number} of {PAGES_NAME} is damaged: it does not match its digest")
        self._cache[number] = content
        if len(self._cache) > _CACHED:
            self._cache.popitem(last=False)
        return content

    def damaged(self) -> Iterator[int]:
        """The numbers of all pages in the file that do not match their digests."""
        for first in range(0, min(self.brought, self.in_file), _CHUNK):
            chunk = self._read(first * PAGE_SIZE, _CHUNK * PAGE_SIZE)
            for number, content in _split(first, chunk):
                if number < self.brought and self._has_digest(number):
                    digest = hashlib.blake2b(content, digest_size=DIGEST_SIZE).digest()
                    if digest != self._digest(number):
                        yield number

    def sha256(self) -> str:
        """Of the whole file, as hex digits."""
        total = hashlib.sha256()
        for offset in range(0, self._size, _CHUNK * PAGE_SIZE):
            total.update(self._read(offset, min(_CHUNK * PAGE_SIZE, self._size - offset)))
        return total.hexdigest()

    def close(self) -> None:
        """A second call does nothing."""
        if self._content is not None:
            self._content.close()
            self._content = None
            self._closed = True
        self._cache.clear()

    def _has_digest(self, number: int) -> bool:
        return self._digest(number) not in (b"", _NONE)

    def _digest(self, number: int) -> bytes:
        return self._digests.read(number * DIGEST_SIZE, DIGEST_SIZE)

    def _read(self, offset: int, size: int) -> bytes:
        if self._content is None:
            return b""
        try:
            return self._content.read(offset, size)
        except OSError as error:
            raise RecordingError(f"cannot read {self._place}: {error.strerror or error}") from error


def _split(first: int, chunk: bytes) -> Iterator[Tuple[int, bytes]]:
    for index in range(len(chunk) // PAGE_SIZE):
        yield first + index, chunk[index * PAGE_SIZE : (index + 1) * PAGE_SIZE]
