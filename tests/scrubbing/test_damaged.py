"""What is readable of a damaged recording is scrubbed, and the new one does not look whole."""

from pathlib import Path

import pytest

from pykd_dumpfilt.checking import check
from pykd_dumpfilt.errors import RecordingError
from pykd_dumpfilt.recording import CALLS_NAME, PAGES_NAME, Fault, read_recording
from pykd_dumpfilt.scrubbing import Key, scrub
from pykd_dumpfilt.scrubbing._common import COMMON

from ..reports.examples import failing, passing, write
from ..reports.faulty import faulty
from .scripts import evidence

KEY = Key(b"sixteen bytes...", (COMMON,))
DURING = "scrubbing a damaged recording"


def test_without_a_footer_the_new_one_has_none(tmp_path: Path) -> None:
    path = write(tmp_path / "run", failing(), close=False)
    done = scrub(path, tmp_path / "new", KEY)
    assert evidence(done.result) == evidence(check(path))
    with read_recording(done.path) as recording:
        (fault,) = [one for one in recording if isinstance(one, Fault)]
        assert recording.footer is None
        assert not recording.complete
        assert fault.during == DURING
        assert fault.message.startswith("there is no footer")
    assert done.damage == (fault.message,)


def test_a_footer_that_counts_more_calls_than_can_be_read(tmp_path: Path) -> None:
    path = write(tmp_path / "run", faulty(), lost=3)
    lines = (path / CALLS_NAME).read_bytes().splitlines(keepends=True)
    # The line of call 9, whose pages nobody else names; calls before it are judged as they were.
    assert b'"number": 9' in lines[-2]
    lines[-2] = b"{}\n"
    (path / CALLS_NAME).write_bytes(b"".join(lines))
    done = scrub(path, tmp_path / "new", KEY)
    assert evidence(done.result) == evidence(check(path))
    with read_recording(done.path) as recording:
        faults = [one.message for one in recording if isinstance(one, Fault)]
        footer = recording.footer
    assert footer is not None
    assert (footer.calls, footer.lost, footer.reason) == (9, 4, "the target ended")
    assert tuple(faults) == done.damage
    assert any("a line is skipped" in one for one in faults)


@pytest.mark.parametrize("page", [0, 1, 2, 3])
def test_a_damaged_page_is_one_that_could_not_be_read(page: int, tmp_path: Path) -> None:
    path = write(tmp_path / "run", passing())
    content = bytearray((path / PAGES_NAME).read_bytes())
    content[4096 * page + 100] ^= 1
    (path / PAGES_NAME).write_bytes(bytes(content))
    done = scrub(path, tmp_path / "new", KEY)
    assert done.counts.unreadable == 1
    assert done.result.verdict.value == "incomplete"
    assert evidence(done.result) == []
    with read_recording(done.path) as recording:
        sides = [side for call in recording.calls() for side in (call.entry, call.exit) if side is not None]
        reasons = [why for side in sides for one in side.buffers for why in one.unreadable.values()]
        assert reasons
        assert set(reasons) == {
            f"in the recording that was scrubbed: page {page} of {PAGES_NAME} is damaged: it does not match "
            "its digest"
        }
        assert recording.verify() == []


def test_pages_that_are_gone(tmp_path: Path) -> None:
    """Calls that name them are skipped by whoever reads it, and here."""
    path = write(tmp_path / "run", failing())
    (path / PAGES_NAME).unlink()
    done = scrub(path, tmp_path / "new", KEY)
    assert done.counts.pages == 0
    assert done.result.verdict.value == "incomplete"
    with read_recording(done.path) as recording:
        assert recording.footer is not None
        assert recording.footer.lost == 2
        assert list(recording.calls()) == []


def test_what_is_no_recording(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="is not a recording"):
        scrub(tmp_path, tmp_path / "new", KEY)
    assert list(tmp_path.iterdir()) == []
