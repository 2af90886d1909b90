"""One line of ``calls.jsonl`` to a value of the model, and back.

A line is one JSON object in ASCII with the key "kind" first and the rest in the order of the model's fields.
Addresses, register values, arguments and statuses are spelled "0x..." (people compare them with a
debugger's), counts and sizes are integers, bytes are hex digits. What is absent in the model is absent in
the line. A key that the reader does not know is ignored; of a key that stands twice the last one counts.
``recording.schema.json`` describes every key.
"""

from typing import Any, Callable, Dict, NamedTuple, Optional, Union

from ..errors import RecordingError
from . import _decode, _encode, _values
from ._layout import DIGEST_SIZE
from .model import Footer, Header, Record
from .versions import FORMAT, VERSION, Step

__all__ = ["MAX_LINE", "Line", "NewPages", "decode", "encode", "read_version"]

MAX_LINE = _values.MAX_LINE


class NewPages(NamedTuple):
    """The pages that came into pages.bin since the line before: the first one's number, and their digests
    one after the other, 16 bytes each."""

    first: int
    digests: bytes

    @property
    def end(self) -> int:
        """The number after the last page's."""
        return self.first + len(self.digests) // DIGEST_SIZE


class Line(NamedTuple):
    """What one line holds."""

    item: Union[Header, Record, Footer]
    pages: Optional[NewPages]


def encode(item: Union[Header, Record, Footer], pages: Optional[NewPages] = None) -> bytes:
    """The line for a value, line end included; ``pages`` for any kind but header and footer.

    This does not check ranges; the writer decodes each line before it keeps it, which does.

    Raises:
        RecordingError: a value that a line cannot hold.
    """
    kind = type(item).__name__
    try:
        fields = _encode.fields(item)
        if isinstance(item, Header):
            fields = {"kind": "header", "format": FORMAT, "version": VERSION, **fields}
        if pages is not None:
            text, step = pages.digests.hex(), 2 * DIGEST_SIZE
            digests = [text[at : at + step] for at in range(0, len(text), step)]
            fields["pages"] = {"first": pages.first, "digests": digests}
        line = _encode.dump(fields)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise RecordingError(f"cannot write a line for a {kind}: {error}") from error
    if len(line) > MAX_LINE:
        raise RecordingError(
            f"cannot write a line of {len(line)} bytes for a {kind}: a line holds at most {MAX_LINE}; "
            "capture less of each call"
        )
    return line


def decode(
    line: bytes, number: int, *, known_pages: int = _values.MAX_COUNT, upgrade: Optional[Step] = None
) -> Line:
    """The value that a line holds.

    Args:
        line: the bytes of the line, with or without its line end.
        number: the line's number, from 1, for messages.
        known_pages: how many pages earlier lines brought; a call that names another one is refused.
        upgrade: leads a line of an older version to this one.

    Raises:
        RecordingError: anything but a line of this format; names the line's number and the key.
    """
    try:
        fields = _values.parse(line)
        if upgrade is not None:
            fields = _upgraded(fields, upgrade)
        kind = fields.get("kind")
        reader: Optional[Callable[..., Any]] = _READERS.get(kind) if type(kind) is str else None
        if reader is None:
            raise _values.Wrong("kind", f"expected one of {', '.join(_READERS)}; found {_values.shown(kind)}")
        if kind in ("header", "footer"):
            return Line(reader(fields), None)
        pages = _new_pages(fields["pages"], known_pages) if "pages" in fields else None
        if kind == "call":
            return Line(reader(fields, known_pages if pages is None else pages.end), pages)
        return Line(reader(fields), pages)
    except _values.Wrong as wrong:
        key = f", key {wrong.key}" if wrong.key else ""
        raise RecordingError(f"line {number}{key}: {wrong.why}") from None


def read_version(line: bytes) -> int:
    """The format version that a header line states.

    Raises:
        RecordingError: it is not the header of a recording.
    """
    try:
        fields = _values.parse(line)
        if fields.get("kind") != "header" or fields.get("format") != FORMAT:
            raise _values.Wrong("format", f"not a recording: its first line is no {FORMAT} header")
        return _values.count(fields.get("version"), "version")
    except _values.Wrong as wrong:
        key = f", key {wrong.key}" if wrong.key else ""
        raise RecordingError(f"line 1{key}: {wrong.why}") from None


def _upgraded(fields: Dict[str, Any], upgrade: Step) -> Dict[str, Any]:
    try:
        return upgrade(fields)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        # Steps take an older line for what it should be; this one is not.
        raise _values.Wrong("", f"not a line of its version ({type(error).__name__}: {error})") from None


def _new_pages(value: Any, known: int) -> NewPages:
    fields = _values.mapping(value, "pages")
    first = _values.count(fields.get("first"), "pages.first")
    if known < _values.MAX_COUNT and first < known:
        raise _values.Wrong("pages.first", f"expected {known} or more, found {first}")
    digests = _values.items(fields.get("digests"), "pages.digests")
    size = 2 * DIGEST_SIZE
    try:
        # Joining takes nothing but texts.
        text = "".join(digests)
    except TypeError:
        text = ""
    if digests and (not text or set(map(len, digests)) != {size}):
        raise _values.Wrong("pages.digests", f"each must be {size} hex digits")
    return NewPages(first, _values.octets(text, "pages.digests"))


_READERS: Dict[str, Callable[..., Any]] = {
    "header": _decode.header,
    "module": _decode.module,
    "callbacks": _decode.callbacks,
    "call": _decode.call,
    "unload": _decode.unload,
    "fault": _decode.fault,
    "footer": _decode.footer,
}
