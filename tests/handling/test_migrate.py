"""Migrating, from a version made up for these tests."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import zipfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

from pykd_dumpfilt.checking import check
from pykd_dumpfilt.cli import main
from pykd_dumpfilt.commands import migrate as command
from pykd_dumpfilt.errors import RecordingError, UsageError
from pykd_dumpfilt.handling import _migrate, migrate
from pykd_dumpfilt.recording import (
    Buffer,
    RecordingWriter,
    Versions,
    read_recording,
)

from ..recording.examples import HEADER, PAGE_OF_A, PAGE_OF_ZEROS, small_call, small_records, write_small

Fields = Dict[str, Any]


def older(line: Fields) -> Fields:
    """To a made-up version 0, where a call's number was called "id" and the filter "driver"."""
    names = {"header": ("filter", "driver"), "call": ("number", "id")}
    new, old = names.get(line["kind"], ("", ""))
    return {(old if key == new else key): value for key, value in line.items()}


def from_0_to_1(line: Fields) -> Fields:
    names = {"header": ("driver", "filter"), "call": ("id", "number")}
    old, new = names.get(line["kind"], ("", ""))
    return {(new if key == old else key): value for key, value in line.items()}


VERSIONS = Versions(1, {0: from_0_to_1})


def make_older(folder: Path, close: bool = True) -> Path:
    """Rewrite a recording in version 0, with the digest of its lines as they are then."""
    path = folder / "calls.jsonl"
    lines = [older(json.loads(line)) for line in path.read_bytes().splitlines()]
    lines[0]["version"] = 0
    raw = [json.dumps(line).encode() + b"\n" for line in lines[:-1]]
    lines[-1]["digests"]["calls.jsonl"] = hashlib.sha256(b"".join(raw)).hexdigest()
    lines[-1]["left_out"] = 4
    raw += [json.dumps(lines[-1]).encode() + b"\n"] if close else []
    path.write_bytes(b"".join(raw))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_older(write_small(tmp_path / "old"))


def names(folder: Path) -> List[str]:
    return sorted(one.name for one in folder.iterdir())


def contents(folder: Path) -> Dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.iterdir()}


def test_an_older_recording_is_written_anew(folder: Path, tmp_path: Path) -> None:
    before = contents(folder)
    assert read_recording(folder, VERSIONS).verify() == []
    migrated = migrate(folder, tmp_path / "new", versions=VERSIONS)
    assert migrated.path == tmp_path / "new.dumpfilt"
    assert (migrated.version, migrated.calls, migrated.damage) == (0, 3, ())
    assert contents(folder) == before
    assert names(tmp_path) == ["new.dumpfilt", "old.dumpfilt"]
    with read_recording(migrated.path) as new:
        assert new.version == 1
        assert new.header == HEADER
        assert list(new) == small_records()
        assert new.verify() == []
        assert (new.page(0), new.page(1)) == (PAGE_OF_ZEROS, PAGE_OF_A)
        assert new.footer is not None
        footer = (new.footer.reason, new.footer.lost, new.footer.left_out, new.footer.calls)
        assert footer == ("the target ended", 0, 4, 3)


def test_there_is_nothing_to_do_for_the_current_version(tmp_path: Path) -> None:
    migrated = migrate(write_small(tmp_path / "x"), tmp_path / "new")
    assert (migrated.path, migrated.version) == (None, 1)
    assert names(tmp_path) == ["x.dumpfilt"]


def test_a_zip_is_migrated_too(folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "old.dumpfilt.zip", "w") as archive:
        for name, content in contents(folder).items():
            archive.writestr(name, content)
    migrated = migrate(tmp_path / "old.dumpfilt.zip", tmp_path / "new", versions=VERSIONS)
    assert migrated.path is not None
    assert list(read_recording(migrated.path)) == small_records()


def test_nothing_is_overwritten(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "new.dumpfilt").mkdir()
    with pytest.raises(UsageError, match="already exists, and a recording is never overwritten"):
        migrate(folder, tmp_path / "new", versions=VERSIONS)
    assert names(tmp_path) == ["new.dumpfilt", "old.dumpfilt"]
    assert names(tmp_path / "new.dumpfilt") == []


# -- damage -------------------------------------------------------------------------------------------------


def test_a_damaged_page_is_one_that_could_not_be_read(folder: Path, tmp_path: Path) -> None:
    with (folder / "pages.bin").open("r+b") as file:
        file.write(b"x")
    migrated = migrate(folder, tmp_path / "new", versions=VERSIONS)
    assert migrated.path is not None
    assert migrated.damage == (
        "page 0 of pages.bin is damaged: it does not match its digest",
        "pages.bin is not as it was when the recording was closed (SHA-256)",
    )
    new = read_recording(migrated.path)
    assert new.verify() == []
    assert new.footer is not None
    assert new.footer.lost == 1
    assert new.footer.reason == (
        "the target ended; made from a damaged recording of format version 0: page 0 of pages.bin is "
        "damaged: it does not match its digest; pages.bin is not as it was when the recording was closed "
        "(SHA-256)"
    )
    why = "page 0 was damaged in the recording that this one was made from"
    call = new.call(2)
    assert call.entry.buffers == (Buffer("physical", 512, 2048, (None,), {0: why}),)
    assert call.exit is not None
    # The other page has another number now, and is the same.
    assert call.exit.buffers == (Buffer("physical", 512, 6000, (0, None), {1: "no such page"}),)
    assert new.page(0) == PAGE_OF_A
    assert check(migrated.path).exit_code == 3


def test_a_line_that_is_changed_is_not_covered_by_new_digests(folder: Path, tmp_path: Path) -> None:
    path = folder / "calls.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"no symbols"', b'"no_symbols"'))
    migrated = migrate(folder, tmp_path / "new", versions=VERSIONS)
    assert migrated.damage == ("calls.jsonl is not as it was when the recording was closed (SHA-256)",)
    assert migrated.path is not None
    assert check(migrated.path).exit_code == 3


def test_calls_that_are_lost_are_counted(folder: Path, tmp_path: Path) -> None:
    path = folder / "calls.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    assert b'"id": 2' in lines[4]
    assert b'"id": 1' in lines[6]
    lines[4] = lines[6] = b"{}\n"
    path.write_bytes(b"".join(lines))
    migrated = migrate(folder, tmp_path / "new", versions=VERSIONS)
    assert migrated.path is not None
    new = read_recording(migrated.path)
    assert list(new.calls()) == [small_call(0, 0, 0)]
    assert new.footer is not None
    assert (new.footer.calls, new.footer.lost) == (1, 2)
    assert "1 can be read" in new.footer.reason


def test_without_a_footer_there_is_none_after(tmp_path: Path) -> None:
    folder = make_older(write_small(tmp_path / "old"), close=False)
    migrated = migrate(folder, tmp_path / "new", versions=VERSIONS)
    assert migrated.path is not None
    new = read_recording(migrated.path)
    assert list(new) == small_records()
    assert new.footer is None
    assert new.damage == list(migrated.damage)
    assert migrated.damage[0].startswith("there is no footer")


def test_a_long_reason_is_cut(folder: Path, tmp_path: Path) -> None:
    path = folder / "calls.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:-1], *[b"{}\n"] * 200, lines[-1]]))
    migrated = migrate(folder, tmp_path / "new", versions=VERSIONS)
    assert migrated.path is not None
    footer = read_recording(migrated.path).footer
    assert footer is not None
    assert len(footer.reason) == 1003
    assert footer.reason.endswith("...")


# -- ended in the middle ------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RecordingError("cannot write: disk full")])
@pytest.mark.parametrize("at", [1, 3, 7])
def test_what_ends_it_leaves_nothing(
    error: BaseException, at: int, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(RecordingWriter):
        left = at

        def write(self, record: Any) -> None:
            self.left -= 1
            if not self.left:
                raise error
            super().write(record)

    monkeypatch.setattr(_migrate, "RecordingWriter", Failing)
    with pytest.raises(type(error)):
        migrate(folder, tmp_path / "new", versions=VERSIONS)
    assert names(tmp_path) == ["old.dumpfilt"]


def test_killed_it_leaves_something_that_does_not_look_whole(folder: Path, tmp_path: Path) -> None:
    if not hasattr(signal, "SIGKILL"):
        pytest.skip("this system kills otherwise")
    program = (
        "import os, signal, sys; from pathlib import Path\n"
        "from pykd_dumpfilt.handling import _migrate\n"
        "from tests.handling.test_migrate import VERSIONS\n"
        "class Dying(_migrate.RecordingWriter):\n"
        "    def write(self, record):\n"
        "        super().write(record)\n"
        "        self.calls == 2 and os.kill(os.getpid(), signal.SIGKILL)\n"
        "_migrate.RecordingWriter = Dying\n"
        "_migrate.migrate(sys.argv[1], sys.argv[2], versions=VERSIONS)\n"
    )
    root = str(Path(__file__).resolve().parents[2])
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder), str(tmp_path / "new")],
        env={**os.environ, "PYTHONPATH": root},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    left = [one for one in names(tmp_path) if one != "old.dumpfilt"]
    assert len(left) == 1
    assert left[0].endswith(".tmp.new.dumpfilt")
    recording = read_recording(tmp_path / left[0])
    assert list(recording) == small_records()[:4]
    assert not recording.complete


def test_pages_are_not_mistaken_for_each_other(tmp_path: Path) -> None:
    # Pages that two sides of many calls name, and that came in another order than they are named.
    with RecordingWriter(tmp_path / "old", HEADER) as writer:
        pages = [bytes([number]) * 4096 for number in range(8)]
        for page in pages:
            writer.put(page)
        writer.write(small_records()[0])
        for number in range(8):
            call = small_call(number, 7 - number, number)
            buffers = (Buffer("virtual", 0, 8192, (number, 7 - number)),)
            writer.write(replace(call, entry=replace(call.entry, source=buffers, around=buffers)))
    folder = make_older(writer.path)
    with (folder / "pages.bin").open("r+b") as file:
        file.seek(3 * 4096)
        file.write(b"damaged")
    migrated = migrate(folder, tmp_path / "new", versions=VERSIONS)
    assert migrated.path is not None
    new = read_recording(migrated.path)
    for number in range(8):
        entry = new.call(number).entry
        for buffer in (*entry.source, *entry.around):
            expected = [one if one != 3 else None for one in (number, 7 - number)]
            found = [None if page is None else new.page(page)[0] for page in buffer.pages]
            assert found == expected


# -- the command --------------------------------------------------------------------------------------------


def run(capsys: "pytest.CaptureFixture[str]", *arguments: str) -> Tuple[int, str, str]:
    code = main(list(arguments))
    out, err = capsys.readouterr()
    return code, out, err


def test_the_command_says_that_there_is_nothing_to_do(
    tmp_path: Path, capsys: "pytest.CaptureFixture[str]"
) -> None:
    folder = write_small(tmp_path / "x")
    code, out, err = run(capsys, "migrate", str(folder), "-o", str(tmp_path / "new"))
    assert (code, err) == (0, "")
    assert out == f"nothing to do: {folder} is of format version 1, the current one\n"
    assert names(tmp_path) == ["x.dumpfilt"]


def test_the_command_tells_what_it_made(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: "pytest.CaptureFixture[str]"
) -> None:
    code, _, err = run(capsys, "migrate", str(folder), "-o", str(tmp_path / "new"))
    assert code == 2
    assert "recording version 0 is not one that this pykd-dumpfilt can read" in err
    monkeypatch.setattr(command, "migrate", partial(migrate, versions=VERSIONS))
    (folder / "pages.bin").unlink()
    code, out, err = run(capsys, "migrate", str(folder), "-o", str(tmp_path / "new"))
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[:2] == [f"migrated from format version 0 to 1: {tmp_path / 'new.dumpfilt'}", "  0 calls"]
    assert lines[2] == (
        "  damaged, and told in the new recording: pages.bin cannot be read: No such file or directory"
    )
