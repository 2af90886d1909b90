"""Lines to values and back, and lines that nobody should believe."""

import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Union

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pykd_dumpfilt.errors import RecordingError
from pykd_dumpfilt.recording import Buffer, Call, Fault, Footer, Header, Piece, Record, Side, _values, codec
from pykd_dumpfilt.recording._decode import MACHINES
from pykd_dumpfilt.structures import Machine

from .examples import HEADER, MODULE, footers, headers, records, small_call

ROOT = Path(__file__).resolve().parents[2]

# The digest is what "head -c 4096 /dev/zero | b2sum -l 128" prints.
ZEROS_DIGEST = "5f6df6002bc71ca2d81a7492de37025d"

GOLDEN_CALL = (
    '{"kind": "call", "number": 7, "module": 0, "callbacks": ["Dump_Read"], '
    '"return_address": "0xfffff80011110000", '
    '"arguments": ["0xfffff80012345000", "0xfffff80011112000", "0xfffff80011113000"], '
    '"entry": {"registers": {"rcx": "0xfffff80012345000", "rsp": "0xfffff80011114000"}, '
    '"disk_byte_offset": {"address": "0xfffff80011112000", "data": "0010000000000000", "asked": 8}, '
    '"mdls": [{"address": "0xfffff80011113000", "data": "0102", "asked": 56, '
    '"missing": "page not present"}], '
    '"buffers": [{"via": "physical", "offset": 512, "size": 2048, "pages": [0]}]}, '
    '"exit": {"registers": {"rax": "0x0"}, '
    '"buffers": [{"via": "physical", "offset": 512, "size": 6000, "pages": [0, null], '
    '"unreadable": {"1": "no such page"}}]}, '
    '"status": "0x0", '
    '"pages": {"first": 0, "digests": ["' + ZEROS_DIGEST + '"]}}\n'
)
GOLDEN_HEADER = (
    '{"kind": "header", "format": "dumpfilt-recording", "version": 1, "filter": "myfilt", "machine": "x64", '
    '"created": "2024-05-01T12:00:00Z", "tool": "pykd-dumpfilt 0.1.0", '
    '"debugger": {"engine": "emulator", "target": "x64 kernel", "version": "2.1.1"}}\n'
)
GOLDEN_MODULE = (
    '{"kind": "module", "number": 0, "name": "hiber_myfilt", "base": "0xfffff80012340000", "size": 36864, '
    '"entry_point": "0xfffff80012341000", "timestamp": "0x65a0b1c2", "checksum": "0xbeef", '
    '"pdb": {"name": "a.pdb", "guid": "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a", "age": 1}}\n'
)


def test_a_call_line_is_spelled_like_this() -> None:
    pages = codec.NewPages(0, bytes.fromhex(ZEROS_DIGEST))
    assert codec.encode(small_call(7, 0, 0), pages).decode() == GOLDEN_CALL
    assert codec.decode(GOLDEN_CALL.encode(), 1) == (small_call(7, 0, 0), pages)


@pytest.mark.parametrize(("item", "line"), [(HEADER, GOLDEN_HEADER), (MODULE, GOLDEN_MODULE)])
def test_other_lines_are_spelled_like_this(item: Union[Header, Record], line: str) -> None:
    assert codec.encode(item).decode() == line
    assert codec.decode(line.encode(), 1).item == item


@settings(max_examples=150)
@given(item=st.one_of(records, headers, footers), first=st.integers(6, 9), digests=st.integers(0, 3))
def test_every_value_survives_its_line(item: Union[Header, Record, Footer], first: int, digests: int) -> None:
    pages = None
    if digests and not isinstance(item, (Header, Footer)):
        pages = codec.NewPages(first, bytes(range(16)) * digests)
    line = codec.encode(item, pages)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert line.isascii()
    # The calls made here name pages 0 to 5.
    assert codec.decode(line, 1, known_pages=6) == (item, pages)


def test_half_a_surrogate_pair_is_replaced() -> None:
    line = codec.encode(Fault("opening", "x\ud800y \U0001f4be"))
    assert codec.decode(line, 1).item == Fault("opening", "x\ufffdy \U0001f4be")


def test_unknown_keys_are_ignored_at_every_depth() -> None:
    fields = json.loads(GOLDEN_CALL)
    for place in (fields, fields["entry"], fields["entry"]["mdls"][0], fields["exit"]["buffers"][0]):
        place["colour"] = {"of": ["the", "sky"]}
    assert codec.decode(json.dumps(fields).encode(), 1).item == small_call(7, 0, 0)


def test_machines_are_those_whose_structures_we_know() -> None:
    assert set(MACHINES) == {machine.value for machine in Machine}


WRONG_IN_A_CALL = [
    (("number",), -1, "number"),
    (("number",), True, "number"),
    (("number",), 2**53, "number"),
    (("number",), 1.0, "number"),
    (("module",), "0", "module"),
    (("callbacks",), [], "callbacks"),
    (("callbacks",), ["Dump_Sing"], "callbacks"),
    (("callbacks",), ["Dump_Read", "Dump_Read"], "callbacks"),
    (("callbacks",), [["Dump_Read"]], "callbacks"),
    (("return_address",), 5, "return_address"),
    (("return_address",), "0x00", "return_address"),
    (("return_address",), "0X1", "return_address"),
    (("return_address",), "0xA", "return_address"),
    (("return_address",), "0x1_0", "return_address"),
    (("return_address",), " 0x1", "return_address"),
    (("return_address",), "-0x1", "return_address"),
    (("return_address",), "0x10000000000000000", "return_address"),
    (("arguments",), {"0": "0x1"}, "arguments"),
    (("arguments",), ["0x1"] * 17, "arguments"),
    (("status",), "0x100000000", "status"),
    (("unreturned",), 3, "unreturned"),
    (("gone",), False, "gone"),
    (("gone",), 1, "gone"),
    (("bug_check",), 10, "bug_check"),
    (("bug_check",), {"code": "0xa", "parameters": ["0x1"] * 3}, "bug_check.parameters"),
    (("bug_check",), {"code": "0x100000000", "parameters": ["0x1"] * 4}, "bug_check.code"),
    (("bug_check",), {"code": "0xa", "parameters": ["0x1", "0x2", "0x3", 4]}, "bug_check.parameters"),
    (("entry",), [], "entry"),
    (("entry", "registers"), None, "entry.registers"),
    (("entry", "registers", "rcx"), 1, "entry.registers.rcx"),
    (("entry", "registers", "RCX"), "0x1", "entry.registers"),
    (("entry", "registers"), {"": "0x1"}, "entry.registers"),
    (("entry", "registers"), {f"r{number}": "0x1" for number in range(1000)}, "entry.registers"),
    (("entry", "mdls"), {}, "entry.mdls"),
    (("entry", "mdls", 0, "data"), "012", "entry.mdls[0].data"),
    (("entry", "mdls", 0, "data"), "0 1 2 3", "entry.mdls[0].data"),
    (("entry", "mdls", 0, "data"), "AB", "entry.mdls[0].data"),
    (("entry", "mdls", 0, "asked"), 1, "entry.mdls[0].data"),
    (("entry", "mdls", 0, "asked"), 2**32, "entry.mdls[0].asked"),
    (("entry", "mdls", 0, "missing"), None, "entry.mdls[0].missing"),
    (("entry", "buffers", 0, "via"), "telepathic", "entry.buffers[0].via"),
    (("entry", "buffers", 0, "offset"), 4096, "entry.buffers[0].offset"),
    (("entry", "buffers", 0, "size"), 3585, "entry.buffers[0].size"),
    (("entry", "buffers", 0, "pages"), [1], "entry.buffers[0].pages"),
    (("entry", "buffers", 0, "pages"), [-1], "entry.buffers[0].pages"),
    (("entry", "buffers", 0, "pages"), [False], "entry.buffers[0].pages"),
    (("entry", "buffers", 0, "pages"), [0, None], "entry.buffers[0].unreadable"),
    (("exit", "buffers", 0, "unreadable"), {"0": "why"}, "exit.buffers[0].unreadable"),
    (("exit", "buffers", 0, "unreadable"), {"01": "why"}, "exit.buffers[0].unreadable"),
    (("exit", "buffers", 0, "unreadable"), {"9999999999": "why"}, "exit.buffers[0].unreadable"),
    (("pages", "first"), -1, "pages.first"),
    (("pages", "digests"), ["00"], "pages.digests"),
    (("pages", "digests"), ["zz" * 16], "pages.digests"),
    (("pages", "digests"), "00" * 16, "pages.digests"),
    (("kind",), "telegram", "kind"),
    (("kind",), ["call"], "kind"),
]


@pytest.mark.parametrize(("path", "value", "key"), WRONG_IN_A_CALL)
def test_a_wrong_value_names_line_and_key(path: Any, value: object, key: str) -> None:
    fields: Dict[Any, Any] = json.loads(GOLDEN_CALL)
    place = fields
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(RecordingError) as caught:
        codec.decode(json.dumps(fields).encode(), 12, known_pages=0)
    assert str(caught.value).startswith(f"line 12, key {key}: ")


@pytest.mark.parametrize("key", ["number", "module", "callbacks", "return_address", "arguments", "entry"])
def test_a_missing_value_names_line_and_key(key: str) -> None:
    fields = json.loads(GOLDEN_CALL)
    del fields[key]
    with pytest.raises(RecordingError, match=f"^line 3, key {key}: .*found None"):
        codec.decode(json.dumps(fields).encode(), 3)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"", "not JSON"),
        (b"[1]", "not a JSON object"),
        (b'{"kind": "unload"', "not JSON"),
        (b'{"kind": NaN}', "NaN is not JSON"),
        (b'{"kind": 1e999}', "too large"),
        (b'{"kind": ' + b"9" * 100_000 + b"}", "100000 digits"),
        (b'{"kind": ' + b"[" * 200_000 + b"}", "nested too deep"),
        (b'{"kind": "\xc3\xa4"}', "byte 10 is not ASCII"),
        (b'{"kind": "\\ud800"}', "lone surrogate"),
        (b'{"kind": "fault", "x": "' + b"y" * codec.MAX_LINE + b'"}', "longer than"),
    ],
    # The lines themselves are too long for a test's name.
    ids=itertools.count(),
)
def test_what_is_no_line_says_so(line: bytes, why: str) -> None:
    with pytest.raises(RecordingError, match=f"^line 5: .*{why}"):
        codec.decode(line, 5)


@pytest.mark.parametrize(
    ("inner", "deep"),
    [
        (b"[" * 63 + b"]" * 63, False),
        (b"[" * 64 + b"]" * 64, True),
        (b'{"a":' * 64 + b"1" + b"}" * 64, True),
        (b"[" + b"[]," * 1000 + b"[]]", False),
        (b'"' + b"[" * 1000 + b'"', False),
        (b'"\\"' + b"[" * 1000 + b'"', False),
        (b'["\\\\", ' + b"[" * 63 + b"]" * 64, True),
    ],
    ids=itertools.count(),
)
def test_how_deep_a_line_may_be_nested(inner: bytes, deep: bool) -> None:
    with pytest.raises(RecordingError) as caught:
        codec.decode(b'{"kind": ' + inner + b"}", 5)
    assert ("nested too deep" in str(caught.value)) is deep


def test_a_deep_line_does_not_end_the_process() -> None:
    """What Python runs by itself while the stack is used up ended Python 3.8, and WinDbg with it."""
    program = (
        "import gc\n"
        "from pykd_dumpfilt.errors import RecordingError\n"
        "from pykd_dumpfilt.recording import codec\n"
        "def deeper(levels):\n"
        "    levels and deeper(levels - 1)\n"
        "gc.callbacks.append(lambda *_: deeper(100))\n"
        "gc.set_threshold(1)\n"
        "for size in range(900, 1000):\n"
        "    try:\n"
        "        codec.decode(b'{\"kind\": ' + b'[' * size + b'}', 5)\n"
        "    except RecordingError as error:\n"
        "        assert 'nested too deep' in str(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=str(ROOT), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_message_quotes_hostile_text_short_and_plain() -> None:
    line = json.dumps({"kind": "\x1b[31m" + "z" * 5000}).encode()
    with pytest.raises(RecordingError) as caught:
        codec.decode(line, 1)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "item",
    [
        Fault("x", "y" * codec.MAX_LINE),
        Header("f", "x64", "2024-05-01T12:00:00Z", "t", {}, {"a": object()}),
        Header("f", "x64", "2024-05-01T12:00:00Z", "t", {}, {"a": float("nan")}),
    ],
    ids=["long", "object", "nan"],
)
def test_what_no_line_can_hold_is_refused(item: Union[Header, Fault]) -> None:
    with pytest.raises(RecordingError, match="cannot write a line"):
        codec.encode(item)


def test_a_line_of_many_pages_stays_below_the_cap() -> None:
    # 16 MiB in one call, far above the largest transfer of a dump stack.
    side = Side(
        {},
        buffers=(Buffer("physical", 0, 1 << 24, tuple(range(4096))),),
        mdls=(Piece(0, bytes(40000), 40000),),
    )
    call = Call(0, 0, ("Dump_Write",), 0, (), side, side)
    assert len(codec.encode(call, codec.NewPages(0, bytes(16 * 4096)))) < codec.MAX_LINE


def test_long_integers_are_refused_where_python_itself_does_not() -> None:
    assert _values._integer("-9007199254740992") == -(2**53)
    with pytest.raises(_values.Wrong, match="21 digits"):
        _values._integer("9" * 21)
