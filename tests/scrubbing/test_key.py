"""Keys in files."""

import os
import stat
import sys
from pathlib import Path

import pytest

from pykd_dumpfilt.errors import UsageError
from pykd_dumpfilt.scrubbing import Key, keep_key, new_key
from pykd_dumpfilt.scrubbing._common import COMMON


def test_a_key_is_made_once_and_read_from_then_on(tmp_path: Path) -> None:
    file = tmp_path / "my.key"
    key, made = keep_key(file)
    again, made_again = keep_key(file)
    assert (made, made_again) == (True, False)
    assert len(file.read_bytes()) == 15 + 32
    assert key.fingerprint == again.fingerprint
    if sys.platform != "win32":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_key_of_one_s_own(tmp_path: Path) -> None:
    file = tmp_path / "my.key"
    file.write_bytes(b"0123456789abcdef")
    key, made = keep_key(file)
    assert not made
    assert key.fingerprint == Key(b"0123456789abcdef").fingerprint
    assert key.common((b"xyz",)) == (COMMON,)
    assert len(bytes.fromhex(key.fingerprint)) == 8
    assert key.derived(b"pages") != key.derived(b"registers")
    assert file.read_bytes() == b"0123456789abcdef"


def test_a_key_that_is_thrown_away_is_another_one_each_time() -> None:
    assert new_key().fingerprint != new_key().fingerprint


def test_the_first_recording_tells_what_is_common_for_all_of_a_key(tmp_path: Path) -> None:
    file = tmp_path / "my.key"
    key, _ = keep_key(file)
    counted = bytes(range(1, 9)), bytes(range(101, 157))
    assert key.common(counted) == counted
    assert key.common((COMMON,)) == counted
    again, _ = keep_key(file)
    assert again.common((COMMON,)) == counted
    assert again.fingerprint == key.fingerprint
    alone = new_key()
    assert alone.common(counted) == counted == alone.common((COMMON,))


@pytest.mark.parametrize("tail", [b"\1" * 64, bytes(64), bytes(range(1, 64)), bytes(range(1, 66))])
def test_a_key_that_was_damaged(tmp_path: Path, tail: bytes) -> None:
    file = tmp_path / "my.key"
    file.write_bytes(b"dumpfilt key 1\n" + b"k" * 32 + tail)
    with pytest.raises(UsageError, match="is damaged"):
        keep_key(file)
    file.write_bytes(b"dumpfilt key 1\n" + b"k" * 31)
    with pytest.raises(UsageError, match="is damaged"):
        keep_key(file)


def test_a_key_that_is_gone_when_the_recording_was_counted(tmp_path: Path) -> None:
    file = tmp_path / "my.key"
    key, _ = keep_key(file)
    file.unlink()
    with pytest.raises(UsageError, match="cannot write to the key"):
        key.common((COMMON,))


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
