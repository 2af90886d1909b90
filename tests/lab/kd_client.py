"""A debugger's end of the KD protocol, as small as the server's tests need it. No part of a live run."""

import socket
from typing import List, Optional, Tuple, Union

from .kd_protocol import BreakIn, Packet, PacketReader, frame
from .kd_structures import LOAD_SYMBOLS, MANIPULATE, MEMORY, STATE_CHANGE, Api, PacketType, StateChange

__all__ = ["Client", "Heard"]

Heard = Tuple[str, int]
"""A state change: "exception 0x80000003" and RIP, or "load NAME" / "unload NAME" and the base."""


class Client:
    """Talks to a KD server on 127.0.0.1."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self._reader = PacketReader()
        self._arrived: List[Packet] = []
        self._id = 0x80800000
        self.printed: List[bytes] = []
        self.processors = (0, 0)
        """Which one reported the last state change, and how many it says there are."""
        self._write(Packet(PacketType.RESET, 0, control=True))
        while not self._next(control=True, kind=PacketType.RESET):
            pass

    def close(self) -> None:
        self._socket.close()

    def stop(self) -> Heard:
        """The target's next state change."""
        while True:
            packet = self._data()
            if packet.type == PacketType.DEBUG_IO:
                self.printed.append(packet.payload[16:])
            else:
                return self._heard(packet.payload)

    def ask(
        self, api: int, union: bytes = b"", data: bytes = b"", processor: int = 0
    ) -> Tuple[int, bytes, bytes]:
        """Status, union and data of the reply to a request."""
        self.tell(api, union, data, processor)
        packet = self._data()
        reply = MANIPULATE.parse(packet.payload)
        assert reply.api == api
        return int(reply.status), bytes(reply.union), packet.payload[56:]

    def tell(self, api: int, union: bytes = b"", data: bytes = b"", processor: int = 0) -> None:
        """Send a request and wait for its acknowledgement only."""
        header = {
            "api": api,
            "level": 0,
            "processor": processor,
            "status": 0,
            "union": union.ljust(40, b"\0"),
        }
        self._write(Packet(PacketType.STATE_MANIPULATE, self._id, bytes(MANIPULATE.build(header)) + data))
        self._id ^= 1
        while not self._next(control=True, kind=PacketType.ACKNOWLEDGE):
            pass

    def read(self, address: int, size: int, physical: bool = False) -> bytes:
        """Memory, as much as one packet carries."""
        api = Api.READ_PHYSICAL_MEMORY if physical else Api.READ_VIRTUAL_MEMORY
        return self.ask(api, self.memory(address, size))[2]

    def go(self, step: bool = False) -> None:
        """Continue."""
        self.tell(Api.CONTINUE2, (0x10002).to_bytes(4, "little") + bytes([int(step)]))

    def begin_anew(self) -> None:
        """The machine at the other end is another one: it counts from the beginning."""
        self._id = 0x80800000

    def break_in(self) -> None:
        self._socket.sendall(b"b")

    def raw(self, data: bytes) -> None:
        self._socket.sendall(data)

    @staticmethod
    def memory(address: int, size: int) -> bytes:
        return bytes(MEMORY.build({"address": address, "asked": size, "done": 0}))

    def _heard(self, payload: bytes) -> Heard:
        change = STATE_CHANGE.parse(payload)
        self.processors = (int(change.processor), int(change.processors))
        if change.state == StateChange.LOAD_SYMBOLS:
            event = LOAD_SYMBOLS.parse(change.event)
            path = payload[240:][: event.path_length].rstrip(b"\0").decode()
            name = path.rpartition("\\")[2]
            return f"{'unload' if event.unload else 'load'} {name}", int(event.base)
        return f"exception {int.from_bytes(change.event[:4], 'little'):#x}", int(change.pc)

    def _data(self) -> Packet:
        while True:
            packet = self._next(control=False)
            if packet is not None:
                self._write(Packet(PacketType.ACKNOWLEDGE, packet.id & ~0x800, control=True))
                return packet

    def _next(self, control: bool, kind: Optional[int] = None) -> Optional[Packet]:
        for number, packet in enumerate(self._arrived):
            if packet.control == control and kind in (None, packet.type):
                return self._arrived.pop(number)
        data = self._socket.recv(65536)
        if not data:
            raise EOFError("the server hung up")
        items: List[Union[Packet, BreakIn]] = [
            item for item in self._reader.feed(data) if isinstance(item, (Packet, BreakIn))
        ]
        self._arrived += [item for item in items if isinstance(item, Packet)]
        return None

    def _write(self, packet: Packet) -> None:
        self._socket.sendall(frame(packet))
