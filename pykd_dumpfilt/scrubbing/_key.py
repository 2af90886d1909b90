"""The key by which contents are replaced: drawn and thrown away, or kept in a file to be used again.

Recordings that are to compare must agree on which byte values are common as well, so a key knows them. A
file that is made here holds a mark, 32 random bytes, and behind these, once the first recording was counted,
the 64 common values, the commonest 8 first. Of a file of somebody's own all bytes are the secret, and the
common values are the usual ones.
"""

import hashlib
import os
import secrets
import stat
from pathlib import Path
from typing import Optional, Tuple, Union

from ..errors import UsageError
from ._common import COMMON, VERY_COMMON

__all__ = ["Key", "keep_key", "new_key"]

_SIZE = 32
_LEAST = 16
_MOST = 4096
_MARK = b"dumpfilt key 1\n"


class Key:
    """What everything secret is derived from.

    Attributes:
        fingerprint: tells keys apart and gives nothing of them away, 16 hex digits.
    """

    def __init__(self, secret: bytes, common: Tuple[bytes, ...] = (), file: Optional[Path] = None) -> None:
        """
        Args:
            secret: at least 16 bytes that nobody can guess.
            common: groups of common values; empty where the first recording is to tell.
            file: what is to remember them then.
        """
        self._common = common
        self._file = file
        self._master = hashlib.blake2b(secret, digest_size=_SIZE, person=b"dumpfilt scrub").digest()
        self.fingerprint = self.derived(b"fingerprint")[:8].hex()

    def common(self, counted: Tuple[bytes, ...]) -> Tuple[bytes, ...]:
        """Groups of common values, for all recordings that this key scrubs: those counted in the first one.

        Raises:
            UsageError: the key's file cannot take them.
        """
        if not self._common:
            if self._file is not None:
                try:
                    _append(self._file, b"".join(counted))
                except OSError as error:
                    raise UsageError(
                        f"cannot write to the key {self._file}: {error.strerror or error}"
                    ) from error
            self._common = counted
        return self._common

    def derived(self, purpose: bytes) -> bytes:
        """A key of 32 bytes for one purpose."""
        return hashlib.blake2b(purpose, digest_size=_SIZE, key=self._master).digest()


def new_key() -> Key:
    """One that exists in memory alone."""
    return Key(secrets.token_bytes(_SIZE))


def keep_key(path: "Union[str, os.PathLike[str]]") -> Tuple[Key, bool]:
    """The key in a file, and whether the file was made now, with a new key, for its owner alone (mode 0600).

    Raises:
        UsageError: what is there is no key, or nothing can be read or made there.
    """
    file = Path(path)
    try:
        return _parsed(file, _read(file)), False
    except FileNotFoundError:
        pass
    except OSError as error:
        raise UsageError(f"cannot read the key {file}: {error.strerror or error}") from error
    secret = secrets.token_bytes(_SIZE)
    try:
        _make(file, _MARK + secret)
    except OSError as error:
        raise UsageError(f"cannot make the key {file}: {error.strerror or error}") from error
    return Key(secret, file=file), True


def _parsed(file: Path, content: bytes) -> Key:
    if not content.startswith(_MARK):
        return Key(content, (COMMON,))
    secret, common = content[len(_MARK) :][:_SIZE], content[len(_MARK) + _SIZE :]
    if len(secret) == _SIZE and not common:
        # No recording was counted yet.
        return Key(secret, file=file)
    if len(common) != len(COMMON) or len(set(common)) != len(common) or 0 in common:
        raise UsageError(
            f"the key {file} is damaged. Name a file that does not exist yet, and a new key is made there"
        )
    return Key(secret, (common[:VERY_COMMON], common[VERY_COMMON:]))


def _read(file: Path) -> bytes:
    # Not blocking: a pipe is refused and not waited for.
    fd = os.open(file, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise UsageError(f"the key {file} is not a file; name a file of at least {_LEAST} random bytes")
        secret = b""
        while len(secret) <= _MOST:
            part = os.read(fd, _MOST + 1 - len(secret))
            if not part:
                break
            secret += part
    finally:
        os.close(fd)
    if not _LEAST <= len(secret) <= _MOST:
        raise UsageError(
            f"{file} is no key: a key has {_LEAST} to {_MOST} bytes, which nobody can guess. Name a file "
            "that does not exist yet, and a key is made there"
        )
    return secret


def _append(file: Path, data: bytes) -> None:
    fd = os.open(file, os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0))
    with os.fdopen(fd, "wb") as opened:
        opened.write(data)
        opened.flush()
        os.fsync(opened.fileno())


def _make(file: Path, content: bytes) -> None:
    fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with os.fdopen(fd, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
    except BaseException:
        # A part of a key would be read as a key the next time.
        file.unlink()
        raise
