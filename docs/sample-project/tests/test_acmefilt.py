"""What only Acme knows of its filter: what stays in plain, and how the rest is encrypted."""

import pytest

pytestmark = pytest.mark.dumpfilt("recordings/*.dumpfilt")

MAGIC = {"HIBR": b"HIBR", "PAGEDU64": b"PAGEDU64"}


def is_header(call):
    return call.entry.buffer.startswith(tuple(MAGIC.values()))


def key_stream(at, size):
    """Byte n of the disk has its own key byte: see key_byte() in driver/acmefilt.c."""
    return bytes((n * 0x9D + (n >> 8) * 0x65 + (n >> 16) + 0xAC) & 0xFF for n in range(at, at + size))


def test_the_header_stays_in_plain(recording):
    headers = [call for call in recording.calls("Dump_Write") if is_header(call)]
    assert headers, "no header was written"
    for call in headers:
        assert call.exit.buffer == call.entry.buffer


def test_all_else_is_encrypted_by_its_place_on_the_disk(recording):
    for call in recording.calls("Dump_Write"):
        if not is_header(call):
            keys = key_stream(call.disk_byte_offset, call.mdl.byte_count)
            assert call.exit.buffer == bytes(one ^ key for one, key in zip(call.entry.buffer, keys)), call


@pytest.mark.dumpfilt("recordings/release-*-crash.dumpfilt")
def test_a_crash_dump_begins_as_one(recording):
    first = next(recording.calls("Dump_Write"))
    assert first.entry.buffer.startswith(MAGIC["PAGEDU64"])
    assert first.filter_extension.dump_type == 1


@pytest.mark.dumpfilt("recordings/release-2.0.dumpfilt")
def test_the_last_release_needs_no_waiver(dumpfilt_result):
    assert dumpfilt_result.verdict.value == "pass"
    assert dumpfilt_result.waived == 0
