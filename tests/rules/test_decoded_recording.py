"""A recording on disk, its calls decoded."""

from pathlib import Path

import pytest

from pykd_dumpfilt import DecodedCall, UsageError, known, open_recording
from pykd_dumpfilt.decoded import Mdl, NoValue, ValueMissingError
from pykd_dumpfilt.errors import RecordingError

FIXTURES = Path(__file__).resolve().parent.parent.parent / "fixtures"


def test_the_calls_of_a_callback() -> None:
    with open_recording(FIXTURES / "forgets_last_sector") as recording:
        assert recording.filter == "forgets_last_sector"
        assert recording.damage == []
        assert [call.number for call in recording] == list(range(14))
        reads = list(recording.calls("Dump_Read"))
        assert [call.number for call in reads] == [7, 8, 9, 10, 11]
        assert [call.number for call in recording.calls("Dump_Start", "Dump_Unload")] == [1, 6, 13]


def test_values_of_a_call() -> None:
    with open_recording(FIXTURES / "forgets_last_sector.dumpfilt") as recording:
        call = recording.call(7)
        assert str(call) == "call 7 (Dump_Read)"
        assert call.module_name == "hiber_forgets_last_sector"
        assert call.disk_byte_offset == 0x510869E00
        assert call.mdl.byte_count == 4096
        assert call.filter_extension.dump_type == 2
        assert call.exit is not None
        assert len(call.exit.buffer) == 4096


def test_a_value_that_is_missing_is_an_error_that_says_why() -> None:
    with open_recording(FIXTURES / "forgets_last_sector.dumpfilt") as recording:
        start = recording.call(1)
        assert isinstance(start.entry.mdl, NoValue)
        with pytest.raises(ValueMissingError, match=r"call 1 \(Dump_Start\): the MDL at entry: not captured"):
            _ = start.mdl
        with pytest.raises(ValueMissingError, match="an MDL of mine: not captured"):
            known(start.entry.mdl, "an MDL of mine")
        with pytest.raises(ValueMissingError, match=r"\*DiskByteOffset at entry: not captured"):
            _ = start.disk_byte_offset
        mdl: Mdl = known(recording.call(7).entry.mdl, "an MDL of mine")
        assert mdl.byte_offset >= 0


def test_a_callback_that_does_not_exist() -> None:
    with open_recording(FIXTURES / "aes_xts.dumpfilt") as recording, pytest.raises(
        UsageError, match=r"no callback 'DumpRead'.*do you mean Dump_Read\?"
    ):
        recording.calls("DumpRead")


def test_a_recording_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="is not a recording"):
        open_recording(tmp_path / "none.dumpfilt")


def test_pages_cannot_be_read_from_a_closed_recording() -> None:
    with open_recording(FIXTURES / "aes_xts.dumpfilt") as recording:
        call = next(recording.calls("Dump_Write"))
    assert isinstance(call, DecodedCall)
    with pytest.raises(RecordingError, match="closed"):
        _ = call.entry.buffer
