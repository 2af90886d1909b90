"""The key by which contents are replaced: drawn and thrown away, or kept in a file to be used again."""

import hashlib
import os
import secrets
import stat
from pathlib import Path
from typing import Tuple, Union

from ..errors import UsageError

__all__ = ["Key", "keep_key", "new_key"]

_SIZE = 32
_LEAST = 16
_MOST = 4096


class Key:
    """What everything secret is derived from.

    Attributes:
        fingerprint: tells keys apart and gives nothing of them away, 16 hex digits.
        kept: whether other recordings may be scrubbed by it.
    """

    def __init__(self, secret: bytes, kept: bool) -> None:
        """``secret``: at least 16 bytes that nobody can guess."""
        self.kept = kept
        self._master = hashlib.blake2b(secret, digest_size=_SIZE, person=b"dumpfilt scrub").digest()
        self.fingerprint = self.derived(b"fingerprint")[:8].hex()

    def derived(self, purpose: bytes) -> bytes:
        """A key of 32 bytes for one purpose."""
        return hashlib.blake2b(purpose, digest_size=_SIZE, key=self._master).digest()


def new_key() -> Key:
    """One that exists in memory alone."""
    return Key(secrets.token_bytes(_SIZE), kept=False)


def keep_key(path: "Union[str, os.PathLike[str]]") -> Tuple[Key, bool]:
    """The key in a file, and whether the file was made now, with a new key, for its owner alone (mode 0600).

    Raises:
        UsageError: what is there is no key, or nothing can be read or made there.
    """
    file = Path(path)
    try:
        return Key(_read(file), kept=True), False
    except FileNotFoundError:
        pass
    except OSError as error:
        raise UsageError(f"cannot read the key {file}: {error.strerror or error}") from error
    secret = secrets.token_bytes(_SIZE)
    try:
        _make(file, secret)
    except OSError as error:
        raise UsageError(f"cannot make the key {file}: {error.strerror or error}") from error
    return Key(secret, kept=True), True


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


def _make(file: Path, secret: bytes) -> None:
    fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with os.fdopen(fd, "wb") as opened:
            opened.write(secret)
            opened.flush()
            os.fsync(opened.fileno())
    except BaseException:
        # A part of a key would be read as a key the next time.
        file.unlink()
        raise
