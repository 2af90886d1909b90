"""What travels in KD packets, for a 64-bit target (AMD64): layouts only.

Names are those of windbgkd.h (DBGKD_*) and winnt.h (CONTEXT, EXCEPTION_RECORD64). The parts of
KSPECIAL_REGISTERS and CONTEXT that no debugger of ours asks for are padding.
"""

import enum

from construct import Array, Bytes, Int8ul, Int16ul, Int32ul, Int64ul, Padding, Struct

__all__ = [
    "CONTEXT",
    "CONTROL_REPORT",
    "CONTROL_SET",
    "DEBUG_IO",
    "EXCEPTION",
    "LOAD_SYMBOLS",
    "MANIPULATE",
    "MEMORY",
    "MSR",
    "PACKET",
    "QUERY_MEMORY",
    "SPECIAL_REGISTERS",
    "STATE_CHANGE",
    "UNION_SIZE",
    "VERSION",
    "Api",
    "Code",
    "PacketType",
    "StateChange",
    "Status",
]


class PacketType(enum.IntEnum):
    """PACKET_TYPE_*: 2, 3, 7 and 11 are data packets, the others control packets."""

    STATE_MANIPULATE = 2
    DEBUG_IO = 3
    ACKNOWLEDGE = 4
    RESEND = 5
    RESET = 6
    STATE_CHANGE = 7
    POLL_BREAKIN = 8
    FILE_IO = 11


class StateChange(enum.IntEnum):
    """DbgKd*StateChange."""

    EXCEPTION = 0x3030
    LOAD_SYMBOLS = 0x3031


class Code(enum.IntEnum):
    """Exception codes."""

    BREAKPOINT = 0x80000003
    SINGLE_STEP = 0x80000004
    WAKE_SYSTEM_DEBUGGER = 0x80000007


class Status(enum.IntEnum):
    """NTSTATUS of a reply."""

    SUCCESS = 0
    UNSUCCESSFUL = 0xC0000001


class Api(enum.IntEnum):
    """DbgKd*Api: what a debugger asks."""

    READ_VIRTUAL_MEMORY = 0x3130
    WRITE_VIRTUAL_MEMORY = 0x3131
    GET_CONTEXT = 0x3132
    SET_CONTEXT = 0x3133
    WRITE_BREAKPOINT = 0x3134
    RESTORE_BREAKPOINT = 0x3135
    CONTINUE = 0x3136
    READ_CONTROL_SPACE = 0x3137
    WRITE_CONTROL_SPACE = 0x3138
    REBOOT = 0x313B
    CONTINUE2 = 0x313C
    READ_PHYSICAL_MEMORY = 0x313D
    WRITE_PHYSICAL_MEMORY = 0x313E
    GET_VERSION = 0x3146
    SWITCH_PROCESSOR = 0x3150
    READ_MSR = 0x3152
    WRITE_MSR = 0x3153
    CLEAR_ALL_INTERNAL_BREAKPOINTS = 0x315A
    QUERY_MEMORY = 0x315C
    GET_CONTEXT_EX = 0x315F
    SET_CONTEXT_EX = 0x3160


PACKET = Struct(
    "leader" / Bytes(4),
    "type" / Int16ul,
    "size" / Int16ul,
    "id" / Int32ul,
    "checksum" / Int32ul,
)
"""KD_PACKET: before every packet."""

UNION_SIZE = 40

MANIPULATE = Struct(
    "api" / Int32ul,
    "level" / Int16ul,
    "processor" / Int16ul,
    "status" / Int32ul,
    Padding(4),
    "union" / Bytes(UNION_SIZE),
)
"""DBGKD_MANIPULATE_STATE64, before the data of requests and replies."""

MEMORY = Struct("address" / Int64ul, "asked" / Int32ul, "done" / Int32ul)
"""DBGKD_READ_MEMORY64, DBGKD_WRITE_MEMORY64; control space, too."""

MSR = Struct("number" / Int32ul, "low" / Int32ul, "high" / Int32ul)

QUERY_MEMORY = Struct("address" / Int64ul, Padding(8), "space" / Int32ul, "flags" / Int32ul)
"""DBGKD_QUERY_MEMORY. Space: 2 is the kernel's. Flags: 1 readable, 2 writable, 4 executable."""

VERSION = Struct(
    "MajorVersion" / Int16ul,
    "MinorVersion" / Int16ul,
    "ProtocolVersion" / Int8ul,
    "KdSecondaryVersion" / Int8ul,
    "Flags" / Int16ul,
    "MachineType" / Int16ul,
    "MaxPacketType" / Int8ul,
    "MaxStateChange" / Int8ul,
    "MaxManipulate" / Int8ul,
    "Simulation" / Int8ul,
    Padding(2),
    "KernBase" / Int64ul,
    "PsLoadedModuleList" / Int64ul,
    "DebuggerDataList" / Int64ul,
)
"""DBGKD_GET_VERSION64."""

DEBUG_IO = Struct("api" / Int32ul, "level" / Int16ul, "processor" / Int16ul, "length" / Int32ul, Padding(4))
"""DBGKD_DEBUG_IO for DbgKdPrintStringApi (0x3230); the text follows."""

EXCEPTION = Struct(
    "code" / Int32ul,
    "flags" / Int32ul,
    "record" / Int64ul,
    "address" / Int64ul,
    "count" / Int32ul,
    Padding(4),
    "information" / Array(15, Int64ul),
    "first_chance" / Int32ul,
    Padding(4),
)
"""DBGKM_EXCEPTION64: EXCEPTION_RECORD64 and FirstChance."""

LOAD_SYMBOLS = Struct(
    "path_length" / Int32ul,
    Padding(4),
    "base" / Int64ul,
    "process" / Int64ul,
    "checksum" / Int32ul,
    "size" / Int32ul,
    "unload" / Int8ul,
    Padding(7),
    Padding(120),
)
"""DBGKD_LOAD_SYMBOLS64, as long as the exception that it shares a union with; the path follows the packet."""

CONTROL_REPORT = Struct(
    "dr6" / Int64ul,
    "dr7" / Int64ul,
    "eflags" / Int32ul,
    "instruction_count" / Int16ul,
    "flags" / Int16ul,
    "instructions" / Bytes(16),
    "cs" / Int16ul,
    "ds" / Int16ul,
    "es" / Int16ul,
    "fs" / Int16ul,
)
"""AMD64_DBGKD_CONTROL_REPORT. Flags: 1 segments included, 2 standard CS."""

CONTROL_SET = Struct("trace_flag" / Int32ul, "dr7" / Int64ul)
"""AMD64_DBGKD_CONTROL_SET of DBGKD_CONTINUE2, as far as it concerns us."""

STATE_CHANGE = Struct(
    "state" / Int32ul,
    "level" / Int16ul,
    "processor" / Int16ul,
    "processors" / Int32ul,
    Padding(4),
    "thread" / Int64ul,
    "pc" / Int64ul,
    "event" / Bytes(160),
    "report" / CONTROL_REPORT,
)
"""DBGKD_ANY_WAIT_STATE_CHANGE: 0xF0 bytes."""

CONTEXT = Struct(
    Padding(0x30),
    "flags" / Int32ul,
    "mxcsr" / Int32ul,
    *(name / Int16ul for name in ("cs", "ds", "es", "fs", "gs", "ss")),
    "efl" / Int32ul,
    *(name / Int64ul for name in ("dr0", "dr1", "dr2", "dr3", "dr6", "dr7")),
    *(name / Int64ul for name in ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi")),
    *(f"r{number}" / Int64ul for number in range(8, 16)),
    "rip" / Int64ul,
    Padding(0x18),
    "mxcsr2" / Int32ul,
    Padding(0x84),
    "xmm" / Array(16, Bytes(16)),
    Padding(0x4D0 - 0x2A0),
)
"""CONTEXT of winnt.h for AMD64: 0x4D0 bytes, FltSave at 0x100, Xmm0 at 0x1A0."""

SPECIAL_REGISTERS = Struct(
    *(name / Int64ul for name in ("cr0", "cr2", "cr3", "cr4")),
    *(name / Int64ul for name in ("dr0", "dr1", "dr2", "dr3", "dr6", "dr7")),
    Padding(6),
    "gdt_limit" / Int16ul,
    "gdt_base" / Int64ul,
    Padding(0x14),
    "mxcsr" / Int32ul,
    Padding(0x28),
    "cr8" / Int64ul,
    "gsbase" / Int64ul,
    Padding(0x40),
)
"""KSPECIAL_REGISTERS as of Windows 10: 0xF0 bytes, Gdtr's Limit at 0x56 and Base at 0x58, MxCsr at 0x74, Cr8
at 0xA0. DbgEng shows no control register where it gets fewer, and refuses to go where CS is not in the GDT.
The IDT and most MSRs are zero."""
