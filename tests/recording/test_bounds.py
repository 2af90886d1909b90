"""What a line may hold is bounded where something larger could be made of it than the line itself."""

import json
from dataclasses import replace
from typing import Tuple

import pytest

from pykd_dumpfilt.errors import RecordingError
from pykd_dumpfilt.recording import Buffer, Side, codec

from .examples import HEADER, MODULE, small_call


def _header(options: str) -> bytes:
    fields = json.loads(codec.encode(HEADER))
    return (json.dumps(fields)[:-1] + f', "options": {options}}}').encode()


def test_options_are_not_nested_deeper_than_anybody_can_write_them() -> None:
    line = codec.decode(_header('{"a": ' + "[" * 31 + "]" * 31 + "}"), 1)
    assert isinstance(line.item, type(HEADER))
    for depth in (32, 900, 970, 985, 990, 5000):
        with pytest.raises(RecordingError, match=r"line 1(, key options)?: nested (deeper than 32|too deep)"):
            codec.decode(_header('{"a": ' + "[" * depth + "]" * depth + "}"), 1)
    with pytest.raises(RecordingError, match="nested deeper than 32"):
        codec.decode(_header('{"a": [' * 30 + "0" + "]}" * 30), 1)


def _side(kind: str, buffers: Tuple[Buffer, ...]) -> Side:
    return Side({}, **{kind: buffers})  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["buffers", "source", "around"])
def test_a_page_is_not_named_more_often_than_a_trace_would(kind: str) -> None:
    def call(pages: int) -> bytes:
        buffers = (Buffer("virtual", 0, 4096, (0,) * (pages - 1)), Buffer("virtual", 0, 4096, (0,)))
        return codec.encode(replace(small_call(0, 0, 0), exit=_side(kind, buffers)))

    codec.decode(call(16384), 1)
    with pytest.raises(RecordingError, match=f"line 1, key exit.{kind}: 16385 pages, more than 16384"):
        codec.decode(call(16385), 1)


def test_names_are_as_long_as_a_file_name_may_be() -> None:
    codec.decode(codec.encode(replace(MODULE, name="a" * 1024)), 1)
    with pytest.raises(RecordingError, match="key name: 1025 characters, more than 1024"):
        codec.decode(codec.encode(replace(MODULE, name="a" * 1025)), 1)
    assert MODULE.pdb is not None
    with pytest.raises(RecordingError, match=r"key pdb\.name: 1025 characters, more than 1024"):
        codec.decode(codec.encode(replace(MODULE, pdb=replace(MODULE.pdb, name="a" * 1025))), 1)
