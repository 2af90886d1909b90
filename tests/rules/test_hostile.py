"""Input is hostile: whatever a recording holds, rules and decoders answer, and never raise."""

from typing import List

from hypothesis import given, settings
from hypothesis import strategies as st

from pykd_dumpfilt.decoded import DecodedCall
from pykd_dumpfilt.handling._survey import Survey
from pykd_dumpfilt.recording import (
    CALLBACKS,
    Buffer,
    Call,
    LoadedModule,
    MemoryPageStore,
    Piece,
    Record,
    Side,
)
from pykd_dumpfilt.reports._differences import brief_changes, structure_change_lines
from pykd_dumpfilt.reports.show import _one_call
from pykd_dumpfilt.rules import Verdict, judge
from pykd_dumpfilt.structures import Machine

STORE = MemoryPageStore()
for seed in range(3):
    STORE.put(bytes([seed]) * 4096)

_word = st.integers(0, 2**64 - 1)
_small = st.sampled_from([0, 1, 511, 512, 4095, 4096, 65536, 0x7FFFFFFF, 0xFFFFFFFF])


def _sized(*sizes: int) -> "st.SearchStrategy[Piece]":
    data = st.one_of(*(st.binary(min_size=size, max_size=size) for size in sizes))
    return st.builds(lambda address, data: Piece(address, data, len(data)), _word, data)


@st.composite
def _mdls(draw: st.DrawFn) -> Piece:
    """Headers whose ByteCount and ByteOffset are near what MDLs hold, and a few page frame numbers."""
    fields = draw(st.binary(min_size=0x28, max_size=0x28))
    count, offset = draw(_small), draw(_small)
    pfns = draw(st.binary(max_size=40))
    data = fields + count.to_bytes(4, "little") + offset.to_bytes(4, "little") + pfns
    return Piece(draw(st.sampled_from([0x1000, 0x2000])), data, len(data) + draw(st.integers(0, 8)))


_buffers = st.builds(
    Buffer,
    st.sampled_from(["physical", "virtual"]),
    st.integers(-10, 5000),
    st.integers(-10, 20000),
    st.lists(st.none() | st.integers(-2, 4) | st.just(2**64), max_size=4).map(tuple),
)
_sides = st.builds(
    Side,
    st.dictionaries(st.sampled_from(["rsp", "efl", "rbx"]), _word),
    st.none() | _sized(0x50, 0x58, 0x44),
    st.none() | _sized(0x38, 0x40, 0x48, 0x24),
    st.none()
    | st.sampled_from([0, 512, 4096]).map(lambda at: Piece(0, at.to_bytes(8, "little"), 8))
    | _sized(8),
    st.lists(_mdls(), max_size=2).map(tuple),
    st.lists(_buffers, max_size=2).map(tuple),
    st.lists(_buffers, max_size=2).map(tuple),
    st.lists(_sized(0, 16, 64), max_size=2).map(tuple),
)
_calls = st.builds(
    Call,
    st.integers(0, 8),
    st.integers(0, 2),
    st.lists(st.sampled_from(CALLBACKS + ("Dump_Read", "Dump_Write") * 4), min_size=1, max_size=2).map(tuple),
    _word,
    st.lists(_word, max_size=4).map(tuple),
    _sides,
    st.none() | _sides,
    st.none() | st.sampled_from([0, 0, 0, 0x103, 0x80000005, 0xC0000001]),
    st.none() | st.text(max_size=5),
)


@settings(max_examples=120)
@given(st.lists(_calls, max_size=8), st.sampled_from(list(Machine)))
def test_rules_never_raise(calls: List[Call], machine: Machine) -> None:
    stream: List[Record] = [LoadedModule(0, "hiber_x", 0, 0), *calls]
    assert isinstance(judge(stream, STORE, machine).verdict, Verdict)


@settings(max_examples=120)
@given(st.lists(_calls, max_size=8), st.sampled_from(list(Machine)))
def test_surveys_never_raise(calls: List[Call], machine: Machine) -> None:
    survey = Survey(machine, STORE)
    for call in calls:
        survey.feed(call)
    facts = dict(survey.sections())
    assert sum(value for value in facts["Calls"].values() if isinstance(value, int)) == len(calls)


@settings(max_examples=80)
@given(_calls, st.sampled_from(list(Machine)))
def test_show_never_raises(call: Call, machine: Machine) -> None:
    decoded = DecodedCall(call, None, machine, STORE)
    assert "\n" not in brief_changes(decoded)
    structure_change_lines(decoded)
    lines = list(_one_call(decoded, whole=True))
    assert all(line.isprintable() for line in lines)
