"""DF-WRITE-007: Dump_Write transforms all of the data or none of it."""

from dataclasses import replace
from typing import Callable, Optional, Tuple

import pytest

from pykd_dumpfilt.recording import Call, MemoryPageStore, Piece
from pykd_dumpfilt.rules import Finding, Judge, Result
from pykd_dumpfilt.rules.transform import TransformsAllOrNothing
from pykd_dumpfilt.structures import Machine

from .examples import EXTENSION, EXTENSION_ADDRESS, Script, findings, mdl, outcome, pattern, rule_result, side
from .transfers_by_hand import SCRATCH, judged, substitute

RULE = "DF-WRITE-007"
PLAIN = pattern(16384)


def cipher(data: bytes) -> bytes:
    return bytes(byte ^ 0xA5 for byte in data)


def kept(data: bytes, start: int, end: int) -> bytes:
    """All of the data transformed, but for the bytes from start to end."""
    return cipher(data[:start]) + data[start:end] + cipher(data[end:])


def result(script: Script) -> Result:
    return judged(script, TransformsAllOrNothing)


def one(script: Script) -> Finding:
    (finding,) = findings(result(script), RULE)
    return finding


@pytest.mark.parametrize("byte_offset", [0, 0x200, 0xE70])
@pytest.mark.parametrize("made", [cipher, bytes], ids=["all", "nothing"])
def test_all_or_nothing_is_fine(made: Callable[[bytes], bytes], byte_offset: int) -> None:
    script = Script()
    substitute(script, PLAIN, made(PLAIN), byte_offset)
    assert outcome(result(script), RULE) == ("pass", 1)


def test_the_last_sector_of_a_transfer_that_is_no_whole_page() -> None:
    script = Script()
    substitute(script, PLAIN[:5120], kept(PLAIN[:5120], 4608, 5120), offset=0x10000)
    finding = one(script)
    assert (finding.level.value, finding.call, finding.callback) == ("warning", 0, "Dump_Write")
    assert finding.message == (
        "Dump_Write transformed a part of the data: 1 of 10 sectors, at the end of the transfer, are as "
        "they were given, first at disk offset 0x11200 (page 1 byte 0x200); the others are changed, first at "
        "disk offset 0x10000 (page 0 byte 0x0); transform all of a transfer, or none of it; a filter for a "
        "range of the disk, or one that leaves out a header, may be right to do so at a border"
    )
    assert finding.evidence == {
        "place": "end",
        "kept_sectors": 1,
        "kept_disk_offset": 0x11200,
        "kept_page": 1,
        "kept_byte": 0x200,
        "kept_shape": None,
        "changed_sectors": 9,
        "changed_disk_offset": 0x10000,
        "changed_page": 0,
        "changed_byte": 0,
        "sector_size": 512,
    }


@pytest.mark.parametrize(
    ("start", "end", "byte_offset", "place", "page", "byte"),
    [
        (0, 512, 0, "beginning", 0, 0),
        (0, 512, 0x200, "beginning", 0, 0x200),
        (8192, 8704, 0, "middle", 2, 0),
        (3584, 4096, 0xE70, "middle", 1, 0xC70),
        (12288, 16384, 0, "end", 3, 0),
        (15872, 16384, 0x10, "end", 3, 0xE10),
    ],
)
def test_where_it_is(start: int, end: int, byte_offset: int, place: str, page: int, byte: int) -> None:
    script = Script()
    substitute(script, PLAIN, kept(PLAIN, start, end), byte_offset, offset=0)
    finding = one(script)
    evidence = finding.evidence
    assert finding.message.endswith("or none of it") == (place == "middle")
    assert evidence["place"] == place
    assert (evidence["kept_disk_offset"], evidence["kept_page"], evidence["kept_byte"]) == (start, page, byte)
    assert evidence["kept_sectors"] == (end - start) // 512
    assert evidence["changed_sectors"] == (16384 - end + start) // 512


def test_the_rest_of_a_sector_at_the_end_counts_as_one() -> None:
    script = Script()
    substitute(script, PLAIN[:5000], kept(PLAIN[:5000], 4608, 5000))
    evidence = one(script).evidence
    assert (evidence["kept_sectors"], evidence["changed_sectors"], evidence["place"]) == (1, 9, "end")


def test_less_than_a_sector_may_come_out_as_it_was() -> None:
    script = Script()
    substitute(script, PLAIN, kept(PLAIN, 1, 1023))
    assert outcome(result(script), RULE) == ("pass", 1)


def test_the_sector_size_is_the_disks() -> None:
    for size, count in ((4096, 1), (515, 8)):
        script = Script()
        call = substitute(script, PLAIN, kept(PLAIN, 4096, 8192))
        geometry = EXTENSION[:0x24] + size.to_bytes(4, "little") + EXTENSION[0x28:]
        entry = replace(call.entry, filter_extension=Piece(EXTENSION_ADDRESS, geometry, 0x58))
        script.records[-1] = replace(call, entry=entry)
        assert one(script).evidence["kept_sectors"] == count


@pytest.mark.parametrize(
    ("head", "shape"),
    [
        (b"PAGEDU64".ljust(4096, b"x"), "a crash dump header (PAGEDU64)"),
        (b"HIBR".ljust(4096, b"x"), "a hibernation image header (HIBR)"),
        (bytes(4096), "a page of zeros"),
        (bytes(512).ljust(4096, b"x"), "zeros"),
    ],
)
def test_what_was_kept_is_said_where_it_is_known(head: bytes, shape: str) -> None:
    script = Script()
    data = head + PLAIN[:4096]
    substitute(script, data, kept(data, 0, 4096))
    finding = one(script)
    assert f"(page 0 byte 0x0, {shape}); the others are changed" in finding.message
    assert finding.evidence["kept_shape"] == shape


def test_it_is_told_once_for_a_copy_and_a_place() -> None:
    script = Script()
    for _ in range(3):
        substitute(script, PLAIN, kept(PLAIN, 0, 512))
        substitute(script, PLAIN, kept(PLAIN, 15872, 16384))
    told = rule_result(result(script), RULE)
    assert [finding.evidence["place"] for finding in told.findings] == ["beginning", "end"]
    assert told.notes == ("4 more times the same as the findings",)


def test_a_header_that_is_left_out_is_a_note() -> None:
    """DmpFlt does so on purpose, and all of the transfer is left as it was."""
    script = Script()
    script.write(0, b"PAGEDU64".ljust(4096, b"x"))
    substitute(script, PLAIN)
    script.write(4096, PLAIN)
    told = rule_result(result(script), RULE)
    assert told.notes == (
        "hiber_myfilt: Dump_Write left 2 of 3 transfers as they were, among them a crash dump header "
        "(PAGEDU64) in call 0",
    )
    assert (told.outcome.value, told.calls_checked) == ("pass", 3)


def test_a_filter_that_transforms_nothing_needs_no_page() -> None:
    class Silent:
        def page(self, number: int) -> bytes:
            raise AssertionError("no page was to be read")

    script = Script()
    script.write(0, b"HIBR".ljust(4096, b"x"))
    engine = Judge(Silent(), Machine.X64, rules=[TransformsAllOrNothing])
    for record in script.records:
        engine.feed(record)
    told = rule_result(engine.finish(), RULE)
    assert told.notes == ("hiber_myfilt: Dump_Write left 1 of 1 transfers as they were",)


class Counting:
    """A page store that counts what is read."""

    def __init__(self, store: MemoryPageStore) -> None:
        self._store = store
        self.reads = 0

    def page(self, number: int) -> bytes:
        self.reads += 1
        return self._store.page(number)


def after_64(data: bytes, written: bytes, byte_offset: int = 0, before: int = 64) -> Tuple[Counting, Result]:
    """What is said of a transfer after as many that were compared whole."""
    script = Script()
    for _ in range(before):
        substitute(script, PLAIN[:512])
    substitute(script, data, written, byte_offset)
    pages = Counting(script.memory.store)
    engine = Judge(pages, Machine.X64, rules=[TransformsAllOrNothing])
    for record in script.records[:-1]:
        engine.feed(record)
    pages.reads = 0
    engine.feed(script.records[-1])
    return pages, engine.finish()


def test_after_64_transfers_the_first_and_last_page_are_read() -> None:
    pages, told = after_64(PLAIN, cipher(PLAIN))
    assert pages.reads == 4
    assert outcome(told, RULE) == ("pass", 65)
    assert rule_result(told, RULE).notes == (
        "1 of the transfers were compared by first page, last page and page numbers",
    )


@pytest.mark.parametrize(
    ("start", "end", "byte_offset", "found"),
    [
        (0, 512, 0, True),
        (15872, 16384, 0, True),
        (0, 512, 0xE70, True),
        (15872, 16384, 0xE70, True),
        # The last page begins within the sector before.
        (12800, 13312, 0xE70, True),
        # A page of its own: its number tells.
        (4096, 8192, 0, True),
        # Within a page in the middle, or divided in pages in another way: not looked at, as the note says.
        (4608, 5120, 0, False),
        (4096, 8192, 0xE70, False),
    ],
)
def test_what_is_found_without_comparing_all(start: int, end: int, byte_offset: int, found: bool) -> None:
    _, told = after_64(PLAIN, kept(PLAIN, start, end), byte_offset)
    assert [finding.evidence["kept_sectors"] for finding in findings(told, RULE)] == (
        [(end - start) // 512] if found else []
    )


def test_ends_that_were_kept_are_held_against_the_rest() -> None:
    _, told = after_64(PLAIN, PLAIN[:512] + cipher(PLAIN[512:12288]) + PLAIN[12288:], 0xE70)
    (finding,) = findings(told, RULE)
    assert (finding.evidence["kept_sectors"], finding.evidence["changed_sectors"]) == (9, 23)
    assert finding.evidence["place"] == "middle"


def test_the_same_pages_with_another_byte_offset_are_other_data() -> None:
    script = Script()
    buffer = script.memory.buffer(PLAIN[:2048], 512)
    entry = side(0, [mdl(2048, 512)], [buffer])
    done = side(0, [mdl(2048, 0)], [replace(buffer, offset=0)])
    script.write(0, b"", entry=entry, exit=done)
    told = rule_result(result(script), RULE)
    assert (told.outcome.value, told.calls_checked, told.notes) == ("pass", 1, ())


def test_every_64th_transfer_is_compared_whole() -> None:
    pages, told = after_64(PLAIN, kept(PLAIN, 4608, 5120), before=127)
    assert pages.reads >= 8
    assert len(findings(told, RULE)) == 1


def test_an_mdl_chain_that_became_one_buffer() -> None:
    script = Script()
    memory = script.memory
    second = 0xFFFFAB0000005000
    entry = side(
        0x2000,
        [mdl(4096, 512, next_mdl=second), mdl(1024, address=second, pfns=[0x1800])],
        [memory.buffer(PLAIN[:4096], 512), memory.buffer(PLAIN[4096:5120])],
    )
    done = side(
        0x2000,
        [mdl(5120, pfns=[0x2000, 0x2001], mapped=SCRATCH, start_va=SCRATCH)],
        [memory.buffer(kept(PLAIN[:5120], 4096, 4608))],
    )
    script.write(0, b"", entry=entry, exit=done)
    evidence = one(script).evidence
    # The first buffer takes two pages, so the second begins with the third.
    assert (evidence["kept_page"], evidence["kept_byte"], evidence["kept_disk_offset"]) == (2, 0, 0x3000)
    assert (evidence["kept_sectors"], evidence["changed_sectors"]) == (1, 9)


def test_a_buffer_that_is_kept_longer_than_its_mdl_says_is_cut() -> None:
    """No tracer makes it so. The chain's second buffer follows the first's ByteCount."""
    script = Script()
    second = 0xFFFFAB0000005000
    mdls = [mdl(512, next_mdl=second), mdl(512, address=second)]
    buffers = [script.memory.buffer(PLAIN[:1024]), script.memory.buffer(PLAIN[512:1024])]
    entry = side(0, mdls, buffers)
    done = side(0, [mdl(1024, pfns=[0x2000])], [script.memory.buffer(kept(PLAIN[:1024], 512, 1024))])
    script.write(0, b"", entry=entry, exit=done)
    evidence = one(script).evidence
    assert (evidence["kept_sectors"], evidence["kept_disk_offset"], evidence["kept_page"]) == (1, 512, 1)


def test_a_failed_dump_write_is_not_judged() -> None:
    script = Script()
    call = substitute(script, PLAIN, kept(PLAIN, 0, 512))
    script.records[-1] = replace(call, status=0xC0000001)
    assert outcome(result(script), RULE) == ("not exercised", 0)


def test_in_place_is_compared_like_any_other() -> None:
    """That it may not be in place is another rule's matter."""
    script = Script()
    entry = side(0, [mdl(4096)], [script.memory.buffer(PLAIN[:4096])])
    done = side(0, [mdl(4096)], [script.memory.buffer(kept(PLAIN[:4096], 3584, 4096))])
    script.write(0, b"", entry=entry, exit=done)
    assert one(script).evidence["place"] == "end"


def unreadable(call: Call, when: str, page: Optional[int]) -> Call:
    """The call with one page of its buffer unreadable, or with only its first page kept."""
    one_side = getattr(call, when)
    (buffer,) = one_side.buffers
    if page is None:
        buffer = replace(buffer, pages=buffer.pages[:1], size=4096, truncated="the limit of this trace")
    else:
        pages = tuple(None if at == page else number for at, number in enumerate(buffer.pages))
        buffer = replace(buffer, pages=pages, unreadable={page: "not present"})
    return replace(call, **{when: replace(one_side, buffers=(buffer,))})


@pytest.mark.parametrize("when", ["entry", "exit"])
@pytest.mark.parametrize(
    ("page", "reason"),
    [(2, "page 2: not present"), (None, "4096 of 16384 bytes kept, the limit of this trace")],
)
def test_what_was_not_kept_is_said(when: str, page: Optional[int], reason: str) -> None:
    script = Script()
    script.records[-1] = unreadable(substitute(script, PLAIN), when, page)
    told = rule_result(result(script), RULE)
    assert (told.outcome.value, told.calls_checked) == ("incomplete", 0)
    assert reason in told.reasons[0]


def test_a_page_that_is_unreadable_on_both_sides_is_not_taken_for_equal() -> None:
    script = Script()
    call = substitute(script, PLAIN, PLAIN)
    script.records[-1] = unreadable(unreadable(call, "entry", 1), "exit", 1)
    assert outcome(result(script), RULE) == ("incomplete", 0)


def test_a_buffer_that_was_not_captured_is_said() -> None:
    script = Script()
    call = substitute(script, PLAIN)
    script.records[-1] = replace(call, entry=replace(call.entry, buffers=()))
    assert outcome(result(script), RULE) == ("incomplete", 0)
