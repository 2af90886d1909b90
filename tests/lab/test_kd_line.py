"""A bad line, packet by packet, and the target's end of it, which must get over each of its faults."""

import time
from typing import List, Optional

import pytest

from .hardships import Hardships
from .kd_line import BadLine
from .kd_protocol import Link, Packet, Stream, frame
from .kd_statistics import Statistics

FIRST = bytes.fromhex("30303030 0200 0300 00008080 02010000 0102ff aa")
SECOND = bytes.fromhex("30303030 0200 0100 01008080 07000000 07 aa")
THIRD = bytes.fromhex("30303030 0200 0100 00008080 09000000 09 aa")
ACKNOWLEDGED = bytes.fromhex("69696969 0400 0000 00008080 00000000")
ACKNOWLEDGED_1 = bytes.fromhex("69696969 0400 0000 01008080 00000000")
RESEND = bytes.fromhex("69696969 0500 0000 00000000 00000000")


class Pipe:
    """What the debugger sends, and what reaches it; ``b""`` stands for a while without a word."""

    def __init__(self, *said: bytes) -> None:
        self.said = list(said)
        self.heard: List[bytes] = []

    def send(self, data: bytes) -> None:
        self.heard.append(data)

    def receive(self, timeout: Optional[float]) -> bytes:
        return self.said.pop(0) if self.said else b""


def line(pipe: Stream, statistics: Optional[Statistics] = None, **hard: float) -> BadLine:
    return BadLine(pipe, Hardships(**hard), statistics or Statistics())  # type: ignore[arg-type]


def link(*said: bytes) -> Link:
    return Link(Pipe(*said), Statistics())


def test_a_good_line_changes_nothing() -> None:
    pipe = Pipe(FIRST + b"b" + SECOND[:5], SECOND[5:])
    tested = line(pipe)
    assert tested.receive(None) == FIRST + b"b"
    assert tested.receive(None) == SECOND
    tested.send(ACKNOWLEDGED + FIRST)
    assert pipe.heard == [ACKNOWLEDGED, FIRST]


def test_every_third_packet_is_lost_in_each_direction() -> None:
    pipe = Pipe(FIRST + SECOND + THIRD + FIRST, SECOND + THIRD)
    statistics = Statistics()
    tested = line(pipe, statistics, drop_every=3)
    assert tested.receive(None) == FIRST + SECOND + FIRST
    assert tested.receive(None) == SECOND
    tested.send(ACKNOWLEDGED + FIRST)
    tested.send(SECOND)
    tested.send(THIRD)
    assert pipe.heard == [ACKNOWLEDGED, FIRST, THIRD]
    assert statistics.snapshot().harmed == {"received dropped": 2, "sent dropped": 1}


def test_what_was_lost_does_not_end_the_wait() -> None:
    tested = line(Pipe(FIRST, SECOND), drop_every=2)
    assert tested.receive(1.0) == FIRST
    # The second is lost; then nothing comes.
    assert tested.receive(0.0) == b""


def test_every_second_packet_is_damaged_in_another_place() -> None:
    pipe = Pipe()
    tested = line(pipe, corrupt_every=2)
    tested.send(FIRST + FIRST + FIRST + FIRST + FIRST + FIRST)
    assert [pipe.heard[0], pipe.heard[2], pipe.heard[4]] == [FIRST] * 3
    # 7919 modulo 20 bytes is 19: the leader, the trailer, the last byte of the payload.
    assert [pipe.heard[number].hex() for number in (1, 3, 5)] == [
        "65303030020003000000808002010000" + "0102ffaa",
        "30303030020003000000808002010000" + "0102ffff",
        "30303030020003000000808002010000" + "0102aaaa",
    ]


def test_every_second_packet_comes_twice() -> None:
    assert line(Pipe(FIRST + SECOND), repeat_every=2).receive(None) == FIRST + SECOND + SECOND


def test_a_slow_line_carries_so_many_packets_in_a_second() -> None:
    pipe = Pipe(FIRST + SECOND)
    tested = line(pipe, packets_per_second=50)
    began = time.monotonic()
    tested.receive(None)
    tested.send(ACKNOWLEDGED + FIRST)
    assert time.monotonic() - began >= 0.08


def test_a_hardship_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="drop_every is 0: give a number above 0"):
        Hardships(drop_every=0)
    with pytest.raises(ValueError, match=r"packets_per_second is -0\.5: give a number above 0"):
        Hardships(packets_per_second=-0.5)


# The target's end


def test_a_header_that_cannot_be_is_asked_for_again() -> None:
    """No checksum covers type and id."""
    for at in (4, 8, 9, 11):
        damaged = FIRST[:at] + bytes([FIRST[at] ^ 0x55]) + FIRST[at + 1 :]
        pipe = Pipe(damaged, FIRST)
        assert Link(pipe, Statistics()).receive() == Packet(2, 0x80800000, b"\x01\x02\xff")
        assert pipe.heard == [RESEND]


def test_a_byte_count_that_was_damaged_upwards_does_not_swallow_what_follows() -> None:
    longer = FIRST[:7] + b"\x05" + FIRST[8:]
    pipe = Pipe(longer, b"", FIRST)
    assert Link(pipe, Statistics()).receive() == Packet(2, 0x80800000, b"\x01\x02\xff")
    assert pipe.heard == [RESEND]


def test_the_next_request_tells_that_the_reply_has_arrived() -> None:
    tested = link(FIRST, SECOND, THIRD)
    assert tested.receive() == Packet(2, 0x80800000, b"\x01\x02\xff")
    tested.send(2, b"one")  # its acknowledgement is lost
    assert tested.receive() == Packet(2, 0x80800001, b"\x07")
    tested.send(2, b"two")
    assert tested.receive() == Packet(2, 0x80800000, b"\x09")


def test_the_last_request_once_more_tells_nothing() -> None:
    pipe = Pipe(FIRST, FIRST, b"", ACKNOWLEDGED)
    tested = Link(pipe, Statistics())
    tested.receive()
    tested.send(2, b"\x07")
    reply = frame(Packet(2, 0x80800800, b"\x07"))
    # Acknowledged with the reply, acknowledged once more, and the reply again after a while.
    assert b"".join(pipe.heard) == ACKNOWLEDGED + reply + ACKNOWLEDGED + reply


def test_a_repeated_request_does_not_stop_a_target_that_runs() -> None:
    pipe = Pipe(FIRST, FIRST, SECOND)
    tested = Link(pipe, Statistics())
    tested.receive()
    tested.flush()
    pipe.said.insert(1, b"")
    assert not tested.wants_attention()
    assert b"".join(pipe.heard) == ACKNOWLEDGED * 2
    # A new one does: who sends data wants to be heard.
    assert tested.wants_attention()


def test_a_damaged_request_to_a_target_that_runs_is_asked_for_again() -> None:
    pipe = Pipe(SECOND[:-1] + b"\0")
    tested = Link(pipe, Statistics())
    assert not tested.wants_attention()
    assert pipe.heard == [RESEND]
