"""The KD protocol (64-bit, serial framing): packets and the structures in them.

Facts by experiment with DbgEng 10.0.15063; names follow the public descriptions of windbgkd.h.
"""

import struct
from dataclasses import dataclass
from typing import Optional, Union

from construct import Int8ul, Int16ul, Int32ul, Int64ul, Padding, Struct

__all__ = [
    "BREAK_IN",
    "INITIAL_ID",
    "MAX_PACKET",
    "MAX_READ",
    "SYNC",
    "Api",
    "BreakIn",
    "Packet",
    "PacketReader",
    "PacketType",
    "control_packet",
    "data_packet",
]

DATA_LEADER = 0x30303030
CONTROL_LEADER = 0x69696969
BREAK_IN = 0x62
TRAILER = b"\xaa"

INITIAL_ID = 0x80800000
SYNC = 0x800
"""Or-ed into the id of the first data packet after a reset."""

MAX_PACKET = 4000
MAX_READ = MAX_PACKET - 56
"""Bytes of memory that one read reply can carry: 56 are the manipulate header and union."""


class PacketType:
    """The types in a packet's header."""

    STATE_MANIPULATE = 2
    DEBUG_IO = 3
    ACKNOWLEDGE = 4
    RESEND = 5
    RESET = 6
    STATE_CHANGE64 = 7


class Api:
    """ApiNumber of a manipulate request."""

    READ_VIRTUAL = 0x3130
    WRITE_VIRTUAL = 0x3131
    GET_CONTEXT = 0x3132
    SET_CONTEXT = 0x3133
    WRITE_BREAKPOINT = 0x3134
    RESTORE_BREAKPOINT = 0x3135
    CONTINUE = 0x3136
    READ_CONTROL_SPACE = 0x3137
    WRITE_CONTROL_SPACE = 0x3138
    CONTINUE2 = 0x313C
    READ_PHYSICAL = 0x313D
    WRITE_PHYSICAL = 0x313E
    GET_VERSION = 0x3146
    READ_MSR = 0x3152
    WRITE_MSR = 0x3153
    CLEAR_ALL_INTERNAL_BREAKPOINTS = 0x315A
    GET_CONTEXT_EX = 0x315F
    SET_CONTEXT_EX = 0x3160

    NAMES = {
        value: name.lower()
        for name, value in list(vars().items())
        if isinstance(value, int) and not name.startswith("_")
    }


HEADER = Struct(
    "leader" / Int32ul,
    "type" / Int16ul,
    "size" / Int16ul,
    "id" / Int32ul,
    "checksum" / Int32ul,
)
MANIPULATE = Struct(
    "api" / Int32ul,
    "processor_level" / Int16ul,
    "processor" / Int16ul,
    "status" / Int32ul,
    Padding(4),
)
UNION_SIZE = 40
MEMORY = Struct("address" / Int64ul, "count" / Int32ul, "actual" / Int32ul)
"""Reads and writes of memory and of control space."""
BREAKPOINT = Struct("address" / Int64ul, "handle" / Int32ul)
CONTINUE2 = Struct("status" / Int32ul, "trace" / Int32ul, "dr7" / Int64ul)
CONTEXT_EX = Struct("offset" / Int32ul, "count" / Int32ul, "actual" / Int32ul)
VERSION = Struct(
    "major" / Int16ul,
    "minor" / Int16ul,
    "protocol" / Int8ul,
    "secondary" / Int8ul,
    "flags" / Int16ul,
    "machine" / Int16ul,
    "max_packet_type" / Int8ul,
    "max_state_change" / Int8ul,
    "max_manipulate" / Int8ul,
    "simulation" / Int8ul,
    Padding(2),
    "kernel_base" / Int64ul,
    "ps_loaded_module_list" / Int64ul,
    "debugger_data_list" / Int64ul,
)
STATE_CHANGE = Struct(
    "state" / Int32ul,
    "processor_level" / Int16ul,
    "processor" / Int16ul,
    "processors" / Int32ul,
    Padding(4),
    "thread" / Int64ul,
    "program_counter" / Int64ul,
)
STATE_EXCEPTION = 0x3030
STATE_LOAD_SYMBOLS = 0x3031
STATE_UNION_SIZE = 160
EXCEPTION = Struct(
    "code" / Int32ul,
    "flags" / Int32ul,
    "record" / Int64ul,
    "address" / Int64ul,
    "parameters" / Int32ul,
    Padding(4 + 15 * 8),
    "first_chance" / Int32ul,
    Padding(4),
)
LOAD_SYMBOLS = Struct(
    "path_length" / Int32ul,
    Padding(4),
    "base" / Int64ul,
    "process" / Int64ul,
    "checksum" / Int32ul,
    "size" / Int32ul,
    "unload" / Int8ul,
    Padding(7),
)
CONTROL_REPORT = Struct(
    "dr6" / Int64ul,
    "dr7" / Int64ul,
    "eflags" / Int32ul,
    "instruction_count" / Int16ul,
    "flags" / Int16ul,
)
CONTROL_REPORT_SIZE = 48
CODE_BREAKPOINT = 0x80000003
CODE_SINGLE_STEP = 0x80000004


@dataclass(frozen=True)
class BreakIn:
    """The debugger wants the target to stop: a lone byte 0x62 between packets."""


@dataclass(frozen=True)
class Packet:
    """One packet; ``body`` is empty for control packets. ``intact`` is False where the checksum or the
    trailer is wrong."""

    control: bool
    type: int
    id: int
    body: bytes = b""
    intact: bool = True


class PacketReader:
    """Cuts a byte stream into packets; bytes that belong to none are skipped."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """More of the stream."""
        self._buffer += data

    def next(self) -> Optional[Union[Packet, BreakIn]]:
        """The next packet, None when more bytes are needed."""
        buffer = self._buffer
        while buffer:
            if buffer[0] == BREAK_IN:
                del buffer[0]
                return BreakIn()
            leader = bytes(buffer[:4])
            if leader[:1] not in (b"0", b"i") or leader != leader[:1] * len(leader):
                del buffer[0]
                continue
            if len(buffer) < 16:
                return None
            header = HEADER.parse(bytes(buffer[:16]))
            if header.leader == CONTROL_LEADER:
                del buffer[:16]
                return Packet(True, header.type, header.id)
            if header.size > MAX_PACKET:
                del buffer[0]
                continue
            end = 16 + header.size
            if len(buffer) < end + 1:
                return None
            body = bytes(buffer[16:end])
            intact = sum(body) & 0xFFFFFFFF == header.checksum and buffer[end : end + 1] == TRAILER
            del buffer[: end + 1]
            return Packet(False, header.type, header.id, body, intact)
        return None


def control_packet(type_: int, id_: int = 0) -> bytes:
    """An acknowledge, resend or reset packet."""
    return struct.pack("<IHHII", CONTROL_LEADER, type_, 0, id_, 0)


def data_packet(type_: int, id_: int, body: bytes) -> bytes:
    """A data packet with its checksum and trailer."""
    return struct.pack("<IHHII", DATA_LEADER, type_, len(body), id_, sum(body) & 0xFFFFFFFF) + body + TRAILER
