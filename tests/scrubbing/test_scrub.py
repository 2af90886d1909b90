"""A scrubbed recording: judged alike, and without what memory held."""

import hashlib
import signal
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pykd_dumpfilt.checking import check
from pykd_dumpfilt.errors import ScrubError, UsageError
from pykd_dumpfilt.recording import Buffer, Piece, read_recording
from pykd_dumpfilt.scrubbing import Key, Scrub, new_key, scrub
from pykd_dumpfilt.scrubbing._common import COMMON
from pykd_dumpfilt.scrubbing._groups import Groups

from ..reports.examples import failing, passing, write
from ..reports.faulty import faulty
from ..rules.examples import MAPPED, Script, mdl, pattern, side
from .scripts import evidence, files

ROOT = Path(__file__).resolve().parent.parent.parent
FIXTURES = ROOT / "fixtures"
NAMES = sorted(path.name for path in FIXTURES.glob("*.dumpfilt"))
KEY = Key(b"sixteen bytes...", (COMMON,))
TEXT = (b"Nobody who is given the recording may read a word of this. " * 70)[:4096]


def scrubbed(tmp_path: Path, script: Script, key: Key = KEY, name: str = "run") -> Scrub:
    """A script as a recording, scrubbed."""
    path = write(tmp_path / name, script)
    return scrub(path, tmp_path / f"{name}_new", key)


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_a_fixture_is_judged_alike(name: str, kept: bool, tmp_path: Path) -> None:
    done = scrub(FIXTURES / name, tmp_path / "new", KEY if kept else new_key())
    before, after = check(FIXTURES / name), check(done.path)
    assert evidence(after) == evidence(before)
    assert [(one.outcome, one.calls_checked, one.notes) for one in after.result.rules] == [
        (one.outcome, one.calls_checked, one.notes) for one in before.result.rules
    ]
    assert (after.verdict, after.result.reasons) == (before.verdict, before.result.reasons)
    with read_recording(done.path) as recording:
        assert recording.verify() == []


@pytest.mark.parametrize("name", NAMES)
def test_of_a_fixture_no_content_is_left(name: str, tmp_path: Path) -> None:
    """No 16 bytes in a row, but for zeros, names of headers and what structures hold too."""
    done = scrub(FIXTURES / name, tmp_path / "new", KEY)
    old = (FIXTURES / name / "pages.bin").read_bytes()
    new = (done.path / "pages.bin").read_bytes()
    known = {old[at : at + 16] for at in range(0, len(old), 8) if old[at : at + 16].count(0) < 8}
    assert known
    left = {new[at : at + 16] for at in range(len(new) - 15)} & known
    assert left == set()
    lines = (done.path / "calls.jsonl").read_text(encoding="ascii")
    for call in read_recording(FIXTURES / name).calls():
        assert f"{call.entry.registers['xmm6']:x}" not in lines
        assert f"{call.entry.registers['rbx']:x}" not in lines


def test_the_findings_of_many_rules_survive(tmp_path: Path) -> None:
    done = scrubbed(tmp_path, faulty())
    before = check(tmp_path / "run")
    assert evidence(done.result) == evidence(before)
    assert {one.rule for one in done.result.result.findings} >= {
        "DF-CALL-002",
        "DF-CALL-003",
        "DF-READ-001",
        "DF-READ-002",
        "DF-READ-003",
        "DF-READ-004",
        "DF-TRIP-001",
        "DF-WRITE-001",
    }


def test_the_bytes_of_findings_are_not_the_machine_s(tmp_path: Path) -> None:
    done = scrubbed(tmp_path, failing())
    (old,), (new,) = check(tmp_path / "run").result.findings, done.result.result.findings
    assert old.evidence["got"] == "cc" * 16
    assert new.evidence["got"] != old.evidence["got"]
    assert new.evidence["expected"] != old.evidence["expected"]
    assert new.evidence["differing_bytes"] == old.evidence["differing_bytes"]


def test_the_old_recording_is_only_read(tmp_path: Path) -> None:
    path = write(tmp_path / "run", failing())
    before = files(path)
    scrub(path, tmp_path / "new", KEY)
    assert files(path) == before
    assert sorted(one.name for one in tmp_path.iterdir()) == ["new.dumpfilt", "run.dumpfilt"]


def test_one_key_gives_one_recording_and_another_key_another(tmp_path: Path) -> None:
    path = write(tmp_path / "run", failing())
    one = scrub(path, tmp_path / "one", KEY)
    same = scrub(path, tmp_path / "same", Key(b"sixteen bytes...", (COMMON,)))
    other = scrub(path, tmp_path / "other", Key(b"sixteen other bytes", (COMMON,)))
    assert files(one.path) == files(same.path)
    assert files(one.path)["pages.bin"] != files(other.path)["pages.bin"]


def test_two_recordings_that_one_key_scrubbed_compare_where_they_lie_on_the_disk(tmp_path: Path) -> None:
    """Whatever else is in them, and however the buffers lie in their pages."""
    first, second = Script(), Script()
    first.write(0x10000, TEXT)
    second.write(0x10200, TEXT[0x200:] + b"more" * 128, byte_offset=0x100)
    second.write(0x700000, b"\xd5\xd6" * 2048)
    contents = []
    for name, script in (("a", first), ("b", second)):
        done = scrubbed(tmp_path, script, name=name)
        with read_recording(done.path) as recording:
            buffer = recording.call(0).entry.buffers[0]
            data = b"".join(recording.page(page) for page in buffer.pages if page is not None)
            contents.append(data[buffer.offset : buffer.offset + buffer.size])
    assert contents[0][0x200:] == contents[1][: 4096 - 0x200]
    assert contents[0] != TEXT


def test_the_header_says_so_and_nothing_else_of_it_changes(tmp_path: Path) -> None:
    done = scrubbed(tmp_path, passing())
    old, new = read_recording(tmp_path / "run").header, read_recording(done.path).header
    assert old.scrubbed is None
    assert new.scrubbed is not None
    assert new.scrubbed.tool == "pykd-dumpfilt 0.1.0"
    assert new.scrubbed.key == KEY.fingerprint
    assert replace(new, scrubbed=None) == old


def test_what_was_scrubbed_can_be_scrubbed_again(tmp_path: Path) -> None:
    once = scrubbed(tmp_path, faulty())
    twice = scrub(once.path, tmp_path / "twice", new_key())
    assert evidence(twice.result) == evidence(once.result)
    header = read_recording(twice.path).header
    assert header.scrubbed is not None
    assert header.scrubbed.key != KEY.fingerprint
    assert files(twice.path)["pages.bin"] != files(once.path)["pages.bin"]


def test_the_names_of_headers_stay_for_people_who_look_for_them(tmp_path: Path) -> None:
    script = Script()
    header = b"HIBR" + TEXT[4:]
    script.write(0x1000, header + TEXT)
    script.read(0x1000, b"\x77" * 16 + header[16:] + TEXT)
    done = scrubbed(tmp_path, script)
    (finding,) = done.result.result.findings
    assert finding.evidence["known_shape"] == "a hibernation image header (HIBR)"
    assert "a hibernation image header (HIBR) once" in str(done.result.result.rules)
    with read_recording(done.path) as recording:
        assert recording.page(0)[:4] == b"HIBR"
        assert recording.page(0)[4:64] != TEXT[4:64]


@pytest.mark.parametrize("byte_offset", [0xFFC, 0xDFB])
def test_a_name_that_lies_in_two_pages_stays(byte_offset: int, tmp_path: Path) -> None:
    script = Script()
    script.write(0x1000, (TEXT[:512] if byte_offset == 0xDFB else b"") + b"PAGEDU64" + TEXT, byte_offset)
    script.read(0x1000, (TEXT[:512] if byte_offset == 0xDFB else b"") + b"PAGEDU64" + TEXT, byte_offset)
    done = scrubbed(tmp_path, script)
    with read_recording(done.path) as recording:
        pages = b"".join(map(recording.page, recording.call(0).entry.buffers[0].pages))  # type: ignore[arg-type]
    assert b"PAGEDU64" in pages


def test_a_name_in_the_middle_of_data_is_data(tmp_path: Path) -> None:
    script = Script()
    script.write(0x1000, TEXT[:700] + b"wake" + TEXT[704:])
    done = scrubbed(tmp_path, script)
    assert b"wake" not in files(done.path)["pages.bin"]


def test_mapped_bytes_are_replaced_as_the_bytes_they_are_held_against(tmp_path: Path) -> None:
    """Behind the first page, and where what is mapped differs in one byte."""
    for wrong in (False, True):
        script = Script()
        data = pattern(8192)
        entry = side(0x5000, [mdl(8192, 0x20, flags=5)], [script.memory.buffer(data, 0x20)])
        shown = bytearray(data[:64])
        shown[20] ^= wrong
        entry = replace(entry, mapped=(Piece(MAPPED + 0x20, bytes(shown), 64),))
        script.write(0, b"", entry=entry, exit=entry)
        done = scrubbed(tmp_path, script, name=f"run{wrong}")
        assert [one.rule for one in done.result.result.findings] == ["DF-ARGS-005"] * wrong
        with read_recording(done.path) as recording:
            call = recording.call(0)
            page = recording.page(call.entry.buffers[0].pages[0] or 0)
            new = call.entry.mapped[0].data
            assert [at for at in range(64) if new[at] != page[0x20 + at]] == [20] * wrong
            assert new != bytes(shown)


def test_mapped_bytes_without_a_buffer_are_replaced_too(tmp_path: Path) -> None:
    script = Script()
    entry = replace(side(), mapped=(Piece(MAPPED, TEXT[:64], 64), Piece(MAPPED, b"", 64, "page not present")))
    script.write(0, b"", entry=entry, exit=entry)
    done = scrubbed(tmp_path, script)
    call = read_recording(done.path).call(0)
    assert len(call.entry.mapped[0].data) == 64
    assert call.entry.mapped[0].data != TEXT[:64]
    assert call.exit is not None
    assert call.exit.mapped == call.entry.mapped
    assert call.entry.mapped[1] == entry.mapped[1]


def test_hashes_of_pages_that_were_not_kept(tmp_path: Path) -> None:
    known, zeros = (hashlib.blake2b(page, digest_size=16).hexdigest() for page in (TEXT, bytes(4096)))
    script = Script()
    buffer = Buffer("physical", 0, 0, (), {}, "hashes alone, as asked", (known, zeros, None, known))
    script.write(0x1000, TEXT, entry=side(0x1000, [mdl(16384)], [buffer]))
    done = scrubbed(tmp_path, script)
    new = read_recording(done.path).call(0).entry.buffers[0].hashes
    assert new[0] == new[3] != known
    assert new[1:3] == (zeros, None)


def test_the_call_s_own_stack_in_a_crash_dump_goes_on_excusing_a_change(tmp_path: Path) -> None:
    script = Script()
    before = bytearray(TEXT)
    before[0xEC8:0xED0] = struct.pack("<Q", 0xFFFFF80020001016)
    after = bytearray(before)
    after[0x100:0x900] = bytes(0x800)
    entry = side(0x1000, [mdl(4096)], [script.memory.buffer(bytes(before))])
    done = side(0x1000, [mdl(4096)], [script.memory.buffer(bytes(after))])
    script.write(0, b"", entry=entry, exit=done)
    result = scrubbed(tmp_path, script).result
    assert not [one for one in result.result.findings if one.rule == "DF-WRITE-001"]
    assert "1 pages that changed hold the call's own stack or MDL" in str(result.result.rules)


def test_a_transfer_whose_disk_offset_nobody_knows(tmp_path: Path) -> None:
    """Bytes before and after are held against each other all the same."""
    script = Script()
    entry = side(None, [mdl(8192, 0x200)], [script.memory.buffer(TEXT + TEXT, 0x200)])
    put_in = script.memory.buffer(TEXT[:2048] + bytes(byte ^ 0x5A for byte in TEXT[2048:] + TEXT))
    done = replace(
        side(None, [mdl(8192, pfns=[7, 8], start_va=MAPPED + 0x8000, mapped=MAPPED + 0x8000)], [put_in]),
        source=entry.buffers,
    )
    script.write(0, b"", entry=entry, exit=done)
    result = scrubbed(tmp_path, script).result
    (finding,) = [one for one in result.result.findings if one.rule == "DF-WRITE-007"]
    assert finding.evidence["kept_sectors"] == 4


def test_that_a_recording_would_be_judged_otherwise_is_an_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its links it would be: every page would be replaced in its own way."""
    path = write(tmp_path / "run", passing())
    monkeypatch.setattr(Groups, "link", lambda self, one, two, distance: None)
    with pytest.raises(ScrubError, match=r"would not show what it shows.*DF-TRIP-001: fail, and was pass"):
        scrub(path, tmp_path / "new", KEY)
    assert [one.name for one in tmp_path.iterdir()] == ["run.dumpfilt"]


def test_what_is_there_is_never_replaced(tmp_path: Path) -> None:
    path = write(tmp_path / "run", passing())
    before = files(path)
    with pytest.raises(UsageError, match="already exists"):
        scrub(path, path, KEY)
    with pytest.raises(UsageError, match="there is no folder"):
        scrub(path, tmp_path / "nowhere" / "new", KEY)
    assert files(path) == before


@pytest.mark.parametrize("stage", ["comparing places", "scrubbing", "judging the new recording"])
def test_interrupted_it_leaves_nothing(stage: str, tmp_path: Path) -> None:
    path = write(tmp_path / "run", faulty())

    def interrupt(what: str, now: object) -> None:
        if what == stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scrub(path, tmp_path / "new", KEY, interrupt)
    assert [one.name for one in tmp_path.iterdir()] == ["run.dumpfilt"]


_KILLED = """
import os, signal, sys
from pykd_dumpfilt.scrubbing import new_key, scrub

def tell(what, now):
    if what == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)

scrub(sys.argv[1], sys.argv[2], new_key(), tell)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX has SIGKILL")
@pytest.mark.parametrize("stage", ["scrubbing", "judging the new recording"])
def test_killed_it_leaves_nothing_of_the_new_name(stage: str, tmp_path: Path) -> None:
    """Nobody cleans up then; what is left is hidden and says by its name that it is not finished."""
    path = write(tmp_path / "run", faulty())
    arguments = [sys.executable, "-c", _KILLED, str(path), str(tmp_path / "new"), stage]
    done = subprocess.run(arguments, check=False, cwd=str(ROOT))
    assert done.returncode == -signal.SIGKILL
    (left,) = [one for one in tmp_path.iterdir() if one != path]
    assert left.name.startswith(".")
    assert left.name.endswith(".tmp.new.dumpfilt")
    if stage == "scrubbing":
        assert "there is no footer" in read_recording(left).damage[0]
