"""What a finding is about, as bytes beside each other."""

from itertools import islice
from typing import Callable, Dict, Iterator, List, Optional, Tuple

from ...decoded import DecodedCall, DecodedRecording, NoValue, given_back, layout_of, neighbour_pages
from ...errors import RecordingError
from ...recording import Piece
from ...rules import Finding
from .comparison import Comparison, compare
from .transfers import Placed, described, gave_back, given, holding, sent

__all__ = ["comparisons", "shows_bytes"]

_BEFORE = 32
_BORDER = 64
_MAX_PER_FINDING = 4
_STRETCH = 64 * 1024
_PAIRS = (
    (("expected", "Expected"), ("got", "Got")),
    (("before", "At entry"), ("after", "At return")),
    (("then", "Given back by the earlier call"), ("now", "Given back by this call")),
    (("mapped", "At MappedSystemVa"), ("physical", "Named by the page frame numbers")),
)
"""Keys of evidence that hold bytes, in pairs, and what they are called."""


def comparisons(finding: Finding, recording: Optional[DecodedRecording]) -> List[Comparison]:
    """The comparisons that show a finding; none for a rule that is not about bytes.

    Args:
        recording: the one it was found in; None where that cannot be read any more.
    """
    try:
        found = list(islice(_found(finding, recording), _MAX_PER_FINDING))
    except (RecordingError, OSError) as error:
        return [Comparison("Bytes", "", "", missing=str(error))]
    return found or list(_from_evidence(finding))


def shows_bytes(finding: Finding) -> bool:
    """Whether there may be a comparison for it."""
    return finding.rule in _BY_RULE or any(True for _ in _from_evidence(finding))


def _found(finding: Finding, recording: Optional[DecodedRecording]) -> Iterator[Comparison]:
    show = _BY_RULE.get(finding.rule)
    if show is not None and recording is not None:
        yield from show(finding, recording.call(finding.call), recording)


def _round_trip(finding: Finding, call: DecodedCall, recording: DecodedRecording) -> Iterator[Comparison]:
    number = _number(finding, "written_by_call")
    if number is not None:
        left = f"Given to Dump_Write, call {number}", given(recording.call(number))
        right = f"Given back by Dump_Read, call {call.number}", gave_back(call)
        yield from _at_disk_offset(finding, left, right)


def _repeated(finding: Finding, call: DecodedCall, recording: DecodedRecording) -> Iterator[Comparison]:
    number = _number(finding, "earlier_call")
    if number is not None:
        left = f"Given back by call {number}", gave_back(recording.call(number))
        right = f"Given back by call {call.number}", gave_back(call)
        yield from _at_disk_offset(finding, left, right)


def _page(finding: Finding, call: DecodedCall, recording: DecodedRecording) -> Iterator[Comparison]:
    if "address" in finding.evidence:
        yield from _neighbour(finding, call, recording)
        return
    index, page = _number(finding, "mdl"), _number(finding, "page")
    if index is None or page is None or index >= len(call.entry.buffers):
        return
    before, after = call.entry.buffers[index], given_back(call, index)
    if isinstance(after, NoValue) or page >= min(len(before.raw.pages), len(after.raw.pages)):
        return
    one, two = before.raw.pages[page], after.raw.pages[page]
    if one is None or two is None:
        return
    start, end = before.part(page)
    ignore = described(call, before, page) if finding.rule == "DF-READ-003" else []
    yield compare(
        f"Page {page} of the buffer{'' if index == 0 else f' of MDL {index} of the chain'}, whole; bytes "
        f"{start:#x} to {end - 1:#x} are the buffer's{', which Dump_Read may change' if ignore else ''}",
        ("At entry", recording.raw.page(one)),
        ("At return", recording.raw.page(two)),
        ignore=ignore,
    )


def _neighbour(finding: Finding, call: DecodedCall, recording: DecodedRecording) -> Iterator[Comparison]:
    place = finding.evidence.get("mdl"), finding.evidence.get("page")
    for beside in neighbour_pages(call):
        if (beside.mdl, beside.page) == place and beside.before is not None and beside.after is not None:
            where = "before the buffer's first" if beside.page < 0 else "behind the buffer's last"
            yield compare(
                f"The page {where}, whole: nothing of it is the filter's",
                ("At entry", recording.raw.page(beside.before)),
                ("At return", recording.raw.page(beside.after)),
            )


def _mdls(finding: Finding, call: DecodedCall, recording: DecodedRecording) -> Iterator[Comparison]:
    if call.exit is None:
        return
    for index, (before, after) in enumerate(zip(call.entry.raw.mdls, call.exit.raw.mdls)):
        if before.data != after.data:
            name = "MDL" if index == 0 else f"MDL {index} of the chain"
            yield _structure(name, "MDL", before, after, call)


def _write_substitute(
    finding: Finding, call: DecodedCall, recording: DecodedRecording
) -> Iterator[Comparison]:
    yield from _from_evidence(finding)
    yield from _mdls(finding, call, recording)


def _extension(finding: Finding, call: DecodedCall, recording: DecodedRecording) -> Iterator[Comparison]:
    yield from _pieces(call, "FILTER_EXTENSION", "filter_extension")


def _registration(finding: Finding, call: DecodedCall, recording: DecodedRecording) -> Iterator[Comparison]:
    yield from _pieces(call, "FILTER_INITIALIZATION_DATA", "filter_initialization_data")


def _offset(finding: Finding, call: DecodedCall, recording: DecodedRecording) -> Iterator[Comparison]:
    yield from _pieces(call, "*DiskByteOffset", "disk_byte_offset")


def _transformed(finding: Finding, call: DecodedCall, recording: DecodedRecording) -> Iterator[Comparison]:
    kept, changed = _number(finding, "kept_disk_offset"), _number(finding, "changed_disk_offset")
    if kept is None or changed is None:
        return
    # All before the later one is of the other kind: there is the border.
    yield _around(
        max(kept, changed),
        ("Given to Dump_Write", given(call)),
        ("What goes to the disk", sent(call)),
        _BORDER,
    )


def _from_evidence(finding: Finding) -> Iterator[Comparison]:
    for (one, left_name), (two, right_name) in _PAIRS:
        try:
            left, right = (bytes.fromhex(finding.evidence[key]) for key in (one, two))
        except (KeyError, TypeError, ValueError):
            continue
        if left and right:
            start = _number(finding, "byte") or 0
            yield compare("From the finding's evidence", (left_name, left), (right_name, right), start)


_BY_RULE: Dict[str, Callable[[Finding, DecodedCall, DecodedRecording], Iterator[Comparison]]] = {
    "DF-REG-001": _registration,
    "DF-REG-002": _registration,
    "DF-REG-003": _registration,
    "DF-REG-004": _registration,
    "DF-CALL-002": _extension,
    "DF-WRITE-001": _page,
    "DF-WRITE-002": _mdls,
    "DF-WRITE-003": _mdls,
    "DF-WRITE-004": _write_substitute,
    "DF-WRITE-005": _mdls,
    "DF-WRITE-006": _offset,
    "DF-WRITE-007": _transformed,
    "DF-READ-001": _offset,
    "DF-READ-002": _mdls,
    "DF-READ-003": _page,
    "DF-READ-004": _repeated,
    "DF-TRIP-001": _round_trip,
}


def _at_disk_offset(
    finding: Finding, left: Tuple[str, Placed], right: Tuple[str, Placed]
) -> Iterator[Comparison]:
    """Both sides from a little before the finding's disk offset to its last, as far as both buffers reach."""
    offset = _number(finding, "disk_offset")
    if offset is None:
        return
    last = _number(finding, "last_disk_offset")
    yield _around(offset, left, right, _STRETCH if last is None else last // 16 * 16 + 16 + _BEFORE - offset)


def _around(offset: int, left: Tuple[str, Placed], right: Tuple[str, Placed], size: int) -> Comparison:
    """Both sides from a little before a disk offset on, ``size`` bytes of them at most."""
    one, two = holding(left[1], offset), holding(right[1], offset)
    if one is None or two is None:
        return Comparison("Bytes", left[0], right[0], missing="the buffers do not hold this disk offset")
    start = max(one[0], two[0], offset // 16 * 16 - _BEFORE)
    end = min(one[0] + one[1].held, two[0] + two[1].held, offset + min(size, _STRETCH))
    return compare(
        f"Disk offsets {start:#x} to {end - 1:#x}",
        (left[0], one[1].read(start - one[0], end - one[0])),
        (right[0], two[1].read(start - two[0], end - two[0])),
        start,
    )


def _pieces(call: DecodedCall, name: str, attribute: str) -> Iterator[Comparison]:
    if call.exit is None:
        return
    before: Optional[Piece] = getattr(call.entry.raw, attribute)
    after: Optional[Piece] = getattr(call.exit.raw, attribute)
    if before is not None and after is not None:
        yield _structure(name, name, before, after, call)


def _structure(title: str, name: str, before: Piece, after: Piece, call: DecodedCall) -> Comparison:
    fields: List[Tuple[int, int, str]] = []
    layout = None if name.startswith("*") else layout_of(name, before, call.machine)
    if layout is not None:
        fields = [(field.offset, field.offset + field.size, path) for path, field in layout.leaves.items()]
        if name == "MDL" and len(before.data) > layout.size:
            fields.append((layout.size, len(before.data), "PFN array"))
    return compare(
        f"{title} at {before.address:#x}",
        ("At entry", before.data),
        ("At return", after.data),
        fields=fields,
    )


def _number(finding: Finding, key: str) -> Optional[int]:
    value = finding.evidence.get(key)
    return value if type(value) is int and value >= 0 else None
