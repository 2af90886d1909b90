"""A recording in which many rules are broken, for reports that show more than sentences."""

import struct
from dataclasses import replace
from typing import Optional

from pykd_dumpfilt.recording import Buffer, Call, Piece, Side

from ..rules.examples import AT_RETURN, EXTENSION, EXTENSION_ADDRESS, OFFSET_ADDRESS, Script, mdl, pattern


def faulty() -> Script:
    """Calls 0 to 9: one fault each, and the writes and reads that it takes to see them."""
    script = Script()
    script.write(0x1000, pattern(8192))
    # 1: DF-TRIP-001, a flipped bit in the second page.
    wrong = bytearray(pattern(8192))
    wrong[0x1234] ^= 0x10
    script.read(0x1000, bytes(wrong))
    # 2, 3: DF-READ-004, another answer to the same question.
    script.read(0x40000000, pattern(512, 7), before=b"\x33" * 512)
    script.read(0x40000000, pattern(512, 8), before=b"\x33" * 512)
    # 4: DF-READ-003, a byte before the buffer.
    read = script.read(0x1000, pattern(512), byte_offset=0x200)
    _replace_exit(script, buffers=(_with_byte_before(script, read.exit),))
    # 5: DF-READ-002 and DF-READ-001.
    script.read(0x1000, pattern(512))
    _replace_exit(
        script,
        mdls=(mdl(512, start_va=0xFFFFC2000002A000),),
        disk_byte_offset=Piece(OFFSET_ADDRESS, struct.pack("<q", 0x2000), 8),
    )
    # 6: DF-CALL-002.
    script.plain("Dump_Start")
    changed = EXTENSION[:0x50] + b"\x60" + EXTENSION[0x51:]
    _replace_exit(script, filter_extension=Piece(EXTENSION_ADDRESS, changed, 0x58))
    # 7: DF-CALL-003.
    script.plain("Dump_Finish")
    _replace_exit(script, registers={**AT_RETURN, "rbx": 0xDEAD})
    # 8: DF-WRITE-001, the caller's page is encrypted where it lies.
    script.write(0x8000, pattern(4096))
    _replace_exit(script, buffers=(script.memory.buffer(bytes(byte ^ 0xA5 for byte in pattern(4096))),))
    # 9: DF-CALL-001, a status that is neither success nor an error; and data that no Dump_Write wrote.
    script.read(0x10_0000_0000 - 4096, pattern(4096), status=0x80000005)
    return script


def _replace_exit(script: Script, **changes: object) -> None:
    call = script.records[-1]
    assert isinstance(call, Call)
    assert call.exit is not None
    script.records[-1] = replace(call, exit=replace(call.exit, **changes))  # type: ignore[arg-type]


def _with_byte_before(script: Script, done: Optional[Side]) -> Buffer:
    assert done is not None
    buffer = done.buffers[0]
    number = buffer.pages[0]
    assert number is not None
    page = bytearray(script.memory.store.page(number))
    page[0x1FF] = 0x77
    return replace(buffer, pages=(script.memory.store.put(bytes(page)),))
