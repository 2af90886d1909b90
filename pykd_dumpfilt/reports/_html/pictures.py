"""The pictures of a recording, each with the same in words and in numbers."""

from dataclasses import dataclass
from typing import Callable, Iterator, List, Sequence, Tuple

from ...checking import CheckResult
from ...rules import Finding
from .._phrases import amount
from .disk_map import DiskMap, disk_map
from .entropy import EntropySample, describe
from .plots import NARROW, WIDE, disk_plot, entropy_plot, timeline_plot
from .timeline import Timeline
from .walk import Walk

__all__ = ["Picture", "pictures"]


@dataclass(frozen=True)
class Picture:
    """Attributes:
    wide, narrow: SVG for a wide and for a narrow page.
    sentences: what there is to see.
    columns, rows: the same in numbers.
    listed: whether each sentence stands for itself.
    """

    anchor: str
    title: str
    wide: str
    narrow: str
    sentences: Sequence[str]
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    listed: bool = False


def pictures(checked: CheckResult, seen: Walk, anchor: str) -> Tuple[Picture, ...]:
    """Those for which there is anything to show."""
    return tuple(_pictures(checked, seen, anchor))


def _pictures(checked: CheckResult, seen: Walk, anchor: str) -> Iterator[Picture]:
    findings = checked.result.findings
    disk = disk_map(seen.disk, [place for one in findings for place in _place(one, seen)])
    if disk.parts:
        yield _picture(
            f"{anchor}-disk",
            "Disk",
            lambda width, name: disk_plot(disk, width, name),
            _disk_sentences(disk),
            ("from", "to", "written", "read", "read, never written", "of failed calls", "findings"),
            [
                (
                    f"{part.start:#x}",
                    f"{part.end - 1:#x}",
                    amount(part.written),
                    amount(part.read),
                    amount(part.unwritten),
                    amount(part.failed),
                    str(part.findings),
                )
                for part in disk.parts
            ],
        )
    timeline = seen.timeline.finish([(one.call, one.callback) for one in findings])
    loads = sorted({at for at in seen.loads.values() if timeline.start < at < timeline.end})
    if timeline.lanes:
        yield _picture(
            f"{anchor}-calls",
            "Calls",
            lambda width, name: timeline_plot(timeline, loads, width, name),
            _timeline_sentences(timeline, loads),
            ("callback", "calls", "no success", "did not return", "listed findings"),
            [
                (
                    lane.name,
                    str(lane.calls),
                    str(lane.error_count),
                    str(lane.unreturned_count),
                    str(lane.finding_count),
                )
                for lane in timeline.lanes
            ],
        )
    samples = {name: sample for name, sample in seen.entropy.items() if sample.pairs}
    if samples:
        yield _picture(
            f"{anchor}-entropy",
            "Entropy",
            lambda width, name: entropy_plot(
                {key: sample.pairs for key, sample in samples.items()}, width, name
            ),
            [_entropy_sentence(name, sample) for name, sample in samples.items()],
            ("callback", "pages measured", "side", "least", "median", "most"),
            [row for name, sample in samples.items() for row in _entropy_rows(name, sample)],
            listed=True,
        )


def _picture(
    anchor: str,
    title: str,
    plot: Callable[[float, str], str],
    sentences: Sequence[str],
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    listed: bool = False,
) -> Picture:
    return Picture(
        anchor,
        title,
        plot(WIDE, f"{anchor}-wide"),
        plot(NARROW, f"{anchor}-narrow"),
        sentences,
        columns,
        rows,
        listed,
    )


def _place(finding: Finding, seen: Walk) -> Iterator[Tuple[int, int]]:
    """The disk offsets that a finding is about: those that it names, else its call's."""
    first = finding.evidence.get("disk_offset")
    last = finding.evidence.get("last_disk_offset", first)
    if type(first) is int and type(last) is int and first <= last:
        yield first, last + 1
    elif finding.call in seen.places:
        yield seen.places[finding.call]


def _disk_sentences(disk: DiskMap) -> List[str]:
    parts = disk.parts
    written, read, unwritten = (
        sum(getattr(part, name) for part in parts) for name in ("written", "read", "unwritten")
    )
    span = parts[-1].end - parts[0].start
    found = [
        f"Dump_Write put {amount(written)} on the disk and Dump_Read brought {amount(read)} back, at disk "
        f"offsets {parts[0].start:#x} to {parts[-1].end - 1:#x}, a range of {amount(span)}."
    ]
    if len(parts) > 1:
        found.append(f"{len(parts)} parts of it are in use; what is empty between them is left out (//).")
    if unwritten:
        found.append(f"{amount(unwritten)}, in whole blocks, were read and no Dump_Write here wrote them.")
    found.append(f"The map is made of blocks of {amount(disk.grain)}.")
    return found


def _timeline_sentences(timeline: Timeline, loads: Sequence[int]) -> List[str]:
    total = sum(lane.calls for lane in timeline.lanes)
    errors = sum(lane.error_count for lane in timeline.lanes)
    unreturned = sum(lane.unreturned_count for lane in timeline.lanes)
    found = [f"{total} calls, by number, in the order they were made."]
    if timeline.grain > 1:
        found.append(f"One column stands for {timeline.grain} calls.")
    if loads:
        found.append(
            f"A dashed line marks where a copy was loaded: before call {', '.join(map(str, loads))}."
        )
    if any(lane.finding_count for lane in timeline.lanes):
        found.append("A triangle marks findings.")
    if errors:
        found.append(f"A cross marks calls that did not return success: {errors}.")
    if unreturned:
        found.append(f"A square marks calls whose return was not seen: {unreturned}.")
    return found


def _entropy_sentence(name: str, sample: EntropySample) -> str:
    text = f"{name}: {describe(name, sample.pairs)}"
    if sample.step > 1:
        text += f" One page in {sample.step} of {sample.seen} was measured."
    if sample.unreadable:
        text += f" {sample.unreadable} pages of the sample could not be read."
    return text


def _entropy_rows(name: str, sample: EntropySample) -> Iterator[Tuple[str, ...]]:
    for side in ("before", "after"):
        values = sorted(getattr(pair, side) for pair in sample.pairs)
        shown = (values[0], values[len(values) // 2], values[-1])
        yield (name, str(len(values)), side, *(f"{value:.2f}" for value in shown))
