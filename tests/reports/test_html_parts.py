"""What the page is made of: bounded memory, the map, the timeline, entropy, hexdumps, pictures."""

import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any, Mapping, Tuple

import pytest

from pykd_dumpfilt.checking import Report, check
from pykd_dumpfilt.recording import Buffer
from pykd_dumpfilt.reports._comparison import Elision, Row, comparisons
from pykd_dumpfilt.reports._comparison.hexdump import changed_bytes, side_by_side
from pykd_dumpfilt.reports._html.blocks import Blocks
from pykd_dumpfilt.reports._html.disk_map import disk_map
from pykd_dumpfilt.reports._html.entropy import Pair, describe
from pykd_dumpfilt.reports._html.walk import walk
from pykd_dumpfilt.reports.html_report import render_html
from pykd_dumpfilt.rules import Finding, Level

from ..benchmarks.synthetic import write_recording
from ..rules.examples import Script, pattern
from .examples import passing, write


def test_blocks_grow_instead_of_becoming_many() -> None:
    blocks = Blocks(1, 512, 16)
    for at in range(0, 1 << 20, 4096):
        blocks.add(0, at, at + 4096)
    assert blocks.grain == 65536
    assert blocks.amounts == {index: [65536] for index in range(16)}


def test_a_block_gets_what_lies_in_it() -> None:
    blocks = Blocks(2, 512, 16)
    blocks.add(1, 500, 1030)
    assert blocks.amounts == {0: [0, 12], 1: [0, 512], 2: [0, 6]}


def test_a_range_of_hostile_size_is_no_loop() -> None:
    blocks = Blocks(1, 512, 16)
    blocks.add(0, -(1 << 62), 1 << 62)
    assert len(blocks.amounts) <= 16


def on_disk(*ranges: Tuple[int, int, int]) -> Blocks:
    """Lane, start and end of transfers."""
    blocks = Blocks(3, 512, 8192)
    for lane, start, end in ranges:
        blocks.add(lane, start, end)
    return blocks


def test_wide_gaps_are_taken_out_of_the_map() -> None:
    disk = disk_map(on_disk((0, 0x1000, 0x3000), (1, 0x1000, 0x2000), (0, 60 << 30, (60 << 30) + 0x2000)), [])
    assert [(part.start, part.end) for part in disk.parts] == [
        (0x1000, 0x3000),
        (60 << 30, (60 << 30) + 0x2000),
    ]
    assert [(part.written, part.read) for part in disk.parts] == [(8192, 4096), (8192, 0)]
    assert disk.parts[0].right < disk.parts[1].left
    assert disk.lanes["written"][-1][1] == 1.0


def test_the_map_knows_what_was_never_written_and_what_failed() -> None:
    disk = disk_map(on_disk((1, 0, 4096), (0, 0, 2048), (2, 8192, 8704)), [(0, 512), (1 << 40, 1 << 41)])
    part, failed = disk.parts
    assert (part.unwritten, part.findings, part.failed) == (2048, 1, 0)
    assert (failed.unwritten, failed.findings, failed.failed) == (0, 0, 512)


def test_many_scattered_blocks_make_few_parts() -> None:
    disk = disk_map(on_disk(*((0, at << 24, (at << 24) + 512) for at in range(0, 5000, 7))), [])
    assert 1 <= len(disk.parts) <= 8
    assert sum(len(lane) for lane in disk.lanes.values()) <= 400


@pytest.mark.parametrize(
    ("callback", "before", "after", "words"),
    [
        ("Dump_Write", 2.0, 7.96, "What went to the disk looks encrypted."),
        ("Dump_Write", 2.0, 2.0, "What is on the disk does not look encrypted."),
        ("Dump_Write", 7.96, 7.96, "so entropy does not tell whether it is encrypted."),
        (
            "Dump_Read",
            7.96,
            2.0,
            "What came from the disk looks encrypted, and what was given back does not.",
        ),
    ],
)
def test_entropy_in_words(callback: str, before: float, after: float, words: str) -> None:
    assert words in describe(callback, [Pair(0, 0, 4096, before, after, False)])


def test_unchanged_data_is_said_to_be() -> None:
    assert describe("Dump_Write", [Pair(0, 0, 4096, 2.0, 2.0, True)]).startswith("Nothing was transformed")


def test_bytes_that_only_one_side_has_differ() -> None:
    assert changed_bytes(b"ab", b"abcd") == 2
    (row,) = side_by_side(b"ab", b"abcd")
    assert isinstance(row, Row)
    assert row.left[:2] == (("61 62 ", False), ("     ", True))
    assert row.right[:2] == (("61 62 ", False), ("63 64", True))


def test_rows_begin_at_multiples_of_16() -> None:
    rows = side_by_side(b"\1\2", b"\1\3", 0x100F)
    assert [row.offset for row in rows if isinstance(row, Row)] == [0x1000, 0x1010]
    assert [("02", True) in row.left for row in rows if isinstance(row, Row)] == [False, True]


def test_at_most_32_rows_and_the_rest_is_counted() -> None:
    left = bytes(16 * 1000)
    right = bytearray(left)
    for row in range(0, 1000, 10):
        right[16 * row] = 1
    rows = side_by_side(left, bytes(right))
    assert sum(isinstance(row, Row) for row in rows) == 32
    assert rows[-1] == Elision(938, 93)


def test_a_long_recording_makes_a_page_of_bounded_size(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "long", 120)
    report = Report((check(path),))
    tracemalloc.start()
    seen = walk(report.results[0])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20
    assert len(seen.disk.amounts) <= 8192
    # 120 calls of 16 pages: every 4th page, evenly over all calls.
    sample = seen.entropy["Dump_Write"]
    assert (sample.seen, sample.step) == (1920, 4)
    assert [(pair.call, pair.position) for pair in sample.pairs] == [
        (call, page * 4096) for call in range(120) for page in range(0, 16, 4)
    ]
    assert len(render_html(report)) < 200_000


def test_at_most_50_findings_with_bytes(tmp_path: Path) -> None:
    script = Script()
    for at in range(25):
        data = pattern(512, at)
        script.write(0x1000 * at, data)
        script.read(0x1000 * at, b"\xff" + data[1:])
    path = write(tmp_path / "bad", script)
    checked = check(path)
    page = render_html(Report((checked,) * 3))
    assert page.count('<table class="hex">') == 50
    assert "This page shows the bytes of at most 50 findings; 10 here are without." in page
    assert page.count("Its bytes are left out of this page") == 10


def test_data_that_was_transformed_in_part(tmp_path: Path) -> None:
    script = Script()
    data = pattern(4096)
    call = script.write(0x1000, data)
    assert call.exit is not None
    half = data[:512] + bytes(byte ^ 0xFF for byte in data[512:])
    done = replace(call.exit, buffers=(script.memory.buffer(half),))
    script.records[-1] = replace(call, exit=done)
    seen = walk(check(write(tmp_path / "part", script)))
    evidence = {"kept_disk_offset": 0x1000, "changed_disk_offset": 0x1200}
    (shown,) = comparisons(
        Finding("DF-WRITE-007", Level.WARNING, 0, "Dump_Write", "", evidence), seen.recording
    )
    seen.close()
    assert (shown.left, shown.right) == ("Given to Dump_Write", "What goes to the disk")
    assert shown.caption == "Disk offsets 0x11e0 to 0x123f"
    rows = [row for row in shown.rows if isinstance(row, Row)]
    assert [(row.offset, any(changed for _, changed in row.left)) for row in rows] == [
        (0x11E0, False),
        (0x11F0, False),
        (0x1200, True),
        (0x1210, True),
        (0x1220, True),
        (0x1230, True),
    ]


def test_a_page_next_to_the_buffer(tmp_path: Path) -> None:
    script = Script()
    call = script.read(0x1000, pattern(4096))
    assert call.exit is not None
    quiet = bytes(4096)
    numbers = [script.memory.store.put(one) for one in (quiet, b"\x01" + quiet[1:])]
    around = [Buffer("virtual", 0, 8192, (numbers[0], numbers[index])) for index in (0, 1)]
    script.records[-1] = replace(
        call,
        entry=replace(call.entry, around=(around[0],)),
        exit=replace(call.exit, around=(around[1],)),
    )
    checked = check(write(tmp_path / "past", script))
    (finding,) = [one for one in checked.result.findings if one.rule == "DF-READ-003"]
    seen = walk(checked)
    (shown,) = comparisons(finding, seen.recording)
    seen.close()
    assert shown.caption == "The page behind the buffer's last, whole: nothing of it is the filter's"
    changed = [row.offset for row in shown.rows if isinstance(row, Row) and any(one for _, one in row.left)]
    assert changed == [0]


@pytest.mark.parametrize(
    "evidence",
    [
        {},
        {"mdl": 0, "page": 1, "address": "0x1000"},
        {"mdl": 9, "page": -1, "address": "0x1000"},
        {"written_by_call": 99, "disk_offset": 0x1000},
        {"written_by_call": 0, "disk_offset": 1 << 62},
        {"written_by_call": "0", "disk_offset": [], "expected": "zz", "got": 7},
        {"written_by_call": 1, "disk_offset": -1},
        {"kept_disk_offset": 0, "changed_disk_offset": 1 << 62},
    ],
)
@pytest.mark.parametrize("rule", ["DF-TRIP-001", "DF-READ-003", "DF-READ-004", "DF-WRITE-007", "DF-CALL-002"])
def test_evidence_that_fits_nothing_is_no_error(
    tmp_path: Path, rule: str, evidence: Mapping[str, Any]
) -> None:
    seen = walk(check(write(tmp_path / "good", passing())))
    for call in (0, 1, 99):
        comparisons(Finding(rule, Level.ERROR, call, "Dump_Read", "", evidence), seen.recording)
    seen.close()
