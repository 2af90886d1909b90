"""Any recording: whatever was written, read and broken where, scrubbing shows the same of it."""

import hashlib
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Dict, List

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pykd_dumpfilt.checking import check
from pykd_dumpfilt.entropy import data_looks_random
from pykd_dumpfilt.errors import RecordingError
from pykd_dumpfilt.recording import Call, Header, Record, RecordingWriter, read_recording
from pykd_dumpfilt.scrubbing import Key, scrub
from pykd_dumpfilt.scrubbing._common import COMMON

from ..recording.examples import headers, records
from ..reports.examples import write
from ..rules.examples import Script
from .scripts import evidence, pages_by_slot

KEY = Key(b"sixteen bytes...", (COMMON,))
SECTOR = 512
_TEXTS = [(b"Sector %d is made of words that can be read. " % number * 12)[:SECTOR] for number in range(3)]
_RANDOM = [hashlib.shake_256(b"sector %d" % number).digest(SECTOR) for number in range(3)]
_sectors = st.sampled_from([bytes(SECTOR), *_TEXTS, *_RANDOM])
_data = st.lists(_sectors, min_size=1, max_size=20).map(b"".join)
_disk_offsets = st.integers(0, 40).map(lambda number: 0x5000 + SECTOR * number)
_byte_offsets = st.sampled_from([0, 0, 0, SECTOR, 0x10, 0xE00, 4095])


@st.composite
def scripts(draw: st.DrawFn) -> Script:
    """Writes, and reads that give back what was written at a place, or break some bytes of it or beside it,
    in other parts and at other places of a page."""
    script = Script()
    disk: Dict[int, bytes] = {}
    for _ in range(draw(st.integers(1, 7))):
        offset, byte_offset = draw(_disk_offsets), draw(_byte_offsets)
        if draw(st.booleans()):
            data = draw(_data)
            script.write(offset, data, byte_offset)
            for at in range(0, len(data), SECTOR):
                disk[offset + at] = data[at : at + SECTOR]
            if draw(st.integers(0, 3)) == 0:
                _break(draw, script)
            continue
        count = draw(st.integers(1, 16))
        data = b"".join(disk.get(offset + SECTOR * number, _RANDOM[0]) for number in range(count))
        script.read(offset, data, byte_offset, before=draw(st.none() | st.just(data)))
        if draw(st.booleans()):
            _break(draw, script)
    return script


def _break(draw: st.DrawFn, script: Script) -> None:
    """Change a few bytes of the pages at return, wherever they are."""
    call = script.records[-1]
    assert isinstance(call, Call)
    done = call.exit
    assert done is not None
    buffer = done.buffers[0]
    pages = list(buffer.pages)
    index = draw(st.integers(0, len(pages) - 1))
    content = bytearray(script.memory.store.page(pages[index] or 0))
    for at in draw(st.lists(st.integers(0, 4095), min_size=1, max_size=3)):
        content[at] ^= draw(st.integers(1, 255))
    pages[index] = script.memory.store.put(bytes(content))
    changed = replace(done, buffers=(replace(buffer, pages=tuple(pages)),))
    script.records[-1] = replace(call, exit=changed)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(scripts())
def test_findings_equality_zeros_and_looks_survive(script: Script) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / "run", script)
        done = scrub(path, Path(folder) / "new", KEY)
        assert evidence(done.result) == evidence(check(path))
        pages: Dict[int, int] = {}
        with read_recording(path) as old, read_recording(done.path) as new:
            for one, two in zip(pages_by_slot(old), pages_by_slot(new)):
                assert pages.setdefault(one, two) == two
            # Different pages stay different: those that are compared for sure, others but for 1 in 2**64.
            assert len(set(pages.values())) == len(pages)
            for one, two in pages.items():
                before, after = old.page(one), new.page(two)
                assert [at for at in range(4096) if not before[at]] == [
                    at for at in range(4096) if not after[at]
                ]
                if before.isascii() or data_looks_random(before):
                    assert data_looks_random(after) == data_looks_random(before)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(headers, st.lists(records, max_size=6))
def test_whatever_a_recording_holds_it_is_scrubbed(header: Header, found: List[Record]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        with RecordingWriter(Path(folder) / "run", header) as writer:
            for number in range(6):
                writer.put(bytes([number]) * 4096)
            for record in found:
                try:
                    writer.write(record)
                except RecordingError:
                    continue
        done = scrub(writer.path, Path(folder) / "new", KEY)
        kinds = [type(one) for one in read_recording(writer.path)]
        assert [type(one) for one in read_recording(done.path)][: len(kinds)] == kinds
