"""Answers to what a debugger asks a stopped target: DBGKD_MANIPULATE_STATE64, request by request."""

from dataclasses import dataclass
from typing import Any, Callable, Dict, Optional

from construct import ConstructError, Container

from pykd_dumpfilt.debugger import MemoryReadError
from pykd_dumpfilt.emulator import Target
from pykd_dumpfilt.errors import TargetError

from .hardships import EASY, Hardships
from .kd_breakpoints import BreakpointTable
from .kd_memory import HardMemory
from .kd_processors import Processors
from .kd_protocol import MAX_PAYLOAD
from .kd_statistics import Statistics
from .kd_structures import (
    CONTEXT,
    CONTROL_SET,
    MANIPULATE,
    MEMORY,
    MSR,
    QUERY_MEMORY,
    SPECIAL_REGISTERS,
    UNION_SIZE,
    VERSION,
    Api,
    Status,
)

__all__ = ["INSTRUCTIONS", "Answer", "Requests", "api_name", "control_report"]

INSTRUCTIONS = 16
"""Bytes of code in a state change (DBGKD_MAXSTREAM)."""

_MAX_DATA = MAX_PAYLOAD - MANIPULATE.sizeof()
_TRAP_FLAG = 0x100
_CONTEXT_FLAGS = 0x10001F  # CONTEXT_AMD64, all parts
_MXCSR = 0x1F80
_DR6_RESET = 0xFFFF0FF0
_KERNEL_SPACE, _READ_WRITE_EXECUTE = 2, 7
_GS_BASE = 0xC0000101
_MACHINE_AMD64 = 0x8664
_SEGMENTS = ("cs", "ds", "es", "fs", "gs", "ss")
_DEBUG = ("dr0", "dr1", "dr2", "dr3", "dr6", "dr7")
_GENERAL = (
    *("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi"),
    *(f"r{number}" for number in range(8, 16)),
    "rip",
)


_OF_A_PROCESSOR = frozenset(
    {
        Api.GET_CONTEXT,
        Api.SET_CONTEXT,
        Api.GET_CONTEXT_EX,
        Api.SET_CONTEXT_EX,
        Api.READ_CONTROL_SPACE,
        Api.WRITE_CONTROL_SPACE,
        Api.READ_MSR,
        Api.WRITE_MSR,
    }
)


@dataclass(frozen=True)
class Answer:
    """What a request leads to: a reply to send, or none; whether the target is to run or to step; whether it
    is to reboot; which processor the debugger wants to look from."""

    reply: Optional[bytes] = None
    run: bool = False
    reboot: bool = False
    switch: Optional[int] = None


def api_name(number: int) -> str:
    """The name by which statistics know an API."""
    try:
        return Api(number).name.lower().replace("_", " ")
    except ValueError:
        return f"api {number:#x}"


def control_report(target: Target, processors: Processors, number: int) -> Dict[str, Any]:
    """AMD64_DBGKD_CONTROL_REPORT for one of the target's processors as it stands."""
    try:
        code = target.read_virtual(processors.get(number, "rip"), INSTRUCTIONS)
    except MemoryReadError as error:
        code = error.data
    return {
        "dr6": processors.get(number, "dr6"),
        "dr7": processors.get(number, "dr7"),
        "eflags": processors.get(number, "efl") & 0xFFFFFFFF,
        "instruction_count": len(code),
        "flags": 3,
        "instructions": code.ljust(INSTRUCTIONS, b"\0"),
        **{name: processors.get(number, name) & 0xFFFF for name in ("cs", "ds", "es", "fs")},
    }


class Requests:
    """Answers one debugger's requests from a target.

    Attributes:
        step: the debugger wants the next run to be one instruction.
        reporting: the number of the processor that has told the debugger last.
    """

    def __init__(
        self,
        target: Target,
        breakpoints: BreakpointTable,
        statistics: Statistics,
        processors: Processors,
        hardships: Hardships = EASY,
    ) -> None:
        memory = HardMemory(target, hardships)
        self.step = False
        self.reporting = 0
        self._target = target
        self._breakpoints = breakpoints
        self._statistics = statistics
        self._processors = processors
        self._number = 0  # of the processor that the request at hand is about
        self._handlers: Dict[int, Callable[[bytes, bytes], _Reply]] = {
            Api.GET_VERSION: self._version,
            Api.READ_VIRTUAL_MEMORY: lambda union, _: self._read(union, memory.read_virtual),
            Api.READ_PHYSICAL_MEMORY: lambda union, _: self._read(union, memory.read_physical),
            Api.WRITE_VIRTUAL_MEMORY: lambda union, data: self._write(union, data, memory.write_virtual),
            Api.WRITE_PHYSICAL_MEMORY: lambda union, data: self._write(union, data, memory.write_physical),
            Api.GET_CONTEXT: lambda union, _: _Reply(Status.SUCCESS, union, self._context()),
            Api.SET_CONTEXT: self._set_context,
            Api.GET_CONTEXT_EX: self._context_part,
            Api.SET_CONTEXT_EX: self._set_context_part,
            Api.READ_CONTROL_SPACE: self._read_control,
            Api.WRITE_CONTROL_SPACE: self._write_control,
            Api.WRITE_BREAKPOINT: self._write_breakpoint,
            Api.RESTORE_BREAKPOINT: self._restore_breakpoint,
            Api.QUERY_MEMORY: self._query_memory,
            Api.READ_MSR: self._read_msr,
            Api.WRITE_MSR: lambda union, _: _Reply(Status.UNSUCCESSFUL, union),
        }

    def answer(self, payload: bytes) -> Answer:
        """The answer to a state-manipulate packet. One that cannot be understood is refused, not fatal."""
        if len(payload) < MANIPULATE.sizeof():
            return Answer()
        request = MANIPULATE.parse(payload)
        data = payload[MANIPULATE.sizeof() :]
        api, union = int(request.api), bytes(request.union)
        there = int(request.processor) < len(self._target.processors)
        self._number = int(request.processor) if there else 0
        self._statistics.packet(api_name(api), len(data))
        if api in (Api.CONTINUE, Api.CONTINUE2):
            if api == Api.CONTINUE2:  # ContinueStatus, then AMD64_DBGKD_CONTROL_SET
                control = CONTROL_SET.parse(union[4:])
                self.step = self.step or bool(control.trace_flag & 1)
                self._target.set_register("dr7", control.dr7)
                self._target.set_register("dr6", _DR6_RESET)
            return Answer(run=True)
        if api == Api.REBOOT:
            return Answer(reboot=True)
        if api == Api.SWITCH_PROCESSOR:
            return Answer(switch=self._number if there else None)
        if api == Api.CLEAR_ALL_INTERNAL_BREAKPOINTS:
            # Without a reply by definition, and there are none.
            return Answer()
        try:
            # Of other requests DbgEng leaves that field as it finds it, so anything may be in it.
            handler = self._handlers.get(api) if there or api not in _OF_A_PROCESSOR else None
            reply = handler(union, data) if handler else _Reply(Status.UNSUCCESSFUL, union)
        except (ConstructError, KeyError, OverflowError, ValueError):
            reply = _Reply(Status.UNSUCCESSFUL, union)
        self._statistics.data(api_name(api), len(reply.data))
        header = {
            "api": api,
            "level": request.level,
            "processor": request.processor,
            "status": reply.status,
            "union": reply.union.ljust(UNION_SIZE, b"\0")[:UNION_SIZE],
        }
        return Answer(bytes(MANIPULATE.build(header)) + reply.data)

    def _version(self, _union: bytes, _data: bytes) -> "_Reply":
        version = VERSION.build(
            {
                "MajorVersion": 0xF,
                "MinorVersion": 19041,
                "ProtocolVersion": 6,
                "KdSecondaryVersion": 2,
                "Flags": 7,  # MP, data, PTR64
                "MachineType": _MACHINE_AMD64,
                "MaxPacketType": 12,
                "MaxStateChange": 3,
                "MaxManipulate": 0x33,
                "Simulation": 0,
                "KernBase": self._target.kernel_base,
                "PsLoadedModuleList": self._target.ps_loaded_module_list,
                "DebuggerDataList": self._target.debugger_data_list,
            }
        )
        return _Reply(Status.SUCCESS, bytes(version))

    # Memory

    def _read(self, union: bytes, read: Callable[[int, int], bytes]) -> "_Reply":
        request = MEMORY.parse(union)
        size = min(int(request.asked), _MAX_DATA)
        try:
            data = read(int(request.address), size)
        except MemoryReadError as error:
            data = error.data
        status = Status.SUCCESS if data or not size else Status.UNSUCCESSFUL
        return _Reply(status, _memory(request, len(data)), data)

    def _write(self, union: bytes, data: bytes, write: Callable[[int, bytes], None]) -> "_Reply":
        request = MEMORY.parse(union)
        data = data[: int(request.asked)]
        try:
            write(int(request.address), data)
        except TargetError:
            return _Reply(Status.UNSUCCESSFUL, _memory(request, 0))
        return _Reply(Status.SUCCESS, _memory(request, len(data)))

    def _query_memory(self, union: bytes, _data: bytes) -> "_Reply":
        # DbgEng asks before it takes a breakpoint that was typed.
        request = QUERY_MEMORY.parse(union)
        answer = {"address": request.address, "space": _KERNEL_SPACE, "flags": _READ_WRITE_EXECUTE}
        return _Reply(Status.SUCCESS, bytes(QUERY_MEMORY.build(answer)))

    # Registers

    def _register(self, name: str) -> int:
        return self._processors.get(self._number, name)

    def _context(self) -> bytes:
        register = self._register
        values: Dict[str, Any] = {name: register(name) for name in (*_GENERAL, *_DEBUG)}
        values.update({name: register(name) & 0xFFFF for name in _SEGMENTS})
        values.update(flags=_CONTEXT_FLAGS, mxcsr=_MXCSR, mxcsr2=_MXCSR, efl=register("efl") & 0xFFFFFFFF)
        values["xmm"] = [self._processors.get_xmm(self._number, number) for number in range(16)]
        return bytes(CONTEXT.build(values))

    def _set_context(self, union: bytes, data: bytes) -> "_Reply":
        new, old = CONTEXT.parse(data), CONTEXT.parse(self._context())
        # Segment registers are left alone: no debugger changes them, and there is no descriptor table.
        for name in (*_GENERAL, *_DEBUG, "efl"):
            if new[name] != old[name]:
                self._processors.set(self._number, name, new[name])
        for number in range(16):
            if new.xmm[number] != old.xmm[number]:
                self._processors.set_xmm(self._number, number, new.xmm[number])
        if new.efl & _TRAP_FLAG:
            self.step = True
        return _Reply(Status.SUCCESS, union)

    def _context_part(self, union: bytes, _data: bytes) -> "_Reply":
        part = MSR.parse(union)  # three words as well: offset, count, bytes done
        data = self._context()[part.number : part.number + min(part.low, _MAX_DATA)]
        return _Reply(Status.SUCCESS, _words(part.number, part.low, len(data)), data)

    def _set_context_part(self, union: bytes, data: bytes) -> "_Reply":
        part = MSR.parse(union)
        data = data[: part.low]
        context = bytearray(self._context())
        if part.number + len(data) > len(context):
            return _Reply(Status.UNSUCCESSFUL, union)
        context[part.number : part.number + len(data)] = data
        self._set_context(union, bytes(context))
        return _Reply(Status.SUCCESS, _words(part.number, part.low, len(data)))

    def _read_control(self, union: bytes, _data: bytes) -> "_Reply":
        request = MEMORY.parse(union)
        processor = self._target.processors[self._number]
        pointers = {0: processor.kpcr, 1: processor.kprcb, 3: processor.thread}
        if request.address == 2:
            data = self._special_registers()
        elif request.address in pointers:
            data = pointers[request.address].to_bytes(8, "little")
        else:
            return _Reply(Status.UNSUCCESSFUL, union)
        data = data[: request.asked]
        return _Reply(Status.SUCCESS, _memory(request, len(data)), data)

    def _write_control(self, union: bytes, data: bytes) -> "_Reply":
        request = MEMORY.parse(union)
        if request.address != 2:
            return _Reply(Status.UNSUCCESSFUL, union)
        old = self._special_registers()
        new = SPECIAL_REGISTERS.parse(data + old[len(data) :])
        for name in ("cr2", "cr8", *_DEBUG):
            self._processors.set(self._number, name, new[name])
        return _Reply(Status.SUCCESS, _memory(request, len(data)))

    def _special_registers(self) -> bytes:
        names = ("cr0", "cr2", "cr3", "cr4", "cr8", "gsbase", *_DEBUG)
        values = {name: self._register(name) for name in names}
        values["gdt_base"] = self._target.processors[self._number].gdt
        _, values["gdt_limit"] = self._target.gdt
        return bytes(SPECIAL_REGISTERS.build(dict(values, mxcsr=_MXCSR)))

    def _read_msr(self, union: bytes, _data: bytes) -> "_Reply":
        number = MSR.parse(union).number
        # The one that answers executes rdmsr, whatever processor the request names.
        value = self._processors.get(self.reporting, "gsbase") if number == _GS_BASE else 0
        return _Reply(Status.SUCCESS, _words(number, value & 0xFFFFFFFF, value >> 32))

    # Breakpoints

    def _write_breakpoint(self, union: bytes, _data: bytes) -> "_Reply":
        address = int.from_bytes(union[:8], "little")
        handle = self._breakpoints.write(address)
        status = Status.SUCCESS if handle else Status.UNSUCCESSFUL
        return _Reply(status, union[:8] + handle.to_bytes(4, "little"))

    def _restore_breakpoint(self, union: bytes, _data: bytes) -> "_Reply":
        done = self._breakpoints.restore(int.from_bytes(union[:4], "little"))
        return _Reply(Status.SUCCESS if done else Status.UNSUCCESSFUL, union)


@dataclass(frozen=True)
class _Reply:
    status: int
    union: bytes
    data: bytes = b""


def _memory(request: Container, done: int) -> bytes:
    return bytes(MEMORY.build({"address": request.address, "asked": request.asked, "done": done}))


def _words(first: int, second: int, third: int) -> bytes:
    return bytes(MSR.build({"number": first, "low": second, "high": third}))
