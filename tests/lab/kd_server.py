"""A KD target: the emulated kernel as a kernel debugger sees it over a serial line.

One server serves one target to one debugger at a time, over TCP on the loopback interface (DbgEng reaches it
through a named pipe and a bridge). It counts every packet and keeps the table of breakpoints, so that tests
can say what a trace costs and what it leaves behind.
"""

import socket
import struct
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional, Tuple

import pefile

from pykd_dumpfilt.debugger import MemoryReadError
from pykd_dumpfilt.emulator import (
    BreakpointHit,
    LoadedImage,
    ModuleLoaded,
    ModuleUnloaded,
    Running,
    SingleStep,
    Stopped,
    Target,
)
from pykd_dumpfilt.errors import TargetError

from . import kd_protocol as kd
from .kd_protocol import Api, BreakIn, Packet, PacketReader, PacketType

__all__ = ["KdServer", "Statistics"]

STATUS_SUCCESS = 0
STATUS_UNSUCCESSFUL = 0xC0000001
STATUS_NOT_IMPLEMENTED = 0xC0000002

_SLICE = 5_000_000  # instructions between two looks at the line for a break-in
_CONTEXT_SIZE = 0x4D0
_CONTEXT_AMD64_ALL = 0x10001F
_MXCSR = 0x1F80
_INTEGER_REGISTERS = (
    *("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi"),
    *(f"r{number}" for number in range(8, 16)),
    "rip",
)
_DEBUG_REGISTERS = ("dr0", "dr1", "dr2", "dr3", "dr6", "dr7")
_XMM0 = 0x1A0
_TRAP_FLAG = 0x100
_EXECUTABLE = 0x20000000  # IMAGE_SCN_MEM_EXECUTE


class _Disconnected(Exception):
    """The debugger closed the line."""


class _Reset(Exception):
    """The debugger began anew."""


@dataclass
class Statistics:
    """What went over the wire. ``requests`` counts manipulate requests by API name; packets are counted in
    both directions, acknowledgements included; ``bytes`` likewise."""

    requests: "Counter[str]" = field(default_factory=Counter)
    state_changes: int = 0
    packets: int = 0
    bytes: int = 0

    def copy(self) -> "Statistics":
        """A snapshot."""
        return Statistics(Counter(self.requests), self.state_changes, self.packets, self.bytes)

    def since(self, earlier: "Statistics") -> "Statistics":
        """What came after a snapshot."""
        return Statistics(
            self.requests - earlier.requests,
            self.state_changes - earlier.state_changes,
            self.packets - earlier.packets,
            self.bytes - earlier.bytes,
        )


class KdServer:
    """Serves ``target``; :meth:`start` listens, :attr:`port` says where, :meth:`stop` ends it.

    The machine stands still until a debugger attaches, as one does that was booted with a break-in asked for.
    When the line breaks the target stops too, with whatever breakpoints the debugger left in it.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self.statistics = Statistics()
        self.breakpoints: Dict[int, Tuple[int, bytes]] = {}
        """Breakpoints that the debugger has in the target: handle to address and original byte."""
        self.on_event: Callable[[object], None] = lambda event: None
        """Called with each event of the target, in the server's thread; for benchmarks."""
        self.failure: Optional[BaseException] = None
        self.attached = threading.Event()
        self.detached = threading.Event()
        self._code: Dict[int, List[Tuple[int, bytes]]] = {}
        for image in target.modules():
            self._remember_code(image)
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, name="kd-server", daemon=True)
        self._connection: Optional[socket.socket] = None
        self._reader = PacketReader()
        self._stopping = False
        self._next_id = kd.INITIAL_ID
        self._first = True
        self._trace = False
        self._printed = 0

    def start(self) -> "KdServer":
        self._listener.listen(1)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close the line and wait until the server's thread is done."""
        self._stopping = True
        for one in (self._connection, self._listener):
            if one is not None:
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                one.close()
        self._thread.join(10)

    def __enter__(self) -> "KdServer":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def leftovers(self) -> List[str]:
        """What a debugger left in the target: breakpoints in the table, and bytes of code of the modules
        that differ from what was loaded."""
        found = [
            f"breakpoint {handle} at {address:#x}" for handle, (address, _) in sorted(self.breakpoints.items())
        ]
        for image in self.target.modules():
            for address, content in self._code.get(image.base, []):
                now = self.target.read_virtual(address, len(content))
                found += [
                    f"{image.name}+{address + at - image.base:#x}: {content[at]:#04x} became {now[at]:#04x}"
                    for at in range(len(content))
                    if now[at] != content[at]
                ][:10]
        return found

    def _remember_code(self, image: LoadedImage) -> None:
        """Keep the executable sections as they were loaded, to compare with later."""
        headers = pefile.PE(data=self.target.read_virtual(image.base, 0x1000), fast_load=True)
        self._code[image.base] = [
            (
                image.base + section.VirtualAddress,
                self.target.read_virtual(image.base + section.VirtualAddress, section.Misc_VirtualSize),
            )
            for section in headers.sections
            if section.Characteristics & _EXECUTABLE
        ]

    # -- the line

    def _serve(self) -> None:
        try:
            while not self._stopping:
                try:
                    self._connection, _ = self._listener.accept()
                except OSError:
                    return
                self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._reader = PacketReader()
                try:
                    self._session()
                except (_Disconnected, OSError):
                    pass
                finally:
                    self._connection.close()
                    self.detached.set()
        except BaseException as error:
            self.failure = error
            raise

    def _receive(self) -> Any:
        while True:
            item = self._reader.next()
            if item is not None:
                if isinstance(item, Packet):
                    self.statistics.packets += 1
                    self.statistics.bytes += 16 + len(item.body) + (0 if item.control else 1)
                return item
            self._fill()

    def _fill(self) -> None:
        assert self._connection is not None
        data = self._connection.recv(65536)
        if not data:
            raise _Disconnected
        self._reader.feed(data)

    def _send(self, packet: bytes) -> None:
        assert self._connection is not None
        self.statistics.packets += 1
        self.statistics.bytes += len(packet)
        self._connection.sendall(packet)

    def _send_data(self, type_: int, body: bytes) -> None:
        """Send a data packet until it is acknowledged."""
        packet = kd.data_packet(type_, self._next_id | (kd.SYNC if self._first else 0), body)
        self._send(packet)
        while True:
            item = self._receive()
            if isinstance(item, BreakIn):
                continue
            if not item.control:
                # A request that crossed our packet: the debugger has not heard us; it will ask again.
                continue
            if item.type == PacketType.ACKNOWLEDGE and item.id & ~kd.SYNC == self._next_id:
                self._first = False
                self._next_id ^= 1
                return
            if item.type == PacketType.RESEND:
                self._send(packet)
            elif item.type == PacketType.RESET:
                self._reset()
                raise _Reset

    def _reset(self) -> None:
        self._send(kd.control_packet(PacketType.RESET))
        self._next_id, self._first = kd.INITIAL_ID, True

    # -- the target

    def _session(self) -> None:
        """From the first reset or break-in to the end of the line."""
        while True:
            item = self._receive()
            if isinstance(item, BreakIn):
                break
            if item.control and item.type == PacketType.RESET:
                self._reset()
                break
        self.attached.set()
        report: Callable[[], None] = lambda: self._report_exception(kd.CODE_BREAKPOINT)
        while True:
            try:
                report()
                self._answer()
                report = self._go()
            except _Reset:
                report = lambda: self._report_exception(kd.CODE_BREAKPOINT)  # noqa: E731

    def _answer(self) -> None:
        """Answer requests until the debugger lets the target go."""
        last: Optional[int] = None
        while True:
            item = self._receive()
            if isinstance(item, BreakIn):
                continue
            if item.control:
                if item.type == PacketType.RESET:
                    self._reset()
                    raise _Reset
                continue
            if not item.intact:
                self._send(kd.control_packet(PacketType.RESEND))
                continue
            self._send(kd.control_packet(PacketType.ACKNOWLEDGE, item.id & ~kd.SYNC))
            if item.type != PacketType.STATE_MANIPULATE or item.id == last:
                continue
            last = item.id
            if self._manipulate(item.body):
                return

    def _go(self) -> Callable[[], None]:
        """Run the target until there is something to report, and give back how to report it."""
        trace, self._trace = self._trace, False
        while True:
            event = self.target.step() if trace else self.target.resume(_SLICE)
            self.on_event(event)
            self._print()
            if isinstance(event, Running):
                if self._break_in_waiting():
                    return lambda: self._report_exception(kd.CODE_BREAKPOINT)
                continue
            if isinstance(event, SingleStep):
                return lambda: self._report_exception(kd.CODE_SINGLE_STEP)
            if isinstance(event, ModuleLoaded):
                module = event.module
                self._remember_code(module)
                return lambda: self._report_symbols(module, unload=False)
            if isinstance(event, ModuleUnloaded):
                module = event.module
                self._forget_breakpoints(module)
                self._code.pop(module.base, None)
                return lambda: self._report_symbols(module, unload=True)
            if isinstance(event, (BreakpointHit, Stopped)):
                return lambda: self._report_exception(kd.CODE_BREAKPOINT)

    def _forget_breakpoints(self, module: LoadedImage) -> None:
        # As KdpDeleteBreakpointRange does when an image goes away: its pages will be someone else's.
        for handle, (address, original) in list(self.breakpoints.items()):
            if module.base <= address < module.base + module.size:
                self.target.write_virtual(address, original)
                del self.breakpoints[handle]

    def _break_in_waiting(self) -> bool:
        assert self._connection is not None
        self._connection.setblocking(False)
        try:
            self._fill()
        except BlockingIOError:
            pass
        finally:
            self._connection.setblocking(True)
        item = self._reader.next()
        while item is not None:
            if isinstance(item, BreakIn):
                return True
            if item.control and item.type == PacketType.RESET:
                self._reset()
                return True
            item = self._reader.next()
        return False

    def _print(self) -> None:
        """What the guest printed since, as debug output."""
        lines = self.target.debug_output[self._printed :]
        self._printed += len(lines)
        for line in lines:
            text = line.encode("latin-1", "replace")[: kd.MAX_PACKET - 16]
            # DbgKdPrintStringApi: number, processor level, processor, length.
            self._send_data(PacketType.DEBUG_IO, struct.pack("<IHHI4x", 0x3230, 6, 0, len(text)) + text)

    # -- state changes

    def _state(self, state: int, union: bytes, tail: bytes = b"") -> None:
        target = self.target
        rip = target.get_register("rip")
        try:
            instructions = target.read_virtual(rip, 16)
        except MemoryReadError as error:
            instructions = error.data
        body = kd.STATE_CHANGE.build(
            {
                "state": state,
                "processor_level": 6,
                "processor": 0,
                "processors": 1,
                "thread": target.current_thread,
                "program_counter": rip,
            }
        )
        body += union.ljust(kd.STATE_UNION_SIZE, b"\0")
        report = kd.CONTROL_REPORT.build(
            {
                "dr6": target.get_register("dr6"),
                "dr7": target.get_register("dr7"),
                "eflags": target.get_register("efl"),
                "instruction_count": len(instructions),
                "flags": 3,
            }
        )
        report += instructions.ljust(16, b"\0")
        report += struct.pack("<4H", *(target.get_register(name) for name in ("cs", "ds", "es", "fs")))
        self.statistics.state_changes += 1
        self._send_data(PacketType.STATE_CHANGE64, body + report + tail)

    def _report_exception(self, code: int) -> None:
        union = kd.EXCEPTION.build(
            {
                "code": code,
                "flags": 0,
                "record": 0,
                "address": self.target.get_register("rip"),
                "parameters": 1,
                "first_chance": 1,
            }
        )
        self._state(kd.STATE_EXCEPTION, union)

    def _report_symbols(self, module: LoadedImage, unload: bool) -> None:
        path = module.path.encode("latin-1", "replace") + b"\0"
        union = kd.LOAD_SYMBOLS.build(
            {
                "path_length": len(path),
                "base": module.base,
                "process": 0xFFFFFFFFFFFFFFFF,
                "checksum": module.checksum,
                "size": module.size,
                "unload": int(unload),
            }
        )
        self._state(kd.STATE_LOAD_SYMBOLS, union, path)

    # -- requests

    def _manipulate(self, body: bytes) -> bool:
        """Answer one request; True when it lets the target go."""
        header = kd.MANIPULATE.parse(body)
        union = body[16 : 16 + kd.UNION_SIZE].ljust(kd.UNION_SIZE, b"\0")
        extra = body[16 + kd.UNION_SIZE :]
        self.statistics.requests[Api.NAMES.get(header.api, f"{header.api:#x}")] += 1
        if header.api in (Api.CONTINUE, Api.CONTINUE2):
            if header.api == Api.CONTINUE2:
                self._trace = bool(kd.CONTINUE2.parse(union).trace)
            return True
        if header.api == Api.CLEAR_ALL_INTERNAL_BREAKPOINTS:
            return False
        handler = self._handlers().get(header.api)
        status, union, data = (STATUS_NOT_IMPLEMENTED, union, b"") if handler is None else handler(union, extra)
        reply = kd.MANIPULATE.build(
            {
                "api": header.api,
                "processor_level": header.processor_level,
                "processor": header.processor,
                "status": status,
            }
        )
        self._send_data(PacketType.STATE_MANIPULATE, reply + union.ljust(kd.UNION_SIZE, b"\0") + data)
        return False

    def _handlers(self) -> Dict[int, Callable[[bytes, bytes], Tuple[int, bytes, bytes]]]:
        return {
            Api.GET_VERSION: self._get_version,
            Api.READ_VIRTUAL: lambda union, _: self._read(union, self.target.read_virtual),
            Api.READ_PHYSICAL: lambda union, _: self._read(union, self.target.read_physical),
            Api.WRITE_VIRTUAL: lambda union, extra: self._write(union, extra, self.target.write_virtual),
            Api.WRITE_PHYSICAL: lambda union, extra: self._write(union, extra, self.target.write_physical),
            Api.GET_CONTEXT: lambda union, _: (STATUS_SUCCESS, union, self._context()),
            Api.SET_CONTEXT: self._set_context,
            Api.GET_CONTEXT_EX: self._get_context_ex,
            Api.SET_CONTEXT_EX: self._set_context_ex,
            Api.READ_CONTROL_SPACE: self._read_control_space,
            Api.WRITE_CONTROL_SPACE: self._write_control_space,
            Api.WRITE_BREAKPOINT: self._write_breakpoint,
            Api.RESTORE_BREAKPOINT: self._restore_breakpoint,
            Api.READ_MSR: lambda union, _: (STATUS_SUCCESS, union[:4] + bytes(8), b""),
        }

    def _get_version(self, union: bytes, extra: bytes) -> Tuple[int, bytes, bytes]:
        target = self.target
        version = kd.VERSION.build(
            {
                "major": 0xF,
                "minor": 19041,
                "protocol": 6,
                "secondary": 2,
                "flags": 0x7,
                "machine": 0x8664,
                "max_packet_type": 12,
                "max_state_change": 3,
                "max_manipulate": 0x33,
                "simulation": 0,
                "kernel_base": target.kernel_base,
                "ps_loaded_module_list": target.ps_loaded_module_list,
                "debugger_data_list": target.debugger_data_list,
            }
        )
        return STATUS_SUCCESS, version, b""

    def _read(self, union: bytes, read: Callable[[int, int], bytes]) -> Tuple[int, bytes, bytes]:
        request = kd.MEMORY.parse(union)
        try:
            data = read(request.address, min(request.count, kd.MAX_READ))
        except MemoryReadError as error:
            data = error.data
        reply = kd.MEMORY.build({"address": request.address, "count": request.count, "actual": len(data)})
        return (STATUS_SUCCESS if data else STATUS_UNSUCCESSFUL), reply, data

    def _write(
        self, union: bytes, extra: bytes, write: Callable[[int, bytes], None]
    ) -> Tuple[int, bytes, bytes]:
        request = kd.MEMORY.parse(union)
        data = extra[: request.count]
        try:
            write(request.address, data)
        except TargetError:
            status, actual = STATUS_UNSUCCESSFUL, 0
        else:
            status, actual = STATUS_SUCCESS, len(data)
        reply = {"address": request.address, "count": request.count, "actual": actual}
        return status, kd.MEMORY.build(reply), b""

    def _context(self) -> bytes:
        """AMD64 CONTEXT (winnt.h)."""
        target = self.target
        context = bytearray(_CONTEXT_SIZE)
        struct.pack_into("<II", context, 0x30, _CONTEXT_AMD64_ALL, _MXCSR)
        segments = (target.get_register(name) for name in ("cs", "ds", "es", "fs", "gs", "ss"))
        struct.pack_into("<6HI", context, 0x38, *segments, target.get_register("efl"))
        for index, name in enumerate(_DEBUG_REGISTERS):
            struct.pack_into("<Q", context, 0x48 + 8 * index, target.get_register(name))
        for index, name in enumerate(_INTEGER_REGISTERS):
            struct.pack_into("<Q", context, 0x78 + 8 * index, target.get_register(name))
        for index in range(16):
            context[_XMM0 + 16 * index : _XMM0 + 16 * index + 16] = target.get_xmm(index)
        return bytes(context)

    def _set_context(self, union: bytes, extra: bytes) -> Tuple[int, bytes, bytes]:
        self._apply_context(extra.ljust(_CONTEXT_SIZE, b"\0"))
        return STATUS_SUCCESS, union, b""

    def _apply_context(self, context: bytes) -> None:
        target = self.target
        (eflags,) = struct.unpack_from("<I", context, 0x44)
        self._trace = self._trace or bool(eflags & _TRAP_FLAG)
        target.set_register("efl", eflags & ~_TRAP_FLAG)
        for index, name in enumerate(_DEBUG_REGISTERS):
            target.set_register(name, struct.unpack_from("<Q", context, 0x48 + 8 * index)[0])
        for index, name in enumerate(_INTEGER_REGISTERS):
            target.set_register(name, struct.unpack_from("<Q", context, 0x78 + 8 * index)[0])
        for index in range(16):
            target.set_xmm(index, context[_XMM0 + 16 * index : _XMM0 + 16 * index + 16])

    def _get_context_ex(self, union: bytes, extra: bytes) -> Tuple[int, bytes, bytes]:
        request = kd.CONTEXT_EX.parse(union)
        data = self._context()[request.offset : request.offset + request.count]
        reply = {"offset": request.offset, "count": request.count, "actual": len(data)}
        return STATUS_SUCCESS, kd.CONTEXT_EX.build(reply), data

    def _set_context_ex(self, union: bytes, extra: bytes) -> Tuple[int, bytes, bytes]:
        request = kd.CONTEXT_EX.parse(union)
        context = bytearray(self._context())
        data = extra[: request.count]
        context[request.offset : request.offset + len(data)] = data
        self._apply_context(bytes(context[:_CONTEXT_SIZE]))
        reply = {"offset": request.offset, "count": request.count, "actual": len(data)}
        return STATUS_SUCCESS, kd.CONTEXT_EX.build(reply), b""

    def _read_control_space(self, union: bytes, extra: bytes) -> Tuple[int, bytes, bytes]:
        request = kd.MEMORY.parse(union)
        target = self.target
        space = {
            0: lambda: struct.pack("<Q", target.kpcr),
            1: lambda: struct.pack("<Q", target.kprcb),
            2: self._special_registers,
            3: lambda: struct.pack("<Q", target.current_thread),
        }.get(request.address)
        if space is None:
            return STATUS_UNSUCCESSFUL, union, b""
        data = space()[: request.count]
        reply = {"address": request.address, "count": request.count, "actual": len(data)}
        return STATUS_SUCCESS, kd.MEMORY.build(reply), data

    def _special_registers(self) -> bytes:
        """KSPECIAL_REGISTERS, 0xD8 bytes: cr0, cr2, cr3, cr4, dr0-3, dr6, dr7, descriptors, then cr8."""
        values = bytearray(0xD8)
        names = ("cr0", "cr2", "cr3", "cr4", *_DEBUG_REGISTERS)
        struct.pack_into("<10Q", values, 0, *(self.target.get_register(name) for name in names))
        struct.pack_into("<Q", values, 0xA0, self.target.get_register("cr8"))
        return bytes(values)

    def _write_control_space(self, union: bytes, extra: bytes) -> Tuple[int, bytes, bytes]:
        request = kd.MEMORY.parse(union)
        if request.address == 2:
            for index, name in enumerate(_DEBUG_REGISTERS):
                if len(extra) >= 0x28 + 8 * index:
                    value = struct.unpack_from("<Q", extra, 0x20 + 8 * index)[0]
                    self.target.set_register(name, value)
        reply = {"address": request.address, "count": request.count, "actual": len(extra)}
        return STATUS_SUCCESS, kd.MEMORY.build(reply), b""

    def _write_breakpoint(self, union: bytes, extra: bytes) -> Tuple[int, bytes, bytes]:
        request = kd.BREAKPOINT.parse(union)
        handle = next(number for number in range(1, 33) if number not in self.breakpoints)
        try:
            original = self.target.read_virtual(request.address, 1)
            self.target.write_virtual(request.address, b"\xcc")
        except (TargetError, StopIteration):
            return STATUS_UNSUCCESSFUL, union, b""
        self.breakpoints[handle] = (request.address, original)
        return STATUS_SUCCESS, kd.BREAKPOINT.build({"address": request.address, "handle": handle}), b""

    def _restore_breakpoint(self, union: bytes, extra: bytes) -> Tuple[int, bytes, bytes]:
        (handle,) = struct.unpack_from("<I", union)
        if handle not in self.breakpoints:
            return STATUS_UNSUCCESSFUL, union, b""
        address, original = self.breakpoints.pop(handle)
        self.target.write_virtual(address, original)
        return STATUS_SUCCESS, union, b""
