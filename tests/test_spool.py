"""Bytes put aside: the same whether they are in memory, in the file, or in both."""

import errno
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, List, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pykd_dumpfilt import spool
from pykd_dumpfilt.errors import SpoolError
from pykd_dumpfilt.spool import Spool

FIXTURE = Path(__file__).resolve().parent.parent / "fixtures" / "aes_xts.dumpfilt"


@settings(max_examples=100)
@given(
    st.lists(st.binary(max_size=40), max_size=30),
    st.lists(st.tuples(st.integers(0, 900), st.integers(0, 90))),
)
def test_reads_what_was_appended(parts: List[bytes], reads: List[Tuple[int, int]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spool, "_IN_MEMORY", 100)
        patch.setattr(spool, "_TAIL", 50)
        patch.setattr(spool, "_BLOCK", 64)
        one, whole = Spool(), b""
        for part in parts:
            assert one.append(part) == len(whole)
            whole += part
            for at, size in reads[:3]:
                assert one.read(at, size) == whole[at : at + size]
        assert len(one) == len(whole)
        for at, size in reads:
            assert one.read(at, size) == whole[at : at + size]


def test_stays_in_memory_while_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", None)
    one = Spool()
    for _ in range(1024):
        one.append(bytes(4096))
    assert one.read(4 * 2**20 - 2, 10) == b"\0\0"


def test_the_file_has_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "_IN_MEMORY", 10)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    one = Spool()
    one.append(b"0123456789abcdef")
    if sys.platform != "win32":
        assert list(tmp_path.iterdir()) == []
    assert one.read(10, 6) == b"abcdef"
    del one
    assert list(tmp_path.iterdir()) == []


def test_no_folder_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "_IN_MEMORY", 10)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(SpoolError, match=r"cannot keep temporary data in .*gone: No such file or directory"):
        Spool().append(bytes(11))


def test_room_is_asked_for_before_it_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    one = Spool()
    with pytest.raises(
        SpoolError,
        match=r"cannot keep temporary data in .*: 1,152,921,504,606,846,976 bytes are needed, and ",
    ):
        one.expect(2**60)
    one.expect(5 * 2**20)
    # What stays in memory needs none.
    monkeypatch.setattr(shutil, "disk_usage", None)
    one.expect(4 * 2**20)
    # Where nobody knows, writing will tell.
    monkeypatch.undo()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    one.expect(2**60)


@pytest.mark.skipif(sys.platform == "win32", reason="needs setrlimit")
def test_a_full_disk_is_an_error_that_says_what_to_do() -> None:
    program = (
        "import resource, sys; from pykd_dumpfilt import spool; from pykd_dumpfilt.cli import main;"
        "spool._IN_MEMORY = spool._TAIL = 100;"
        # As a full disk: no file may grow past 1000 bytes.
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY));"
        "sys.exit(main(['check', sys.argv[1]]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(FIXTURE)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("dumpfilt: error: cannot keep temporary data in ")
    assert "TMPDIR" in done.stderr
    assert done.stderr.count("\n") == 1


class FailingFile:
    """A temporary file of which the ``at``-th call fails, or takes or gives less than it was asked for."""

    def __init__(self, at: int = -1, how: str = "error", most: int = 1 << 20) -> None:
        self.names: List[str] = []
        self.struck = False
        self._real: Any = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed by the spool
        self._at = at
        self._how = how
        self._most = most

    def _strikes(self, name: str) -> bool:
        self.names.append(name)
        if len(self.names) != self._at + 1:
            return False
        self.struck = True
        if self._how == "error":
            raise OSError(errno.EIO, "Input/output error")
        return True

    def seek(self, at: int) -> None:
        self._strikes("seek")
        self._real.seek(at)

    def write(self, data: memoryview) -> int:
        return 0 if self._strikes("write") else int(self._real.write(data[: self._most]))

    def read(self, size: int) -> bytes:
        return b"" if self._strikes("read") else bytes(self._real.read(min(size, self._most)))

    def close(self) -> None:
        self._real.close()


def spooled(monkeypatch: pytest.MonkeyPatch, file: FailingFile) -> List[SpoolError]:
    """Append and read through a failing file; what comes back is right, or an error."""
    monkeypatch.setattr(spool, "_IN_MEMORY", 100)
    monkeypatch.setattr(spool, "_TAIL", 50)
    monkeypatch.setattr(spool, "_BLOCK", 64)
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: file)
    one, whole, errors = Spool(), b"", []
    for number in range(12):
        part = bytes([number]) * 33
        whole += part
        try:
            assert one.append(part) == len(whole) - 33
        except SpoolError as error:
            errors.append(error)
        for at in range(0, len(whole), 29):
            try:
                # Also after an error: nothing was lost, and nothing is there twice.
                assert one.read(at, 40) == whole[at : at + 40]
            except SpoolError as error:
                errors.append(error)
    assert len(one) == len(whole)
    return errors


def test_short_reads_and_writes_are_gone_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    file = FailingFile(most=3)
    assert spooled(monkeypatch, file) == []
    assert len(file.names) > 100


@pytest.mark.parametrize("how", ["error", "nothing"])
def test_whatever_fails_is_told_and_spoils_nothing(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    undisturbed = FailingFile()
    with monkeypatch.context() as patch:
        assert spooled(patch, undisturbed) == []
    assert len(undisturbed.names) > 50
    for at in range(len(undisturbed.names)):
        file = FailingFile(at, how)
        with monkeypatch.context() as patch:
            errors = spooled(patch, file)
        assert file.struck
        # A seek cannot do less than it is asked for.
        assert len(errors) == (0 if how == "nothing" and undisturbed.names[at] == "seek" else 1)
        assert all("make room, or set the environment variable" in str(error) for error in errors)
