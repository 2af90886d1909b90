"""Reading a recording: as a stream, in bounded memory, as far as it can be read.

Damage (a cut last line, a line that makes no sense, a page that is missing) costs what it hits and no more:
the rest is given, and :attr:`Recording.damage` says what is missing. Only a recording whose header cannot be
read is an error.
"""

import hashlib
import os
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple, Type, Union

from ..errors import RecordingError
from . import codec
from ._content import stream
from ._damage import DamageLog
from ._layout import CALLS_NAME, PAGES_NAME
from ._pagefile import PageFile
from ._scan import Scan
from ._source import find_recording, open_source
from .model import Call, Footer, Header, LoadedModule, Record
from .versions import CURRENT, Versions

__all__ = ["Progress", "Recording", "read_recording"]

_CHUNK = 1024 * 1024


def read_recording(
    path: "Union[str, os.PathLike[str]]",
    versions: Versions = CURRENT,
    progress: "Optional[Callable[[Progress], None]]" = None,
) -> "Recording":
    """Open a recording by its folder, or by the zip that it is packed in; ".dumpfilt" and ".zip" may be left
    out.

    Args:
        versions: the formats to read.
        progress: called while a packed one is unpacked; ``done`` and ``total`` are bytes of both files then.

    Raises:
        RecordingError: there is none, its header cannot be read, or a newer version made it.
        SpoolError: it is packed, and there is no room to unpack it.
    """
    return Recording(find_recording(path), versions, progress)


class Progress(NamedTuple):
    """How far reading has come: ``done`` of the ``total`` bytes of calls.jsonl, and ``calls`` so far."""

    done: int
    total: int
    calls: int


def _unpacking(progress: Callable[[Progress], None]) -> Callable[[int, int], None]:
    return lambda done, total: progress(Progress(done, total, 0))


class Recording:
    """A recording on disk; made by :func:`read_recording`. Also the :class:`~.model.PageSource` of its calls.

    Iterating gives the records in order of time, as often as wanted. What is only known at the end
    (``modules``, ``footer``, ``damage``, ``complete``, ``call()``) goes through all lines by itself where no
    iteration came to its end before.

    Memory: 7 MiB and one line, and less than a byte for each call. Past 4 MiB the digests, 16 bytes for each
    distinct page, are in a temporary file. A packed one takes 8 MiB more, and past those what it is
    unpacked to is in temporary files.

    Attributes:
        path: the recording's folder, or the zip that it is packed in.
        header: the first line.
        version: of the format that it is written in.
        packed: whether it is in a zip.
    """

    def __init__(
        self,
        path: Path,
        versions: Versions = CURRENT,
        progress: Optional[Callable[[Progress], None]] = None,
    ) -> None:
        self.path = path
        tell = None if progress is None else _unpacking(progress)
        self._source = open_source(path, tell)
        self.packed = self._source.packed
        self._scanned: Optional[Scan] = None
        self._latest: Optional[Scan] = None
        self._size = 0
        self._page_damage = DamageLog()
        try:
            with self._lines() as file:
                line = file.readline(codec.MAX_LINE + 1)
        except OSError as error:
            raise RecordingError(
                f"{path} is not a recording: cannot read its {CALLS_NAME}: {error.strerror or error}"
            ) from error
        if not line:
            why = "; ".join(self._source.damage) or "the trace ended before it recorded anything"
            raise RecordingError(f"{path} is empty: {why}")
        try:
            self.version = codec.read_version(line)
            self._upgrade = versions.upgrade_from(self.version)
            header = codec.decode(line, 1, upgrade=self._upgrade).item
        except RecordingError as error:
            raise RecordingError(f"cannot read {path}: {error}") from None
        if not isinstance(header, Header):
            raise RecordingError(f"cannot read {path}: its first line is no header")
        self.header = header
        self._after_header = len(line)
        self._pages = PageFile(self._source)

    def __iter__(self) -> Iterator[Record]:
        scan = self._latest = Scan(self._pages, self._upgrade)
        try:
            file = self._lines()
            self._size = file.seek(0, os.SEEK_END)
        except OSError as error:
            raise self._unreadable(error) from error
        with file:
            file.seek(self._after_header)
            yield from scan.records(file, self._after_header)
        self._scanned = scan

    @property
    def progress(self) -> Progress:
        """How far the latest iteration has come. A trace that still runs may have written more since."""
        if self._latest is None:
            return Progress(0, self._size, 0)
        return Progress(self._latest.reached, max(self._size, self._latest.reached), self._latest.index.calls)

    @property
    def line(self) -> int:
        """The line of calls.jsonl, from 1, that the latest iteration has come to: that of the record which
        it gave last."""
        return 1 if self._latest is None else self._latest.line

    def calls(self) -> Iterator[Call]:
        """The calls, in the order they ended."""
        for record in self:
            if isinstance(record, Call):
                yield record

    def call(self, number: int) -> Call:
        """The call of that number, read with at most 64 lines around it.

        Raises:
            RecordingError: the recording has no such call, or it cannot be read.
        """
        found = self._find(number)
        if found is None:
            calls = self._scan().index.calls
            raise RecordingError(f"{self.path} holds no call {number}; it holds {calls} calls")
        return found[1]

    def line_of(self, number: int) -> Optional[int]:
        """Which line of calls.jsonl holds the call of that number, from 1; None where none does.

        Raises:
            RecordingError: the file cannot be read.
        """
        found = self._find(number)
        return None if found is None else found[0]

    def _find(self, number: int) -> Optional[Tuple[int, Call]]:
        """A call and the number of its line."""
        index = self._scan().index
        try:
            with self._lines() as file:
                for stretch in index.stretches(number):
                    file.seek(stretch.offset)
                    count = 0
                    for line, call in Scan(self._pages, self._upgrade).again(file, stretch):
                        if call.number == number:
                            return line, call
                        count += 1
                    if count != stretch.calls:
                        raise RecordingError(f"{self._source.place(CALLS_NAME)} has changed; open it again")
        except OSError as error:
            raise self._unreadable(error) from error
        return None

    def page(self, number: int) -> bytes:
        """The 4096 bytes of page ``number``, checked against its digest.

        Raises:
            RecordingError: there is no such page, or it is damaged; then :attr:`damage` tells it too.
        """
        try:
            return self._pages.page(number)
        except RecordingError as error:
            if number >= self._pages.brought and self._scanned is None:
                # Not yet iterated over.
                self._scan()
                return self.page(number)
            if 0 <= number < self._pages.brought:
                self._page_damage.add(str(error))
            raise

    def page_digest(self, number: int) -> Optional[bytes]:
        """The BLAKE2b digest (16 bytes) that a line read so far gives of page ``number``; None where none
        does."""
        return self._pages.digest(number)

    @property
    def pages(self) -> int:
        """How many distinct pages the lines read so far have brought."""
        return self._pages.brought

    @property
    def modules(self) -> Dict[int, LoadedModule]:
        """The loaded copies of the filter by number. Where the line of one is damaged its number is not here,
        though calls may name it; :attr:`damage` says so."""
        return dict(self._scan().modules)

    @property
    def footer(self) -> Optional[Footer]:
        """The last line; None where the recording was not closed in good order."""
        return self._scan().footer

    @property
    def damage(self) -> List[str]:
        """What is missing or wrong, a sentence each; also what :meth:`page` and :meth:`verify` found."""
        found = self._scan().damage.sentences()
        return self._source.damage + found + self._page_damage.sentences()

    @property
    def complete(self) -> bool:
        """Whether nothing is known to be missing or wrong."""
        return not self._scan().damage and not self._source.damage and not self._page_damage

    def verify(self) -> List[str]:
        """Hold every byte against the digests in the lines and in the footer; gives :attr:`damage`.

        Raises:
            RecordingError: a file cannot be read.
        """
        footer = self._scan().footer
        for number in self._pages.damaged():
            self._page_damage.add(f"page {number} of {PAGES_NAME} is damaged: it does not match its digest")
        if footer is not None:
            for name, digest in (
                (PAGES_NAME, self._pages.sha256()),
                (CALLS_NAME, self._lines_sha256(self._scan().footer_at)),
            ):
                if name not in footer.digests:
                    self._page_damage.add(f"the footer holds no digest of {name}, so it cannot be verified")
                elif footer.digests[name] != digest:
                    self._page_damage.add(f"{name} is not as it was when the recording was closed (SHA-256)")
        return self.damage

    def digests(self) -> Dict[str, str]:
        """SHA-256 of each file as it is now, by file name, as hex digits: what ``sha256sum`` gives. pages.bin
        is left out where it cannot be opened.

        Raises:
            RecordingError: a file cannot be read.
        """
        found = {CALLS_NAME: self._lines_sha256(None)}
        if not self._pages.problem:
            self._pages.look_again()
            found[PAGES_NAME] = self._pages.sha256()
        return found

    def sizes(self) -> Dict[str, int]:
        """Bytes of each file by its name, unpacked; a file that cannot be opened is left out.

        Raises:
            RecordingError: calls.jsonl cannot be opened.
        """
        found: Dict[str, int] = {}
        for name in (CALLS_NAME, PAGES_NAME):
            if name == CALLS_NAME or not self._pages.problem:
                with self.raw(name) as file:
                    found[name] = file.seek(0, os.SEEK_END)
        return found

    def disk_size(self) -> int:
        """Bytes that it takes on the disk, all files together, or the zip.

        Raises:
            RecordingError: that cannot be found out.
        """
        try:
            return self._source.disk_size()
        except OSError as error:
            raise RecordingError(f"cannot read {self.path}: {error.strerror or error}") from error

    def raw(self, name: str) -> BinaryIO:
        """The bytes of one of its files, "calls.jsonl" or "pages.bin", as they are, unpacked.

        Raises:
            RecordingError: it cannot be opened.
        """
        try:
            return stream(self._source.open(name), owned=True)
        except OSError as error:
            raise RecordingError(
                f"cannot read {self._source.place(name)}: {error.strerror or error}"
            ) from error

    def close(self) -> None:
        """Let go of its files; no page can be read after. A second call does nothing, and so does leaving
        it out: the garbage collector closes as well."""
        self._pages.close()
        self._source.close()

    def __enter__(self) -> "Recording":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        where: Optional[TracebackType],
    ) -> None:
        self.close()

    def _unreadable(self, error: OSError) -> RecordingError:
        return RecordingError(f"cannot read {self._source.place(CALLS_NAME)}: {error.strerror or error}")

    def _lines(self) -> BinaryIO:
        return stream(self._source.open(CALLS_NAME), owned=True)

    def _scan(self) -> Scan:
        if self._scanned is None:
            for _ in self:
                pass
        assert self._scanned is not None
        return self._scanned

    def _lines_sha256(self, end: Optional[int]) -> str:
        """Of calls.jsonl, or of what is before ``end``."""
        total = hashlib.sha256()
        done = 0
        try:
            with self._lines() as file:
                while end is None or done < end:
                    chunk = file.read(_CHUNK if end is None else min(end - done, _CHUNK))
                    if not chunk:
                        break
                    total.update(chunk)
                    done += len(chunk)
        except OSError as error:
            raise self._unreadable(error) from error
        return total.hexdigest()
