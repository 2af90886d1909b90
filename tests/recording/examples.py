"""A small recording by hand, and hypothesis strategies for all that a recording can hold."""

import string
from pathlib import Path
from typing import Any, List

from hypothesis import strategies as st

from pykd_dumpfilt.recording import (
    CALLBACKS,
    ArmedCallback,
    Buffer,
    BugCheck,
    Call,
    Callbacks,
    Fault,
    Footer,
    Header,
    LoadedModule,
    Pdb,
    Piece,
    Record,
    RecordingWriter,
    Scrubbed,
    Side,
    Unloaded,
)

HEADER = Header(
    filter="myfilt",
    machine="x64",
    created="2024-05-01T12:00:00Z",
    tool="pykd-dumpfilt 0.1.0",
    debugger={"engine": "emulator", "version": "2.1.1", "target": "x64 kernel"},
)
MODULE = LoadedModule(
    0,
    "hiber_myfilt",
    0xFFFFF80012340000,
    0x9000,
    0xFFFFF80012341000,
    0x65A0B1C2,
    0xBEEF,
    Pdb("a.pdb", "0a" * 16, 1),
)
ARMED = Callbacks(0, (ArmedCallback(0xFFFFF80012341200, ("Dump_Read",), ("table",)),), ("Dump_Unload",))

PAGE_OF_ZEROS = bytes(4096)
PAGE_OF_A = b"A" * 4096


def small_call(number: int, before: int, after: int) -> Call:
    """A Dump_Read that turns a buffer on page ``before`` into one on page ``after``."""
    return Call(
        number=number,
        module=0,
        callbacks=("Dump_Read",),
        return_address=0xFFFFF80011110000,
        arguments=(0xFFFFF80012345000, 0xFFFFF80011112000, 0xFFFFF80011113000),
        entry=Side(
            {"rsp": 0xFFFFF80011114000, "rcx": 0xFFFFF80012345000},
            disk_byte_offset=Piece(0xFFFFF80011112000, bytes.fromhex("0010000000000000"), 8),
            mdls=(Piece(0xFFFFF80011113000, b"\x01\x02", 56, "page not present"),),
            buffers=(Buffer("physical", 512, 2048, (before,)),),
        ),
        exit=Side({"rax": 0}, buffers=(Buffer("physical", 512, 6000, (after, None), {1: "no such page"}),)),
        status=0,
    )


def small_records() -> List[Record]:
    """Seven records, three of them calls, on pages 0 and 1."""
    return [
        MODULE,
        ARMED,
        small_call(0, 0, 0),
        small_call(2, 0, 1),
        Fault("reading the PDB", "no symbols", 2),
        small_call(1, 1, 1),
        Unloaded(0),
    ]


def write_small(path: Path) -> Path:
    """Write them; each page comes with the first call that names it."""
    with RecordingWriter(path, HEADER) as writer:
        for record in small_records():
            if record == small_call(0, 0, 0):
                assert writer.put(PAGE_OF_ZEROS) == 0
            elif record == small_call(2, 0, 1):
                assert writer.put(PAGE_OF_A) == 1
            writer.write(record)
        writer.close("the target ended")
    return writer.path


# -- strategies ---------------------------------------------------------------------------------------------

_text = st.text(max_size=12)
_maybe_text = st.none() | _text
_count = st.integers(0, 2**53 - 1)
_dword = st.integers(0, 2**32 - 1)
_address = st.integers(0, 2**64 - 1)
_name = st.text(string.ascii_lowercase + string.digits + "_", min_size=1, max_size=16)
_hash = st.text("0123456789abcdef", min_size=32, max_size=32)
_callbacks = st.lists(st.sampled_from(CALLBACKS), min_size=1, unique=True).map(tuple)


@st.composite
def pieces(draw: st.DrawFn) -> Piece:
    data = draw(st.binary(max_size=24))
    short = draw(st.integers(0, 9))
    return Piece(draw(_address), data, len(data) + short, draw(_text if short else st.none()))


@st.composite
def buffers(draw: st.DrawFn) -> Buffer:
    pages = tuple(draw(st.lists(st.none() | st.integers(0, 5), max_size=6)))
    offset = draw(st.integers(0, 4095))
    return Buffer(
        draw(st.sampled_from(["physical", "virtual"])),
        offset,
        draw(st.integers(0, max(0, 4096 * len(pages) - offset))),
        pages,
        {index: draw(_text) for index, page in enumerate(pages) if page is None},
        draw(_maybe_text),
        tuple(draw(st.lists(st.none() | _hash, max_size=3))),
        draw(_maybe_text),
    )


def _few(strategy: "st.SearchStrategy[Any]") -> "st.SearchStrategy[Any]":
    return st.lists(strategy, max_size=2).map(tuple)


sides = st.builds(
    Side,
    st.dictionaries(_name, st.integers(0, 2**512 - 1), max_size=4),
    st.none() | pieces(),
    st.none() | pieces(),
    st.none() | pieces(),
    _few(pieces()),
    _few(buffers()),
    _few(buffers()),
    _few(pieces()),
    _few(buffers()),
)
bug_checks = st.builds(BugCheck, _dword, st.tuples(_address, _address, _address, _address))
calls = st.builds(
    Call,
    _count,
    _count,
    _callbacks,
    _address,
    st.lists(_address, max_size=4).map(tuple),
    sides,
    st.none() | sides,
    st.none() | _dword,
    _maybe_text,
    st.booleans(),
    st.none() | bug_checks,
)


@st.composite
def armed(draw: st.DrawFn) -> ArmedCallback:
    names = draw(_callbacks)
    how = st.sampled_from(["table", "memory", "symbol", "address", "header"])
    return ArmedCallback(
        draw(_address), names, tuple(draw(st.lists(how, min_size=len(names), max_size=len(names))))
    )


records: "st.SearchStrategy[Record]" = st.one_of(
    st.builds(
        LoadedModule,
        _count,
        _text,
        _address,
        _dword,
        st.none() | _address,
        st.none() | _dword,
        st.none() | _dword,
        st.none() | st.builds(Pdb, _text, st.text("0123456789abcdef", min_size=32, max_size=32), _dword),
    ),
    st.builds(Callbacks, _count, _few(armed()), st.lists(st.sampled_from(CALLBACKS), max_size=3).map(tuple)),
    calls,
    st.builds(Unloaded, _count),
    st.builds(Fault, _text, _text, st.none() | _count),
)
_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=6,
)
headers = st.builds(
    Header,
    _text,
    st.sampled_from(["x64", "arm64", "x86"]),
    st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
    _text,
    st.fixed_dictionaries({"engine": _text, "version": _text, "target": _text}),
    st.dictionaries(_text, _json, max_size=3),
    st.none() | st.builds(Scrubbed, _text, _text),
)
_sha256 = st.text("0123456789abcdef", min_size=64, max_size=64)
footers = st.builds(
    Footer,
    _count,
    _count,
    _text,
    _count,
    st.just({}) | st.fixed_dictionaries({"calls.jsonl": _sha256, "pages.bin": _sha256}),
    _count,
)
