"""A bad line between debugger and target: packets come late, damaged, twice or not at all."""

import time
from typing import List, Optional

from .hardships import Hardships
from .kd_protocol import Packet, PacketReader, Stream, frame
from .kd_statistics import Statistics

__all__ = ["BadLine"]

_BREAK_IN = b"b"
_FLIP = 0x55
# Odd and prime, so that the changed byte wanders through headers, payloads and trailers.
_STRIDE = 7919


class BadLine:
    """A :class:`~tests.lab.kd_protocol.Stream` on top of another, with the hardships of a line.

    Both ends of the connection below are whole: bytes come out of it as they went in. What is counted and
    harmed are packets, so the reader of packets cuts them first, and a lone break-in counts as one.
    """

    def __init__(self, stream: Stream, hardships: Hardships, statistics: Statistics) -> None:
        self._stream = stream
        self._pause = 1.0 / hardships.packets_per_second if hardships.packets_per_second else 0.0
        self._to_debugger = _Direction("sent", hardships, statistics)
        self._to_target = _Direction("received", hardships, statistics)

    def send(self, data: bytes) -> None:
        """As the stream's."""
        for piece in self._to_debugger.carry(data):
            self._take_time()
            if piece:
                self._stream.send(piece)

    def receive(self, timeout: Optional[float]) -> bytes:
        """As the stream's; what was lost on the way does not end the wait."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            data = self._stream.receive(None if deadline is None else max(0.0, deadline - time.monotonic()))
            if not data:
                return b""
            pieces = self._to_target.carry(data)
            for _ in pieces:
                self._take_time()
            if any(pieces):
                return b"".join(pieces)

    def _take_time(self) -> None:
        if self._pause:
            time.sleep(self._pause)


class _Direction:
    """One direction's packets, counted from 1."""

    def __init__(self, name: str, hardships: Hardships, statistics: Statistics) -> None:
        self._name = name
        self._hardships = hardships
        self._statistics = statistics
        self._reader = PacketReader()
        self._packets = 0
        self._corrupted = 0

    def carry(self, data: bytes) -> List[bytes]:
        """What arrives for these bytes, one element per packet that was sent: nothing for a lost one."""
        return [
            self._fate(frame(item) if isinstance(item, Packet) else _BREAK_IN)
            for item in self._reader.feed(data)
        ]

    def _fate(self, packet: bytes) -> bytes:
        self._packets += 1
        hard = self._hardships
        for every, harm in (
            (hard.drop_every, self._drop),
            (hard.corrupt_every, self._corrupt),
            (hard.repeat_every, self._repeat),
        ):
            if every is not None and self._packets % every == 0:
                return harm(packet)
        return packet

    def _drop(self, packet: bytes) -> bytes:
        self._statistics.harm(f"{self._name} dropped")
        return b""

    def _corrupt(self, packet: bytes) -> bytes:
        self._statistics.harm(f"{self._name} corrupted")
        at = self._corrupted * _STRIDE % len(packet)
        self._corrupted += 1
        return packet[:at] + bytes([packet[at] ^ _FLIP]) + packet[at + 1 :]

    def _repeat(self, packet: bytes) -> bytes:
        self._statistics.harm(f"{self._name} repeated")
        return packet + packet
