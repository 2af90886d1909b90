"""The three plots, as SVG that takes its colours from the page's style sheet.

Nothing that a recording supplies as text gets in here: only numbers, and names of our own.
"""

from typing import TYPE_CHECKING, Iterator, List, Literal, Mapping, Optional, Sequence, Tuple

from .disk_map import DiskMap
from .entropy import Pair
from .svg import COLOURS, picture
from .timeline import Timeline

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["NARROW", "WIDE", "disk_plot", "entropy_plot", "timeline_plot"]

WIDE, NARROW = 10.4, 4.4
"""Widths in inches of the two forms that the style sheet chooses from."""

_LANE = 0.34
_BAR = 0.56
_MAX_DUMBBELLS = 160
_BINS = 32
_DIGIT = 0.08
_NAMES = 1.42
_COLOUR_OF = {"Dump_Write": "written", "Dump_Read": "read"}
_DISK_LANES = (
    ("written", "written", "written"),
    ("read", "read", "read"),
    ("unwritten", "read, never written", "unwritten"),
    ("findings", "findings, errors", "bad"),
)


def disk_plot(disk: DiskMap, width: float, name: str) -> str:
    """Lanes over disk offsets; gaps that were taken out are gaps here too."""
    return picture(lambda: _disk(disk, width), name)


def _disk(disk: DiskMap, width: float) -> "Figure":
    lanes = [lane for lane in _DISK_LANES if lane[0] in ("written", "read") or disk.lanes[lane[0]]]
    figure, axes = _lanes([label for _, label, _ in lanes], width, 0.4)
    for part in disk.parts:
        axes.axvspan(part.left, part.right, color=COLOURS["field"], linewidth=0)
    for index, (name, _, colour) in enumerate(lanes):
        spans = [(start, end - start) for start, end in disk.lanes[name]]
        axes.broken_barh(spans, (index - _BAR / 2, _BAR), color=COLOURS[colour], linewidth=0)
    axes.set_xlim(0, 1)
    axes.set_xticks([])
    floor = len(lanes) - 0.5
    for part in disk.parts:
        # A part that is too narrow for its label goes without: the table has it.
        label = f"{part.start:#x}"
        if (part.right - part.left) * (width - _NAMES) > _DIGIT * (len(label) + 1):
            axes.text(part.left, floor + 0.3, label, va="top", color=COLOURS["muted"])
    for one, two in zip(disk.parts, disk.parts[1:]):
        middle = (one.right + two.left) / 2
        axes.text(middle, floor + 0.08, "//", ha="center", va="center", color=COLOURS["muted"])
    return figure


def timeline_plot(timeline: Timeline, loads: Sequence[int], width: float, name: str) -> str:
    """A bar for each call, or for each run of calls, on its callback's lane; findings are marked above it,
    failures on it. ``loads``: numbers of calls before which a copy was loaded."""
    return picture(lambda: _timeline(timeline, loads, width), name)


def _timeline(timeline: Timeline, loads: Sequence[int], width: float) -> "Figure":
    figure, axes = _lanes([lane.name for lane in timeline.lanes], width, 0.62)
    single = timeline.grain == 1 and timeline.end - timeline.start <= 120
    for index, lane in enumerate(timeline.lanes):
        spans: List[Tuple[float, float]] = [(start - 0.5, end - start) for start, end in lane.spans]
        if single:
            spans = [(at - 0.4, 0.8) for start, end in lane.spans for at in range(start, end)]
        colour = COLOURS[_COLOUR_OF.get(lane.name, "muted")]
        axes.broken_barh(spans, (index - _BAR / 2, _BAR), color=colour, linewidth=0)
        middle = (timeline.grain - 1) / 2
        for marker, mark, places in (
            ("x", "paper", lane.errors),
            ("s", "paper", lane.unreturned),
            ("v", "bad", lane.findings),
        ):
            axes.plot(
                [at + middle for at in places],
                [index - (0.38 if marker == "v" else 0)] * len(places),
                marker,
                color=COLOURS[mark],
                markersize=6,
                markeredgewidth=1.6 if marker == "x" else 0,
                clip_on=False,
            )
    for at in loads:
        axes.axvline(at - 0.5, color=COLOURS["muted"], linewidth=0.9, linestyle=(0, (3, 2)))
    axes.set_xlim(timeline.start - 0.5, timeline.end - 0.5)
    axes.locator_params(axis="x", integer=True, nbins=10 if width >= WIDE else 5)
    axes.tick_params(axis="x", length=3, color=COLOURS["muted"], labelcolor=COLOURS["muted"])
    axes.set_xlabel("call number", color=COLOURS["muted"])
    return figure


def entropy_plot(samples: Mapping[str, Sequence[Pair]], width: float, name: str) -> str:
    """For each callback: page by page while there are few, else how many pages have which entropy."""
    return picture(lambda: _entropy(samples, width), name)


def _entropy(samples: Mapping[str, Sequence[Pair]], width: float) -> "Figure":
    shown = [(name, pairs) for name, pairs in samples.items() if pairs]
    rows = 1 if width >= WIDE else len(shown)
    figure = _figure(width, 2.7 * rows, layout="constrained")
    grid = figure.subplots(rows, len(shown) // rows, squeeze=False)
    for axes, (name, pairs) in zip(grid.flat, shown):
        if len(pairs) <= _MAX_DUMBBELLS:
            _dumbbells(axes, pairs)
        else:
            _distribution(axes, pairs)
        axes.set_title(name, loc="left", color=COLOURS["ink"], fontsize=10)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        for side in ("left", "bottom"):
            axes.spines[side].set_color(COLOURS["line"])
        axes.tick_params(color=COLOURS["line"], labelcolor=COLOURS["muted"], length=3)
    return figure


def _dumbbells(axes: "Axes", pairs: Sequence[Pair]) -> None:
    at = range(len(pairs))
    before, after = [pair.before for pair in pairs], [pair.after for pair in pairs]
    axes.vlines(at, before, after, color=COLOURS["line"], linewidth=1.5)
    axes.plot(
        at, before, "o", color=COLOURS["unwritten"], markerfacecolor="none", markersize=6, label="before"
    )
    axes.plot(at, after, "D", color=COLOURS["written"], markersize=3.6, label="after")
    axes.set_ylim(-0.3, 8.3)
    axes.set_yticks([0, 2, 4, 6, 8])
    axes.set_xlim(-0.6, len(pairs) - 0.4)
    axes.locator_params(axis="x", integer=True, nbins=6)
    axes.set_ylabel("bits per byte", color=COLOURS["muted"])
    axes.set_xlabel("page, in the order of calls", color=COLOURS["muted"])
    _legend(axes)


def _distribution(axes: "Axes", pairs: Sequence[Pair]) -> None:
    for label, colour, values, filled in (
        ("after", "written", [pair.after for pair in pairs], True),
        ("before", "unwritten", [pair.before for pair in pairs], False),
    ):
        counts = list(_counts(values))
        edges = [8 * bin_ / _BINS for bin_ in range(_BINS + 1)]
        axes.stairs(counts, edges, color=COLOURS[colour], fill=filled, linewidth=1.6, label=label)
    axes.set_xlim(-0.1, 8.1)
    axes.set_xticks([0, 2, 4, 6, 8])
    axes.set_xlabel("bits per byte", color=COLOURS["muted"])
    axes.set_ylabel("pages of the sample", color=COLOURS["muted"])
    _legend(axes)


def _counts(values: Sequence[float]) -> Iterator[int]:
    bins = [min(_BINS - 1, int(value / 8 * _BINS)) for value in values]
    return (bins.count(index) for index in range(_BINS))


def _legend(axes: "Axes") -> None:
    axes.legend(
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=2,
        frameon=False,
        labelcolor=COLOURS["muted"],
        borderaxespad=0.2,
        handletextpad=0.4,
        columnspacing=1.2,
    )


def _figure(width: float, height: float, layout: "Optional[Literal['constrained']]" = None) -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout=layout)


def _lanes(labels: Sequence[str], width: float, below: float) -> "Tuple[Figure, Axes]":
    """Axes with one named lane for each label, the first on top."""
    height = _LANE * len(labels) + below
    figure = _figure(width, height)
    left = _NAMES / width
    axes = figure.add_axes((left, (below - 0.08) / height, 0.985 - left, _LANE * len(labels) / height))
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.set_yticks(range(len(labels)), labels)
    axes.tick_params(axis="y", length=0, labelcolor=COLOURS["ink"])
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.hlines(
        [index + 0.5 for index in range(len(labels) - 1)],
        0,
        1,
        transform=axes.get_yaxis_transform(),
        color=COLOURS["line"],
        linewidth=0.6,
    )
    return figure, axes
