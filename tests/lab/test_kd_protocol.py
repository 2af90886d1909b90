"""Framing, acknowledgements, resends and resets, against bytes written down by hand."""

from typing import List, Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .kd_protocol import (
    BreakIn,
    DisconnectedError,
    Link,
    LinkResetError,
    Packet,
    PacketReader,
    Reset,
    frame,
)
from .kd_statistics import Statistics

# type 2, 3 bytes, id 0x80800800, checksum 1 + 2 + 0xff
DATA = bytes.fromhex("30303030 0200 0300 00088080 02010000 0102ff aa")
ACKNOWLEDGED = bytes.fromhex("69696969 0400 0000 00008080 00000000")
ACKNOWLEDGED_1 = bytes.fromhex("69696969 0400 0000 01008080 00000000")
RESEND = bytes.fromhex("69696969 0500 0000 00000000 00000000")
RESET = bytes.fromhex("69696969 0600 0000 00000000 00000000")


class Script:
    """A debugger that says what it was told to say; at the end it hangs up."""

    def __init__(self, *said: bytes) -> None:
        self.said = list(said)
        self.heard: List[bytes] = []

    def send(self, data: bytes) -> None:
        self.heard.append(data)

    def receive(self, timeout: Optional[float]) -> bytes:
        if not self.said:
            if timeout == 0:
                return b""
            raise DisconnectedError("the end")
        return self.said.pop(0)


def link(script: Script) -> Link:
    return Link(script, Statistics())


def test_frames() -> None:
    assert frame(Packet(2, 0x80800800, b"\x01\x02\xff")) == DATA
    assert frame(Packet(4, 0x80800000, control=True)) == ACKNOWLEDGED


def test_reading_what_was_framed() -> None:
    packets = PacketReader().feed(b"\0\xaa" + DATA + b"b" + RESET)
    assert packets == [
        Packet(2, 0x80800800, b"\x01\x02\xff"),
        BreakIn(),
        Packet(6, 0, control=True),
    ]


@given(st.lists(st.integers(1, 40), max_size=8))
@settings(max_examples=50)
def test_any_split_of_the_stream_gives_the_same_packets(cuts: List[int]) -> None:
    stream = DATA + b"b" + ACKNOWLEDGED + DATA
    reader = PacketReader()
    found = []
    at = 0
    for cut in [*cuts, len(stream)]:
        found += reader.feed(stream[at : at + cut])
        at += cut
    assert found == PacketReader().feed(stream)
    assert len(found) == 4


@given(st.binary(max_size=200))
@settings(max_examples=100)
def test_noise_never_raises_and_is_never_kept(noise: bytes) -> None:
    reader = PacketReader()
    reader.feed(noise)
    # The longest thing that noise can begin is one packet.
    reader.feed(b"\0" * 8192)
    assert Packet(2, 0x80800800, b"\x01\x02\xff") in reader.feed(DATA)


def test_a_request_is_acknowledged_with_the_reply_and_without_the_sync_bit() -> None:
    script = Script(DATA, ACKNOWLEDGED)
    tested = link(script)
    assert tested.receive() == Packet(2, 0x80800800, b"\x01\x02\xff")
    tested.send(2, b"\x01\x02\xff")
    assert script.heard == [ACKNOWLEDGED + DATA]


def test_ids_alternate_and_the_sync_bit_is_sent_once() -> None:
    script = Script(ACKNOWLEDGED, ACKNOWLEDGED_1, ACKNOWLEDGED)
    tested = link(script)
    for _ in range(3):
        tested.send(3, b"")
    assert [data[8:12].hex() for data in script.heard] == ["00088080", "01008080", "00008080"]


def test_a_repeated_request_is_acknowledged_and_dropped() -> None:
    again = DATA.replace(bytes.fromhex("00088080"), bytes.fromhex("00008080"))
    following = DATA.replace(bytes.fromhex("00088080"), bytes.fromhex("01008080"))
    script = Script(DATA, again, following)
    tested = link(script)
    assert tested.receive() == Packet(2, 0x80800800, b"\x01\x02\xff")
    assert tested.receive() == Packet(2, 0x80800001, b"\x01\x02\xff")
    assert script.heard == [ACKNOWLEDGED, ACKNOWLEDGED]


def test_a_damaged_request_is_asked_for_again() -> None:
    for damaged in (DATA.replace(b"\xff\xaa", b"\xfe\xaa"), DATA[:-1] + b"\0"):
        script = Script(damaged, DATA)
        assert link(script).receive() == Packet(2, 0x80800800, b"\x01\x02\xff")
        assert script.heard == [RESEND]


def test_it_sends_again_when_asked_to_or_not_answered() -> None:
    for answer in (RESEND, b""):
        script = Script(answer, ACKNOWLEDGED)
        link(script).send(2, b"\x01\x02\xff")
        assert script.heard == [DATA, DATA]


def test_an_acknowledgement_of_something_else_does_not_count() -> None:
    script = Script(ACKNOWLEDGED_1)
    with pytest.raises(DisconnectedError):
        link(script).send(2, b"")


def test_a_request_that_crosses_the_reply_is_kept() -> None:
    script = Script(DATA, ACKNOWLEDGED)
    tested = link(script)
    tested.send(7, b"")
    assert tested.receive() == Packet(2, 0x80800800, b"\x01\x02\xff")


def test_a_reset_is_answered_and_ids_begin_anew() -> None:
    script = Script(ACKNOWLEDGED, RESET, ACKNOWLEDGED)
    tested = link(script)
    tested.send(2, b"\x01\x02\xff")
    assert tested.receive() == Reset()
    tested.send(2, b"\x01\x02\xff")
    assert script.heard == [DATA, RESET, DATA]


def test_a_reset_while_sending_is_an_error_to_the_sender() -> None:
    script = Script(RESET)
    with pytest.raises(LinkResetError):
        link(script).send(2, b"\x01\x02\xff")
    assert script.heard == [DATA, RESET]


def test_a_debugger_that_floods_is_hung_up_on() -> None:
    with pytest.raises(DisconnectedError, match="acknowledges nothing"):
        link(Script(b"b" * 100)).send(2, b"")


def test_a_running_target_looks_up_for_break_ins_requests_and_resets_only() -> None:
    assert link(Script(b"b")).wants_attention()
    assert link(Script(DATA)).wants_attention()
    assert link(Script(RESET)).wants_attention()
    assert not link(Script(ACKNOWLEDGED, RESEND)).wants_attention()
    assert not link(Script()).wants_attention()
