"""A recording that is packed in a zip, read where it lies: nothing is ever written to a named file.

Members that are only stored are read in place. Deflated ones are unpacked to temporary data without a name
(see :mod:`pykd_dumpfilt.spool`), and never more of them than the zip declares. The zip is taken for hostile:
:mod:`zipfile` parses its directory, of bounded size, and everything else is checked here.
"""

import io
import os
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Callable, Dict, List, NoReturn, Optional, Tuple, Union

from ..errors import RecordingError
from ..spool import Spool
from ._content import Content, FileContent, SpooledContent, open_regular, stream
from ._inflate import Inflater
from ._layout import CALLS_NAME, PAGES_NAME

__all__ = ["ZipSource"]

_CHUNK = 1024 * 1024
# 46 bytes and a name for each member: some 10,000 members.
_MAX_DIRECTORY = 1024 * 1024
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_ENCRYPTED = 0x0001 | 0x0040
_PATCHED = 0x0020
_UTF8 = 0x0800
# A deflated block takes two bits at least for 258 bytes, the longest match that RFC 1951 knows.
_MAX_RATIO = 1032
# What zipfile was seen to raise, or may, over a directory that somebody made up.
_ZIPFILE_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
    LookupError,
    ArithmeticError,
    TypeError,
    AttributeError,
)


class ZipSource:
    """A zip that holds one recording: calls.jsonl in any one folder, and pages.bin beside it."""

    packed = True

    def __init__(self, path: Path, progress: Optional[Callable[[int, int], None]] = None) -> None:
        """``progress`` is called while a file is unpacked, with how many bytes of how many are done.

        Raises:
            RecordingError: it is no such zip.
        """
        self.path = path
        self.damage: List[str] = []
        self._spools: Dict[str, Spool] = {}
        self._checked: Dict[str, Tuple[int, int]] = {}
        try:
            # Which zip is read is the user's choice, also where that is a link to it.
            self._fd = open_regular(Path(os.path.realpath(path)))
        except OSError as error:
            raise RecordingError(f"cannot read {path}: {error.strerror or error}") from error
        self._file = FileContent(self._fd)
        self._members, self._taken = self._find()
        self._progress = progress
        self._unpacked = 0

    def open(self, name: str) -> Content:
        if self._fd < 0:
            raise OSError("the recording is closed")
        if name not in self._members:
            raise OSError("it is not in the zip")
        if name not in self._spools and name not in self._checked:
            self._take(name, self._members[name])
        if name in self._spools:
            return SpooledContent(self._spools[name])
        start, size = self._checked[name]
        return FileContent(os.dup(self._fd), start, size)

    def place(self, name: str) -> str:
        return f"{name} in {self.path}"

    def disk_size(self) -> int:
        return self._file.size()

    def close(self) -> None:
        self._fd = -1
        self._file.close()
        self._spools.clear()
        self._checked.clear()

    def _find(self) -> "Tuple[Dict[str, zipfile.ZipInfo], List[int]]":
        """The recording's members by file name; and where anything of the zip begins, in order."""
        try:
            with zipfile.ZipFile(_Directory(self.path, self._file)) as archive:
                members = archive.infolist()
                # Where the directory begins; zipfile does not promise this attribute.
                end = getattr(archive, "start_dir", None)
        except _ZIPFILE_ERRORS as error:
            raise RecordingError(
                f"{self.path} is not a recording: it is neither a folder nor a zip that can be read "
                f"({error}); if it was copied, it may be cut off"
            ) from error
        calls = [one for one in members if _name(one).name == CALLS_NAME]
        if not calls:
            raise RecordingError(f"{self.path} holds no recording: there is no {CALLS_NAME} in it")
        if len(calls) > 1:
            raise RecordingError(f"{self.path} holds several recordings: unpack it, and name one of them")
        beside = _name(calls[0]).with_name(PAGES_NAME)
        pages = [one for one in members if _name(one) == beside]
        if len(pages) > 1:
            raise RecordingError(f"{self.path} holds {beside} more than once: unpack it, and choose one")
        found = {CALLS_NAME: calls[0]}
        if pages:
            found[PAGES_NAME] = pages[0]
        taken = [one.header_offset for one in members]
        taken.append(end if isinstance(end, int) else self._file.size())
        return found, sorted(taken)

    def _take(self, name: str, member: zipfile.ZipInfo) -> None:
        """Make a member readable: unpack it, or check it where it lies."""
        if member.flag_bits & _ENCRYPTED:
            self._refuse(f"{name} in it is encrypted; unpack it with the tool that made it")
        if member.flag_bits & _PATCHED or member.compress_type not in (
            zipfile.ZIP_STORED,
            zipfile.ZIP_DEFLATED,
        ):
            self._refuse(
                f"{name} in it is compressed in a way (method {member.compress_type}) that is not read here; "
                "unpack it with the tool that made it"
            )
        try:
            start = self._data_start(name, member)
            packed = FileContent(os.dup(self._fd), start, member.compress_size)
            if member.compress_type == zipfile.ZIP_STORED:
                self._check_stored(name, member, packed)
                self._checked[name] = (start, member.compress_size)
            else:
                self._spools[name] = self._unpack(name, member, packed)
        except OSError as error:
            raise RecordingError(f"cannot read {self.path}: {error.strerror or error}") from error

    def _data_start(self, name: str, member: zipfile.ZipInfo) -> int:
        """Where the bytes of a member begin, which only its own header tells."""
        offset = member.header_offset
        header = self._file.read(offset, _LOCAL_HEADER.size) if offset >= 0 else b""
        if len(header) < _LOCAL_HEADER.size or not header.startswith(b"PK\x03\x04"):
            self._refuse(f"{name} is not where the zip says")
        _, name_size, extra_size = _LOCAL_HEADER.unpack(header)
        written = self._file.read(offset + _LOCAL_HEADER.size, name_size)
        encoding = "utf-8" if member.flag_bits & _UTF8 else "cp437"
        if written != member.orig_filename.encode(encoding, "replace"):
            self._refuse(f"{name} has another name at its own place in the zip")
        start: int = offset + _LOCAL_HEADER.size + name_size + extra_size
        end = start + member.compress_size
        following = [at for at in self._taken if at > offset]
        if self._taken.count(offset) != 1 or not following or end > following[0]:
            self._refuse(f"{name} overlaps something else in the zip")
        return start

    def _check_stored(self, name: str, member: zipfile.ZipInfo, packed: FileContent) -> None:
        if member.file_size != member.compress_size:
            self._refuse(f"the zip gives {name}, which is not compressed, two sizes")
        crc = done = 0
        while done < member.file_size:
            part = packed.read(done, _CHUNK)
            if not part:
                break
            crc = zlib.crc32(part, crc)
            done += len(part)
        self._check_crc(name, member, crc)

    def _unpack(self, name: str, member: zipfile.ZipInfo, packed: FileContent) -> Spool:
        if member.file_size > member.compress_size * _MAX_RATIO:
            self._refuse(
                f"the zip says that {member.compress_size} bytes unpack to the {member.file_size} of {name}, "
                "which is more than they can hold"
            )
        spool = Spool()
        spool.expect(member.file_size)
        inflater = Inflater(packed)
        crc = 0
        try:
            for part in inflater:
                kept = part[: member.file_size - len(spool)]
                crc = zlib.crc32(kept, crc)
                spool.append(kept)
                self._tell(len(kept))
                if len(kept) < len(part):
                    self.damage.append(
                        f"{name} in the zip goes on after the {member.file_size} bytes that the zip says; "
                        "nothing of that is read"
                    )
                    return spool
        except zlib.error as error:
            self.damage.append(
                f"{name} in the zip is damaged, and ends after {len(spool)} of its {member.file_size} bytes "
                f"({error})"
            )
            return spool
        if not inflater.ended or len(spool) < member.file_size:
            self.damage.append(
                f"{name} in the zip is cut off: {len(spool)} of its {member.file_size} bytes are there"
            )
        else:
            self._check_crc(name, member, crc)
        return spool

    def _tell(self, size: int) -> None:
        self._unpacked += size
        if self._progress is not None:
            self._progress(self._unpacked, sum(member.file_size for member in self._members.values()))

    def _check_crc(self, name: str, member: zipfile.ZipInfo, crc: int) -> None:
        if crc != member.CRC:
            self.damage.append(f"{name} is not as it was when it was packed (CRC-32)")

    def _refuse(self, why: str) -> NoReturn:
        raise RecordingError(f"cannot read {self.path}: {why}")


class _Directory(io.RawIOBase):
    """The zip as zipfile sees it: it reads the whole directory at once, of a size that the zip says."""

    def __init__(self, path: Path, file: Content) -> None:
        super().__init__()
        self._path = path
        self._bytes = stream(file)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_SET and offset < 0:
            raise OSError("something lies before its beginning")
        return self._bytes.seek(offset, whence)

    def tell(self) -> int:
        return self._bytes.tell()

    def read(self, size: "Union[int, None]" = -1) -> bytes:
        wanted = _MAX_DIRECTORY + 1 if size is None or size < 0 else size
        found = b"" if wanted > _MAX_DIRECTORY + 1 else self._bytes.read(wanted)
        if wanted > _MAX_DIRECTORY + 1 or len(found) > _MAX_DIRECTORY:
            raise RecordingError(
                f"{self._path} is not a packed recording: the list of what it holds is longer than "
                f"{_MAX_DIRECTORY} bytes. Unpack it, and name the recording's folder"
            )
        return found


def _name(member: zipfile.ZipInfo) -> PurePosixPath:
    # Some tools on Windows write backslashes.
    return PurePosixPath(member.filename.replace("\\", "/"))
