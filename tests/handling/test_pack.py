"""Packing: the same bytes, whole or not at all, and nothing overwritten."""

import hashlib
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Dict, List, Tuple

import pytest

from pykd_dumpfilt.cli import main
from pykd_dumpfilt.errors import RecordingError, UsageError
from pykd_dumpfilt.handling import pack
from pykd_dumpfilt.recording import RecordingWriter, read_recording

from ..recording.examples import HEADER, small_records, write_small
from ..reports.examples import failing, write


def contents(folder: Path) -> Dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.iterdir()}


def names(folder: Path) -> List[str]:
    return sorted(one.name for one in folder.iterdir())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_small(tmp_path / "run1")


def test_the_zip_holds_the_folder(folder: Path, tmp_path: Path) -> None:
    before = contents(folder)
    packed = pack(folder)
    assert packed.path == tmp_path / "run1.dumpfilt.zip"
    assert (packed.before, packed.after) == (len(before["calls.jsonl"]) + 8192, packed.path.stat().st_size)
    assert packed.after < 2000
    assert packed.damage == ()
    assert contents(folder) == before
    assert names(tmp_path) == ["run1.dumpfilt", "run1.dumpfilt.zip"]
    with zipfile.ZipFile(packed.path) as archive:
        assert archive.namelist() == ["run1.dumpfilt/calls.jsonl", "run1.dumpfilt/pages.bin"]
        archive.extractall(tmp_path / "elsewhere")
    assert contents(tmp_path / "elsewhere" / "run1.dumpfilt") == before
    with read_recording(packed.path) as recording:
        assert list(recording) == small_records()
        assert recording.verify() == []


def test_it_is_private(folder: Path) -> None:
    packed = pack(folder)
    if sys.platform != "win32":
        assert stat.S_IMODE(packed.path.stat().st_mode) == 0o600
    with zipfile.ZipFile(packed.path) as archive:
        assert {one.external_attr >> 16 for one in archive.infolist()} == {0o100600}


def test_the_same_recording_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    one = pack(folder, tmp_path / "one.zip").path.read_bytes()
    os.utime(folder / "pages.bin", (1, 1))
    (tmp_path / "copy").mkdir()
    copy = shutil.copytree(folder, tmp_path / "copy" / "run1.dumpfilt")
    assert pack(copy, tmp_path / "other.zip").path.read_bytes() == one
    assert b"\x00\x00\x21\x00" in one[:30]  # 1980-01-01 00:00:00


def test_the_form_for_large_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 8000)
    packed = pack(folder)
    monkeypatch.undo()
    # The extra field with sizes of 64 bits, in the header of pages.bin alone.
    content = packed.path.read_bytes()
    name = b"run1.dumpfilt/pages.bin"
    assert content[content.index(name) + len(name) :][:4] == bytes.fromhex("01001000")
    assert read_recording(packed.path).verify() == []


@pytest.mark.parametrize("asked", [".", "../run1.dumpfilt", "../run1"])
def test_the_default_is_beside_the_folder(
    asked: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    pack(asked)
    assert names(tmp_path) == ["run1.dumpfilt", "run1.dumpfilt.zip"]
    with zipfile.ZipFile(tmp_path / "run1.dumpfilt.zip") as archive:
        assert archive.namelist()[0] == "run1.dumpfilt/calls.jsonl"


def test_a_folder_of_another_name(folder: Path, tmp_path: Path) -> None:
    folder.rename(tmp_path / "renamed")
    packed = pack(tmp_path / "renamed")
    assert packed.path == tmp_path / "renamed.dumpfilt.zip"
    with zipfile.ZipFile(packed.path) as archive:
        assert archive.namelist() == ["renamed.dumpfilt/calls.jsonl", "renamed.dumpfilt/pages.bin"]


def test_nothing_is_overwritten(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "x.zip"
    target.write_text("mine")
    with pytest.raises(UsageError, match=r"x.zip already exists, and a recording is never overwritten"):
        pack(folder, target)
    assert target.read_text() == "mine"
    assert names(tmp_path) == ["run1.dumpfilt", "x.zip"]
    target.unlink()
    target.symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="already exists"):
        pack(folder, target)
    assert names(tmp_path) == ["run1.dumpfilt", "x.zip"]


def test_a_name_that_is_taken_while_packing(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "x.zip"

    def other(done: int, total: int) -> None:
        target.write_text("theirs")

    with pytest.raises(UsageError, match="already exists"):
        pack(folder, target, other)
    assert target.read_text() == "theirs"
    assert names(tmp_path) == ["run1.dumpfilt", "x.zip"]


def test_a_file_system_without_links(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    assert read_recording(pack(folder).path).complete
    assert names(tmp_path) == ["run1.dumpfilt", "run1.dumpfilt.zip"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_ends_it_leaves_nothing(
    error: BaseException, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    expected = RecordingError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        pack(folder)
    assert names(tmp_path) == ["run1.dumpfilt"]


def test_a_full_disk(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    with RecordingWriter(tmp_path / "big", HEADER) as writer:
        for _ in range(64):
            writer.put(os.urandom(4096))
    program = (
        "import resource, signal, sys; from pykd_dumpfilt.cli import main;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000));"
        "sys.exit(main(['pack', sys.argv[1]]))"
    )
    assert resource is not None
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "big")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (f"dumpfilt: error: cannot write {tmp_path / 'big.dumpfilt.zip'}: File too large\n")
    assert names(tmp_path) == ["big.dumpfilt"]


def test_a_damaged_recording_is_packed_as_it_is(folder: Path) -> None:
    os.truncate(folder / "calls.jsonl", 2000)
    (folder / "pages.bin").unlink()
    damage = read_recording(folder).damage
    packed = pack(folder)
    assert packed.damage == tuple(damage)
    recording = read_recording(packed.path)
    assert recording.damage[0] == "pages.bin cannot be read: it is not in the zip"
    assert recording.damage[2:] == damage[2:]
    assert len(damage) == 5
    with recording.raw("calls.jsonl") as lines:
        assert (
            hashlib.sha256(lines.read()).digest()
            == hashlib.sha256((folder / "calls.jsonl").read_bytes()).digest()
        )


def test_progress_comes_to_its_end(folder: Path) -> None:
    told: List[Tuple[int, int]] = []
    pack(folder, progress=lambda done, total: told.append((done, total)))
    calls = (folder / "calls.jsonl").stat().st_size
    assert told[0] == (calls, 2 * calls + 8192)
    assert told[-1] == (2 * calls + 8192, 2 * calls + 8192)


# -- the command --------------------------------------------------------------------------------------------


def run(capsys: "pytest.CaptureFixture[str]", *arguments: str) -> Tuple[int, str, str]:
    code = main(list(arguments))
    out, err = capsys.readouterr()
    return code, out, err


def test_pack_check_and_show(tmp_path: Path, capsys: "pytest.CaptureFixture[str]") -> None:
    folder = write(tmp_path / "bad", failing())
    code, out, err = run(capsys, "pack", str(folder))
    target = tmp_path / "bad.dumpfilt.zip"
    size = target.stat().st_size
    assert (code, err) == (0, "")
    first, second = out.splitlines()
    assert first == f"packed: {target}"
    assert second.endswith(f" KiB before, {size / 1024:.4g} KiB after")
    shutil.rmtree(folder)
    code, out, _ = run(capsys, "check", str(tmp_path / "bad"))
    assert code == 1
    assert out.startswith(f"FAIL  {target}\n")
    assert f"dumpfilt show {target} --call 1\n" in out
    code, out, _ = run(capsys, "show", str(target), "--call", "1")
    assert (code, out[:20]) == (0, "call 1: Dump_Read of")
    code, _, err = run(capsys, "pack", str(target))
    assert (code, err) == (2, f"dumpfilt: error: {target} is packed already\n")


def test_damage_is_told(folder: Path, capsys: "pytest.CaptureFixture[str]") -> None:
    os.truncate(folder / "pages.bin", 4096)
    code, out, _ = run(capsys, "pack", str(folder))
    assert code == 0
    assert "\n  damaged, and packed as it is: pages.bin holds 1 whole pages of 2" in out


def test_help_warns(capsys: "pytest.CaptureFixture[str]") -> None:
    with pytest.raises(SystemExit):
        main(["pack", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "holds memory of the traced machine" in text
    assert "any unzip tool makes the folder again" in text
