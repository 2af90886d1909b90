"""What the writer leaves on disk, also when the disk refuses."""

import contextlib
import hashlib
import os
import signal
import stat
import sys
from pathlib import Path
from typing import Iterator

import pytest

from pykd_dumpfilt.errors import RecordingError, UsageError
from pykd_dumpfilt.recording import (
    Buffer,
    Call,
    Fault,
    Header,
    MemoryPageStore,
    Piece,
    RecordingWriter,
    Side,
    Unloaded,
    read_recording,
)

from .examples import HEADER, MODULE, PAGE_OF_A, PAGE_OF_ZEROS, small_call, small_records, write_small

# "sha256sum" of one page of zeros followed by one page of the letter A.
PAGES_SHA256 = "3eb339e9aa0ecaadf05993e71b605b8b25653d62d9982377036c75293726e20b"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_recording_is_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        folder = write_small(tmp_path / "trace")
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {
        "calls.jsonl": 0o600,
        "pages.bin": 0o600,
    }


@pytest.mark.parametrize(
    ("name", "made"), [("a", "a.dumpfilt"), ("a.dumpfilt", "a.dumpfilt"), ("a.b", "a.b.dumpfilt")]
)
def test_the_suffix_is_appended_where_missing(tmp_path: Path, name: str, made: str) -> None:
    assert write_small(tmp_path / name) == tmp_path / made


def test_nothing_is_ever_overwritten(tmp_path: Path) -> None:
    folder = write_small(tmp_path / "trace")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(UsageError, match=r"already exists.*choose another name"):
        RecordingWriter(tmp_path / "trace", HEADER)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_missing_folder_around_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"cannot create .*trace\.dumpfilt"):
        RecordingWriter(tmp_path / "no" / "trace", HEADER)


def test_a_header_that_is_none_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="key machine"):
        RecordingWriter(tmp_path / "trace", Header("f", "vax", "2024-05-01T12:00:00Z", "t", HEADER.debugger))
    assert list(tmp_path.iterdir()) == []


def test_each_distinct_page_is_kept_once(tmp_path: Path) -> None:
    folder = write_small(tmp_path / "trace")
    assert (folder / "pages.bin").read_bytes() == PAGE_OF_ZEROS + PAGE_OF_A


def test_many_pages_are_found_again(tmp_path: Path) -> None:
    # Past two growths of the index.
    pages = [number.to_bytes(2, "little") * 2048 for number in range(3000)]
    with RecordingWriter(tmp_path / "trace", HEADER) as writer:
        assert [writer.put(page) for page in pages] == list(range(3000))
        assert [writer.put(page) for page in reversed(pages)] == list(reversed(range(3000)))
        assert writer.page(1234) == pages[1234]
        # Reading does not disturb what comes after.
        assert writer.put(PAGE_OF_A) == 3000
        assert writer.page(3000) == PAGE_OF_A
    assert (writer.path / "pages.bin").stat().st_size == 3001 * 4096


def test_pages_are_with_the_system_before_the_line_that_names_them(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "trace", HEADER)
    writer.write(MODULE)
    writer.put(PAGE_OF_ZEROS)
    assert (writer.path / "pages.bin").read_bytes() == PAGE_OF_ZEROS
    assert (writer.path / "calls.jsonl").read_bytes().count(b"\n") == 2
    writer.write(small_call(0, 0, 0))
    assert (writer.path / "calls.jsonl").read_bytes().count(b"\n") == 3
    writer.close("done")


def test_the_footer_counts_and_digests(tmp_path: Path) -> None:
    folder = write_small(tmp_path / "trace")
    lines = (folder / "calls.jsonl").read_bytes().splitlines(keepends=True)
    lines_sha256 = hashlib.sha256(b"".join(lines[:-1])).hexdigest()
    assert lines[-1].decode() == (
        '{"kind": "footer", "calls": 3, "pages": 2, "reason": "the target ended", "lost": 0, '
        f'"digests": {{"calls.jsonl": "{lines_sha256}", "pages.bin": "{PAGES_SHA256}"}}}}\n'
    )


def test_closing_twice_does_nothing_and_then_all_is_refused(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path / "trace", HEADER) as writer:
        writer.close("first")
        writer.close("second")
    footer = read_recording(writer.path).footer
    assert footer is not None
    assert footer.reason == "first"
    with pytest.raises(RecordingError, match="is closed"):
        writer.put(PAGE_OF_A)
    with pytest.raises(RecordingError, match="is closed"):
        writer.write(MODULE)
    with pytest.raises(RecordingError, match="is closed"):
        writer.page(0)


def test_an_exception_is_the_reason_in_the_footer(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), RecordingWriter(tmp_path / "trace", HEADER):
        _ = 1 // 0
    footer = read_recording(tmp_path / "trace").footer
    assert footer is not None
    assert footer.reason.startswith("ended by ZeroDivisionError: ")


@pytest.mark.parametrize(
    "call",
    [
        small_call(0, 0, 1),
        small_call(-1, 0, 0),
        Call(0, 0, (), 0, (), Side({})),
        Call(0, 0, ("Dump_Read",), 2**64, (), Side({})),
        Call(0, 0, ("Dump_Read",), 0, (), Side({}, mdls=(Piece(0, b"", 1),))),
        Call(0, 0, ("Dump_Read",), 0, (), Side({}, buffers=(Buffer("physical", 0, 0, (None,)),))),
        Call(0, 0, ("Dump_Read",), 0, (), Side({}, mdls=(Piece(0, bytes(1 << 22), 1 << 22),))),
    ],
    ids=[
        "unknown page",
        "negative",
        "nameless",
        "too large",
        "no reason",
        "no reason for a page",
        "too long",
    ],
)
def test_a_call_that_breaks_the_model_is_refused_and_counted(tmp_path: Path, call: Call) -> None:
    with RecordingWriter(tmp_path / "trace", HEADER) as writer:
        writer.write(MODULE)
        writer.put(PAGE_OF_ZEROS)
        with pytest.raises(RecordingError):
            writer.write(call)
        writer.write(small_call(5, 0, 0))
        writer.close("done", lost=2)
    recording = read_recording(writer.path)
    assert list(recording) == [MODULE, small_call(5, 0, 0)]
    assert recording.footer is not None
    assert recording.footer.lost == 3
    assert recording.verify() == []


@pytest.mark.parametrize("size", [0, 4095, 4097])
def test_a_page_has_4096_bytes(tmp_path: Path, size: int) -> None:
    with RecordingWriter(tmp_path / "trace", HEADER) as writer, pytest.raises(RecordingError, match="4096"):
        writer.put(bytes(size))
    with pytest.raises(RecordingError, match="4096"):
        MemoryPageStore().put(bytes(size))


@pytest.mark.parametrize("number", [-1, 1])
def test_there_is_no_other_page(tmp_path: Path, number: int) -> None:
    with RecordingWriter(tmp_path / "trace", HEADER) as writer:
        writer.put(PAGE_OF_A)
        with pytest.raises(RecordingError, match=f"no page {number}"):
            writer.page(number)


def test_a_store_in_memory_does_the_same() -> None:
    store = MemoryPageStore()
    assert [store.put(page) for page in (PAGE_OF_A, PAGE_OF_ZEROS, PAGE_OF_A)] == [0, 1, 0]
    assert (store.page(0), store.page(1), len(store)) == (PAGE_OF_A, PAGE_OF_ZEROS, 2)
    with pytest.raises(RecordingError, match="no page 2"):
        store.page(2)


@contextlib.contextmanager
def files_limited(size: int) -> Iterator[None]:
    """Lets no file of this process grow past a size, as a full disk does: the last write comes out short.

    Only for a moment: the test runner's own output may be a file too.
    """
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_at_a_page(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "trace", HEADER)
    writer.write(MODULE)
    writer.put(PAGE_OF_ZEROS)
    writer.write(small_call(0, 0, 0))
    told = pytest.raises(
        RecordingError, match=r"cannot write .*pages.bin: .*Kept so far .*: 1 calls, 1 pages"
    )
    with told, files_limited(4096 + 100):
        writer.put(PAGE_OF_A)
    with pytest.raises(RecordingError, match=r"takes no more: writing pages\.bin failed"):
        writer.put(PAGE_OF_A)
    with pytest.raises(RecordingError, match="takes no more"):
        writer.write(small_call(1, 0, 0))
    writer.close("the disk is full")
    recording = read_recording(writer.path)
    assert list(recording) == [MODULE, small_call(0, 0, 0)]
    assert recording.verify() == []
    assert recording.footer is not None
    assert recording.footer.lost == 1
    assert "writing pages.bin failed" in recording.footer.reason


def test_a_full_disk_at_a_line_and_at_the_footer(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "trace", HEADER)
    writer.write(MODULE)
    size = (writer.path / "calls.jsonl").stat().st_size
    with files_limited(size + 20):
        with pytest.raises(RecordingError, match=r"cannot write .*calls.jsonl: .*Kept so far .*: 0 calls"):
            writer.write(Unloaded(0))
        # The short write is cut off again.
        assert (writer.path / "calls.jsonl").stat().st_size == size
        writer.close("the disk is full")
    recording = read_recording(writer.path)
    assert list(recording) == [MODULE]
    assert recording.footer is None
    assert recording.damage == [
        "there is no footer: the recording was not closed in good order, and calls at its end may be missing"
    ]


def test_a_full_disk_at_the_footer_alone_is_told(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "trace", HEADER)
    writer.write(MODULE)
    told = pytest.raises(RecordingError, match=r"cannot finish .*can be read, but lacks its footer")
    with told, files_limited((writer.path / "calls.jsonl").stat().st_size + 20):
        writer.close("done")
    writer.close("done")


def test_a_full_disk_from_the_start_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="cannot create a recording in"), files_limited(20):
        RecordingWriter(tmp_path / "trace", HEADER)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_an_interrupt_in_the_middle_of_a_write_leaves_a_readable_recording(tmp_path: Path) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    written = 0
    writer = RecordingWriter(tmp_path / "trace", HEADER)
    writer.write(MODULE)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        while True:
            writer.put(written.to_bytes(4, "little") * 1024)
            writer.write(Fault("x", "y" * 1000))
            written += 1
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGALRM, before)
    writer.close("interrupted")
    recording = read_recording(writer.path)
    records = list(recording)
    assert len(records) in (written + 1, written + 2)
    sentences = recording.verify()
    assert sentences == [] or recording.footer is None


def test_all_records_of_the_example_come_back(tmp_path: Path) -> None:
    assert list(read_recording(write_small(tmp_path / "trace"))) == small_records()
