"""Keys in files."""

import os
import stat
import sys
from pathlib import Path

import pytest

from pykd_dumpfilt.errors import UsageError
from pykd_dumpfilt.scrubbing import Key, keep_key, new_key


def test_a_key_is_made_once_and_read_from_then_on(tmp_path: Path) -> None:
    file = tmp_path / "my.key"
    key, made = keep_key(file)
    again, made_again = keep_key(file)
    assert (made, made_again) == (True, False)
    assert len(file.read_bytes()) == 32
    assert key.fingerprint == again.fingerprint
    assert key.kept
    if sys.platform != "win32":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_key_of_one_s_own(tmp_path: Path) -> None:
    file = tmp_path / "my.key"
    file.write_bytes(b"0123456789abcdef")
    key, made = keep_key(file)
    assert not made
    assert key.fingerprint == Key(b"0123456789abcdef", kept=True).fingerprint
    assert len(bytes.fromhex(key.fingerprint)) == 8
    assert key.derived(b"pages") != key.derived(b"registers")
    assert file.read_bytes() == b"0123456789abcdef"


def test_a_key_that_is_thrown_away_is_another_one_each_time() -> None:
    assert new_key().fingerprint != new_key().fingerprint
    assert not new_key().kept


@pytest.mark.parametrize("size", [0, 15, 4097, 100_000])
def test_a_file_that_is_no_key(tmp_path: Path, size: int) -> None:
    file = tmp_path / "my.key"
    file.write_bytes(b"k" * size)
    with pytest.raises(UsageError, match="is no key: a key has 16 to 4096 bytes"):
        keep_key(file)


def test_a_folder_is_no_key(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="key"):
        keep_key(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX has pipes with names")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(str(pipe))
    with pytest.raises(UsageError, match="is not a file"):
        keep_key(pipe)


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot make the key"):
        keep_key(tmp_path / "nowhere" / "my.key")
