"""A disk that fails at any system call: what was acknowledged is there, and the user is told.

The faults are put into the writer's own calls of the system, one run for each call and fault; the files are
real.
"""

import re
from pathlib import Path
from typing import List, Optional

import pytest

from pykd_dumpfilt.checking import check
from pykd_dumpfilt.errors import RecordingError
from pykd_dumpfilt.recording import Call, Record, RecordingWriter, Unloaded, read_recording

from .examples import ARMED, HEADER, MODULE, small_call
from .failing_disk import FAULTS, FailingDisk, Fault

NO_FOOTER = (
    "there is no footer: the recording was not closed in good order, and calls at its end may be missing"
)


def page(number: int) -> bytes:
    return number.to_bytes(4, "little") * 1024


class Run:
    """A small recording, written as a tracer does: what fails costs a call, and it goes on."""

    def __init__(self, path: Path) -> None:
        self.acknowledged: List[Record] = []
        self.refused = 0
        self.errors: List[BaseException] = []
        self.unmade: Optional[BaseException] = None
        self.closing: Optional[BaseException] = None
        try:
            self.writer = RecordingWriter(path, HEADER)
        except (RecordingError, KeyboardInterrupt) as error:
            self.unmade = error
            return
        self.write(MODULE)
        self.write(ARMED)
        for number in range(4):
            try:
                before, after = self.writer.put(page(number)), self.writer.put(page(number + 1))
            except (RecordingError, KeyboardInterrupt) as error:
                self.errors.append(error)
                before = after = 0
            self.write(small_call(number, before, after))
        self.write(Unloaded(0))
        try:
            self.writer.close("the target ended")
        except (RecordingError, KeyboardInterrupt) as error:
            self.closing = error

    def write(self, record: Record) -> None:
        try:
            self.writer.write(record)
        except (RecordingError, KeyboardInterrupt) as error:
            self.errors.append(error)
            self.refused += isinstance(record, Call)
        else:
            self.acknowledged.append(record)


def test_the_system_calls_are_those_that_are_made_to_fail(tmp_path: Path) -> None:
    with FailingDisk() as disk:
        run = Run(tmp_path / "run")
    assert disk.calls[:2] == ["open", "open"]
    assert disk.calls[-5:] == ["fsync", "write", "fsync", "close", "close"]
    # A header, 2 + 4 + 1 lines, 5 pages.
    assert disk.calls[2:-5] == ["write"] * 13
    assert len(run.acknowledged) == 7
    assert (run.errors, run.closing) == ([], None)
    assert read_recording(run.writer.path).verify() == []


COUNT = 2 + 13 + 5


@pytest.mark.parametrize("most", [1, 7, 4095])
def test_short_writes_are_gone_on_with(tmp_path: Path, most: int) -> None:
    with FailingDisk(most=most):
        run = Run(tmp_path / "run")
    assert (run.errors, run.closing) == ([], None)
    recording = read_recording(run.writer.path)
    assert list(recording) == run.acknowledged
    assert len(run.acknowledged) == 7
    assert recording.verify() == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault.name))
@pytest.mark.parametrize("at", range(COUNT))
def test_whatever_fails_what_was_acknowledged_is_there_and_the_user_is_told(
    tmp_path: Path, at: int, fault: Fault
) -> None:
    with FailingDisk(at, fault) as disk:
        run = Run(tmp_path / "run")
    assert disk.struck
    folder = tmp_path / "run.dumpfilt"
    if run.unmade is not None:
        check_unmade(run.unmade, folder, fault)
        return
    interrupted = isinstance(fault.error, KeyboardInterrupt)
    recording = read_recording(folder)
    records = list(recording)
    beyond = records[len(run.acknowledged) :]
    assert records[: len(run.acknowledged)] == run.acknowledged
    # Only what is whole in the file though the system said otherwise, and could not be cut off.
    assert len(beyond) <= (1 if fault.uncut and fault.done == 2 else 0)
    for record in records:
        if isinstance(record, Call):
            assert recording.page(record.number) == page(record.number)
    assert recording.damage == [] or NO_FOOTER in recording.damage
    assert (recording.footer is None) == (NO_FOOTER in recording.damage)
    told = [*run.errors, *([run.closing] if run.closing is not None else [])]
    if not told:
        # Closing a file that is on the disk already: there is nothing to tell.
        assert disk.calls[at] == "close"
        assert recording.verify() == []
        return
    if interrupted:
        assert isinstance(told[0], KeyboardInterrupt)
    else:
        check_told(str(told[0]), run, folder, fault)
    if recording.footer is not None:
        assert recording.footer.lost == run.refused
        assert recording.verify() == []
        if run.errors:
            assert f" failed: {fault.error.args[1]}" in recording.footer.reason
    if run.refused:
        # No pass on what is not all there.
        reasons = (NO_FOOTER, f"{run.refused} calls happened and could not be recorded")
        judged = check(folder)
        assert judged.exit_code == 3
        # What is cut off comes before it, if there is any.
        assert reasons[recording.footer is not None] in judged.result.reasons[:2]


def check_unmade(error: BaseException, folder: Path, fault: Fault) -> None:
    assert not folder.exists()
    if isinstance(fault.error, KeyboardInterrupt):
        assert isinstance(error, KeyboardInterrupt)
        return
    assert isinstance(error, RecordingError)
    assert str(error) == (
        f"cannot create a recording in {folder}: {fault.error.args[1]}; choose a folder that is there, may "
        "be written to and has room"
    )


def check_told(message: str, run: Run, folder: Path, fault: Fault) -> None:
    """The message names the place, the reason, what is kept, and what to do."""
    assert str(folder) in message
    assert fault.error.args[1] in message
    assert "[Errno" not in message
    calls = sum(isinstance(one, Call) for one in run.acknowledged)
    if run.errors:
        assert re.search(
            rf"Kept so far in .*: {calls} calls, \d+ pages\. They stay readable; make room", message
        )
    else:
        assert f"Kept so far in {folder}: {calls} calls, 5 pages." in message
        lacking = read_recording(folder).footer is None
        assert ("lacks its footer" in message, "copy it to another disk" in message) == (lacking, not lacking)
