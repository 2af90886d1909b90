"""KD's serial framing, the target's side: packets, acknowledgements, resends, resets.

A packet is a 16-byte header (leader ``0000`` for data, ``iiii`` for control) and, for data, the payload and
one byte 0xAA. A lone ``b`` asks the target to break in. Data packets have ids that alternate in the lowest
bit; the first after a reset also carries 0x800. Each is acknowledged with its id, less that bit.

The :class:`Link` does no input or output of its own: it has a :class:`Stream`.
"""

import time
from dataclasses import dataclass
from typing import List, Optional, Protocol, Union

from .errors import LabError
from .kd_statistics import Statistics
from .kd_structures import PACKET, PacketType

__all__ = [
    "MAX_PAYLOAD",
    "BreakIn",
    "DisconnectedError",
    "Link",
    "LinkResetError",
    "Packet",
    "PacketReader",
    "Reset",
    "Stream",
    "frame",
]

MAX_PAYLOAD = 4000
"""PACKET_MAX_SIZE: bytes of a data packet's payload."""

_DATA, _CONTROL = b"0000", b"iiii"
_BREAK_IN, _TRAILER = 0x62, 0xAA
_INITIAL_ID, _SYNC = 0x80800000, 0x800
_HEADER = PACKET.sizeof()
_DATA_TYPES = (2, 3, 7, 11)
_MAX_WAITING = 64
# DbgEng asks anew when it has waited 4 s for a reply: a lost one must be there again before.
_RESEND_SECONDS = 1.0
_MAX_RESENDS = 300
_REST_SECONDS = 1.0


class DisconnectedError(LabError):
    """The debugger is gone."""


class LinkResetError(LabError):
    """The debugger asked to begin anew while a packet was on its way."""


@dataclass(frozen=True)
class Packet:
    """A packet whose checksum is right; ``payload`` is empty for control packets."""

    type: int
    id: int
    payload: bytes = b""
    control: bool = False


@dataclass(frozen=True)
class BreakIn:
    """The debugger wants the target to stop."""


@dataclass(frozen=True)
class Reset:
    """The debugger begins anew; it has been answered."""


@dataclass(frozen=True)
class _Damaged:
    """A data packet with a wrong checksum, length or trailer."""


class Stream(Protocol):
    """Bytes to and from a debugger."""

    def send(self, data: bytes) -> None:
        """Send all of it, or raise DisconnectedError."""

    def receive(self, timeout: Optional[float]) -> bytes:
        """Some bytes; none when the time is up; DisconnectedError at the end."""


def frame(packet: Packet) -> bytes:
    """A packet as it travels."""
    header = PACKET.build(
        {
            "leader": _CONTROL if packet.control else _DATA,
            "type": packet.type,
            "size": len(packet.payload),
            "id": packet.id,
            "checksum": sum(packet.payload) & 0xFFFFFFFF,
        }
    )
    return bytes(header if packet.control else header + packet.payload + bytes([_TRAILER]))


class PacketReader:
    """Cuts a stream of bytes into packets. Noise between packets is skipped."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def waiting(self) -> bool:
        """Whether a packet has begun that is not whole."""
        return bool(self._buffer)

    def give_up(self) -> None:
        """Drop the packet that has begun: a byte count that was damaged asks for what nobody sends."""
        self._buffer.clear()

    def feed(self, data: bytes) -> List[Union[Packet, BreakIn, _Damaged]]:
        """The packets that these bytes complete."""
        self._buffer += data
        found: List[Union[Packet, BreakIn, _Damaged]] = []
        while True:
            item = self._next()
            if item is None:
                return found
            found.append(item)

    def _next(self) -> Optional[Union[Packet, BreakIn, _Damaged]]:
        buffer = self._buffer
        while buffer:
            if buffer[0] == _BREAK_IN:
                del buffer[0]
                return BreakIn()
            start = bytes(buffer[:4])
            if _DATA.startswith(start) or _CONTROL.startswith(start):
                break
            del buffer[0]
        if len(buffer) < _HEADER:
            return None
        header = PACKET.parse(bytes(buffer[:_HEADER]))
        if header.leader == _CONTROL:
            del buffer[:_HEADER]
            return Packet(header.type, header.id, control=True)
        if header.size > MAX_PAYLOAD:
            del buffer[:_HEADER]
            return _Damaged()
        end = _HEADER + header.size
        if len(buffer) <= end:
            return None
        payload, trailer = bytes(buffer[_HEADER:end]), buffer[end]
        del buffer[: end + 1]
        if trailer != _TRAILER or sum(payload) & 0xFFFFFFFF != header.checksum:
            return _Damaged()
        return Packet(header.type, header.id, payload)


class Link:
    """The target's end of one connection."""

    def __init__(self, stream: Stream, statistics: Statistics) -> None:
        self._stream = stream
        self._statistics = statistics
        self._reader = PacketReader()
        self._id, self._sync = _INITIAL_ID, _SYNC
        self._last_received: Optional[int] = None
        self._arrived: List[Union[Packet, BreakIn, _Damaged]] = []
        self._waiting: List[Union[Packet, BreakIn]] = []
        self._unsent = b""

    def receive(self) -> Union[Packet, BreakIn, Reset]:
        """The debugger's next data packet (acknowledged with what is sent next), break-in or reset.

        Raises:
            DisconnectedError: there is none to come.
        """
        if self._waiting:
            return self._waiting.pop(0)
        while True:
            item = self._item(None)
            if isinstance(item, BreakIn):
                return item
            if isinstance(item, Packet):
                if item.control and item.type == PacketType.RESET:
                    self._answer_reset()
                    return Reset()
                if not item.control and self._accept(item):
                    return item

    def flush(self) -> None:
        """Send acknowledgements that wait for something to go with: before anything that takes long."""
        self._write(b"")

    def begin_anew(self) -> None:
        """Another machine is at this end of the line now, as after a reboot: it has heard nothing yet."""
        self._reader.give_up()
        self._arrived.clear()
        self._begin()

    def wants_attention(self) -> bool:
        """For a target that runs: whether the debugger asks it to stop. Does not wait."""
        while True:
            while self._arrived:
                item = self._arrived[0]
                if isinstance(item, Packet) and item.control and item.type == PacketType.RESET:
                    return True
                # Whoever sends data to a running target wants to be heard, too; but not who missed the
                # acknowledgement of what made it run.
                if isinstance(item, Packet) and not item.control and self._is_new(item):
                    return True
                del self._arrived[0]
                if isinstance(item, BreakIn):
                    return True
                if isinstance(item, _Damaged):
                    self._ask_again()
                elif not item.control:
                    self._accept(item)
                self.flush()
            data = self._receive(0.0)
            if not data:
                return False
            self._arrived += self._reader.feed(data)

    def send(self, packet_type: int, payload: bytes) -> None:
        """Send a data packet and wait until the debugger has it.

        Raises:
            DisconnectedError: the debugger is gone.
            LinkResetError: it began anew; the reset has been answered and the packet has not arrived.
        """
        packet = Packet(packet_type, self._id | self._sync, payload)
        for attempt in range(_MAX_RESENDS):
            if attempt:
                self._statistics.wire("resent")
            self._write(frame(packet))
            if self._arrives(packet):
                return
        raise DisconnectedError("the debugger does not acknowledge")

    def _arrives(self, packet: Packet) -> bool:
        """Whether the debugger says that it has a packet; not when it asks for it again, or says nothing."""
        deadline = time.monotonic() + _RESEND_SECONDS
        while True:
            item = self._item(max(0.0, deadline - time.monotonic()))
            if item is None:
                return False
            if isinstance(item, BreakIn):
                self._keep(item)
            elif not item.control:
                if self._accept(item):
                    # It would not ask without having heard: the acknowledgement was lost.
                    self._keep(item)
                    self._sent()
                    return True
            elif item.type == PacketType.ACKNOWLEDGE and item.id & ~_SYNC == packet.id & ~_SYNC:
                self._statistics.wire("acknowledged")
                self._sent()
                return True
            elif item.type == PacketType.RESET:
                self._answer_reset()
                raise LinkResetError("the debugger began anew")
            elif item.type == PacketType.RESEND:
                return False

    def _sent(self) -> None:
        self._id ^= 1
        self._sync = 0

    def _keep(self, item: Union[Packet, BreakIn]) -> None:
        if len(self._waiting) >= _MAX_WAITING:
            raise DisconnectedError("the debugger sends and sends, and acknowledges nothing")
        self._waiting.append(item)

    def _accept(self, packet: Packet) -> bool:
        """Acknowledge a data packet; whether it is new. One whose header cannot be is asked for again: no
        checksum covers it."""
        if packet.type not in _DATA_TYPES or packet.id & ~_SYNC not in (_INITIAL_ID, _INITIAL_ID ^ 1):
            self._ask_again()
            return False
        self._statistics.wire("acknowledged")
        self._unsent += frame(Packet(PacketType.ACKNOWLEDGE, packet.id & ~_SYNC, control=True))
        new = self._is_new(packet)
        self._last_received = packet.id
        return new

    def _is_new(self, packet: Packet) -> bool:
        last = self._last_received
        if last is None or packet.id == last:
            return last is None
        # The first packet after a debugger began anew has the id of any other, but for that bit.
        return bool(packet.id & _SYNC) or packet.id != last & ~_SYNC

    def _ask_again(self) -> None:
        self._statistics.wire("resent")
        self._unsent += frame(Packet(PacketType.RESEND, 0, control=True))

    def _item(self, timeout: Optional[float]) -> Optional[Union[Packet, BreakIn]]:
        while True:
            while not self._arrived:
                self._write(b"")
                begun = self._reader.waiting
                data = self._receive(_REST_SECONDS if begun and timeout is None else timeout)
                if not data and begun:
                    self._reader.give_up()
                    self._ask_again()
                if not data and timeout is not None:
                    return None
                self._arrived += self._reader.feed(data)
            item = self._arrived.pop(0)
            if not isinstance(item, _Damaged):
                return item
            self._ask_again()

    def _receive(self, timeout: Optional[float]) -> bytes:
        data = self._stream.receive(timeout)
        self._statistics.wire("received", len(data))
        return data

    def _write(self, data: bytes) -> None:
        # An acknowledgement and the reply in one piece: DbgEng then need not wait twice.
        data = self._unsent + data
        self._unsent = b""
        if data:
            self._statistics.wire("sent", len(data))
            self._stream.send(data)

    def _answer_reset(self) -> None:
        self._statistics.wire("resets")
        self._begin()
        self._write(frame(Packet(PacketType.RESET, 0, control=True)))

    def _begin(self) -> None:
        self._id, self._sync = _INITIAL_ID, _SYNC
        self._last_received = None
        self._waiting.clear()
        self._unsent = b""
