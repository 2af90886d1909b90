"""Writing a recording while the trace runs.

Append only: a page is with the operating system before the line that names it, and a line before
:meth:`RecordingWriter.write` returns. A process killed at any moment leaves every complete call. Only
:meth:`RecordingWriter.close` waits for the disk itself, so a power failure may cost the last seconds.
"""

import hashlib
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Optional, Type, Union

from ..errors import RecordingError
from ..fresh import already_there
from . import codec
from ._append import AppendFile
from ._layout import CALLS_NAME, DIGEST_SIZE, PAGE_SIZE, PAGES_NAME, SUFFIX
from ._pageindex import PageIndex
from .model import Call, Footer, Header, Record

if TYPE_CHECKING:
    import os

__all__ = ["RecordingWriter", "recording_folder"]


def recording_folder(path: "Union[str, os.PathLike[str]]") -> Path:
    """Where a recording will be: ".dumpfilt" is appended where it is missing.

    Examples:
        >>> recording_folder("traces/run").as_posix()
        'traces/run.dumpfilt'

    Args:
        path: as :class:`RecordingWriter` gets it.
    """
    folder = Path(path)
    if folder.name == SUFFIX or folder.suffix == SUFFIX:
        return folder
    return folder.with_name(folder.name + SUFFIX) if folder.name else folder / SUFFIX


class RecordingWriter:
    """A new recording; also the :class:`~.model.PageStore` that its calls refer to.

    Memory: about 30 bytes for each distinct page.

    Equal pages are found by their BLAKE2b digest of 16 bytes alone, without comparing the contents: the
    digest is a page's identity in the format (a reader checks by it), two pages that share one by chance
    are expected after 2**64 pages, and reading each page back would double the work of a trace.

    After a failed write (a full disk) every further :meth:`put` and :meth:`write` is refused; what was kept
    before stays readable. :meth:`close` is still to be called and then raises nothing.

    Attributes:
        path: the recording's folder.
        calls: calls written.
        lost: calls given to :meth:`write` that could not be kept.
        failure: what stopped the writer, None while it works.
    """

    def __init__(self, path: "Union[str, os.PathLike[str]]", header: Header) -> None:
        """Create the folder (see :func:`recording_folder`) and write the header.

        Folder and files are for their owner alone: modes 0700 and 0600. On Windows they inherit the access
        rights of the folder around.

        Args:
            path: the recording's folder; it must not exist. ".dumpfilt" is appended where it is missing.
            header: who records what, when and how.

        Raises:
            UsageError: there is already something of that name.
            RecordingError: it cannot be created there, or the header is not one.
        """
        folder = recording_folder(path)
        line = codec.encode(header)
        codec.decode(line, 1)
        self.path = folder
        self.calls = 0
        self.lost = 0
        self.failure: Optional[str] = None
        self._closed = False
        self._lines = 1
        self._named = 0
        self._index = PageIndex()
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            raise already_there(folder) from None
        except OSError as error:
            raise _not_made(str(folder), error) from error
        try:
            self._pages = AppendFile(folder / PAGES_NAME)
            try:
                self._calls = AppendFile(folder / CALLS_NAME)
                try:
                    self._calls.append(line)
                except BaseException:
                    self._calls.close()
                    raise
            except BaseException:
                self._pages.close()
                raise
        except BaseException as error:
            self._remove_all()
            if not isinstance(error, OSError):
                raise
            raise _not_made(f"a recording in {folder}", error) from error

    @property
    def pages(self) -> int:
        """Distinct pages written."""
        return len(self._index)

    def put(self, content: bytes) -> int:
        """Keep a page of 4096 bytes; equal content gets the number it already has.

        Args:
            content: the page, 4096 bytes.

        Returns:
            Its number, for :class:`~.model.Buffer`; numbers count from 0.

        Raises:
            RecordingError: not a page, or it cannot be written.
        """
        if len(content) != PAGE_SIZE:
            raise RecordingError(f"a page holds {PAGE_SIZE} bytes, not {len(content)}")
        self._check_open()
        digest = hashlib.blake2b(content, digest_size=DIGEST_SIZE).digest()
        number = self._index.find(digest)
        if number is not None:
            return number
        try:
            self._pages.append(content)
            return self._index.add(digest)
        except OSError as error:
            raise self._failed(self._pages, error) from error
        except BaseException:
            self._broken()
            raise

    def page(self, number: int) -> bytes:
        """The 4096 bytes of page ``number``, read back.

        Raises:
            RecordingError: there is no such page, or it cannot be read, or the writer is closed.
        """
        if self._closed:
            raise RecordingError(f"{self.path} is closed; open it with read_recording() to read pages")
        if not 0 <= number < len(self._index):
            raise RecordingError(f"there is no page {number}: {len(self._index)} pages are written")
        try:
            content = self._pages.read(number * PAGE_SIZE, PAGE_SIZE)
        except OSError as error:
            raise RecordingError(f"cannot read page {number} of {self._pages.path}: {error}") from error
        if len(content) != PAGE_SIZE:
            raise RecordingError(
                f"page {number} of {self._pages.path} is cut off; who else changes that file?"
            )
        return content

    def write(self, record: Record) -> None:
        """Append one record.

        Raises:
            RecordingError: the record breaks the model's rules or is too long (then nothing is written, and
                the writer goes on), or it cannot be written.
        """
        try:
            self._check_open()
            pages = None
            if len(self._index) > self._named:
                pages = codec.NewPages(self._named, self._index.digests(self._named))
            line = codec.encode(record, pages)
            # The reader's own check: nothing is ever written that it would refuse.
            codec.decode(line, self._lines + 1, known_pages=self._named)
        except RecordingError:
            self.lost += isinstance(record, Call)
            raise
        try:
            self._calls.append(line)
            self._lines += 1
            self._named = len(self._index)
            self.calls += isinstance(record, Call)
        except OSError as error:
            self.lost += isinstance(record, Call)
            raise self._failed(self._calls, error) from error
        except BaseException:
            self._broken()
            raise

    def close(self, reason: str, lost: int = 0, left_out: int = 0) -> None:
        """Write the footer, wait until all is on the disk, and close; a second call does nothing.

        Args:
            reason: why the recording ended, a sentence for people.
            lost: calls that happened and were never given to :meth:`write`.
            left_out: calls that were not captured by the user's wish.

        Raises:
            RecordingError: the footer cannot be written, or the disk does not confirm that it keeps it. Not
                after an earlier failure, which was told.
        """
        if self._closed:
            return
        self._closed = True
        told = self.failure is not None
        outcome = "It can be read, but lacks its footer: check will call it incomplete"
        try:
            self._pages.sync()
            if not self._pages.torn and not self._calls.torn:
                self._calls.append(self._footer(reason, lost, left_out))
                outcome = "It is complete, but may not outlast a power failure: copy it to another disk"
            self._calls.sync()
        except (OSError, RecordingError) as error:
            if not told:
                why = error.strerror if isinstance(error, OSError) else None
                self.failure = f"cannot finish {self.path}: {why or error}. {self._kept()} {outcome}"
                raise RecordingError(self.failure) from error
        finally:
            self._close_files()

    def abandon(self) -> None:
        """Close without a footer, so that a reader says that the end is missing. Raises nothing; after
        :meth:`close` it does nothing."""
        if self._closed:
            return
        self._closed = True
        for file in (self._pages, self._calls):
            try:
                file.sync()
            except OSError:
                pass
        self._close_files()

    def __enter__(self) -> "RecordingWriter":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        where: Optional[TracebackType],
    ) -> None:
        if kind is None:
            self.close("closed")
            return
        try:
            self.close(f"ended by {kind.__name__}: {error}"[:1000])
        except RecordingError:
            # The error on its way is the one to tell.
            pass

    def _footer(self, reason: str, lost: int, left_out: int) -> bytes:
        if self.failure is not None:
            reason = f"{reason}; {self.failure}"
        digests = {CALLS_NAME: self._calls.sha256(), PAGES_NAME: self._pages.sha256()}
        line = codec.encode(Footer(self.calls, len(self._index), reason, self.lost + lost, digests, left_out))
        codec.decode(line, self._lines + 1)
        return line

    def _close_files(self) -> None:
        for file in (self._calls, self._pages):
            try:
                file.close()
            except OSError:
                # A network file system tells late what sync() before has already asked it.
                pass

    def _check_open(self) -> None:
        if self._closed:
            raise RecordingError(f"{self.path} is closed; nothing can be added to it")
        if self.failure is not None:
            raise RecordingError(f"{self.path} takes no more: {self.failure}")

    def _kept(self) -> str:
        return f"Kept so far in {self.path}: {self.calls} calls, {len(self._index)} pages."

    def _failed(self, file: AppendFile, error: OSError) -> RecordingError:
        self.failure = f"writing {file.path.name} failed: {error.strerror or error}"
        return RecordingError(
            f"cannot write {file.path}: {error.strerror or error}. {self._kept()} They stay readable; make "
            "room (or record to another disk) and trace again"
        )

    def _broken(self) -> None:
        # An interrupt between two steps: counts and digests may disagree with the files, so no footer.
        self.failure = "interrupted while writing"
        self._calls.torn = self._pages.torn = True

    def _remove_all(self) -> None:
        for name in (CALLS_NAME, PAGES_NAME):
            try:
                (self.path / name).unlink()
            except OSError:
                pass
        try:
            self.path.rmdir()
        except OSError:
            # What could not be created cannot always be removed; the error to come names the folder.
            pass


def _not_made(what: str, error: OSError) -> RecordingError:
    return RecordingError(
        f"cannot create {what}: {error.strerror or error}; choose a folder that is there, may be written to "
        "and has room"
    )
