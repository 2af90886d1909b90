"""The timeline of calls: a lane for each callback, by call number."""

from dataclasses import dataclass
from typing import Dict, Iterable, List, Mapping, Tuple

from ...decoded import DecodedCall
from ...recording import CALLBACKS
from .blocks import Blocks

__all__ = ["SEVERAL", "Lane", "Timeline", "TimelineBuilder"]

SEVERAL = "one of several"
"""The lane of calls at an address that serves several callbacks."""

_MAX_COLUMNS = 512
_NAMES = (*CALLBACKS, SEVERAL)
_KINDS = ("calls", "errors", "unreturned")


@dataclass(frozen=True)
class Lane:
    """One callback's calls.

    Attributes:
        spans: call numbers, start and end, in which there is at least one call.
        errors, unreturned, findings: the first call number of each column that has any.
        calls, error_count, unreturned_count, finding_count: in all.
    """

    name: str
    spans: Tuple[Tuple[int, int], ...]
    errors: Tuple[int, ...]
    unreturned: Tuple[int, ...]
    findings: Tuple[int, ...]
    calls: int
    error_count: int
    unreturned_count: int
    finding_count: int


@dataclass(frozen=True)
class Timeline:
    """``start`` to ``end``: call numbers; ``grain``: how many of them one column stands for."""

    start: int
    end: int
    grain: int
    lanes: Tuple[Lane, ...]


class TimelineBuilder:
    """Takes calls as they come, in bounded memory."""

    def __init__(self) -> None:
        self._blocks = Blocks(len(_NAMES) * len(_KINDS), 1, _MAX_COLUMNS)

    def add(self, call: DecodedCall) -> None:
        """Take a call."""
        lane = _NAMES.index(call.callback or SEVERAL) * len(_KINDS)
        number = call.number
        self._blocks.add(lane, number, number + 1)
        if call.exit is None:
            self._blocks.add(lane + 2, number, number + 1)
        elif call.status is not None and not call.status.is_success:
            self._blocks.add(lane + 1, number, number + 1)

    def finish(self, findings: Iterable[Tuple[int, str]]) -> Timeline:
        """The timeline; ``findings`` are call numbers and callbacks."""
        grain, amounts = self._blocks.grain, self._blocks.amounts
        blocks = sorted(amounts)
        by_lane: Dict[str, List[int]] = {}
        for number, callback in findings:
            by_lane.setdefault(callback if callback in CALLBACKS else SEVERAL, []).append(number)
        lanes = []
        for index, name in enumerate(_NAMES):
            calls, errors, unreturned = (
                {block: amounts[block][index * len(_KINDS) + kind] for block in blocks}
                for kind in range(len(_KINDS))
            )
            found = by_lane.get(name, [])
            if not any(calls.values()):
                continue
            lanes.append(
                Lane(
                    name,
                    _spans(calls, grain),
                    _places(errors, grain),
                    _places(unreturned, grain),
                    tuple(sorted({number // grain * grain for number in found})),
                    sum(calls.values()),
                    sum(errors.values()),
                    sum(unreturned.values()),
                    len(found),
                )
            )
        if not blocks:
            return Timeline(0, 0, grain, ())
        return Timeline(blocks[0] * grain, (blocks[-1] + 1) * grain, grain, tuple(lanes))


def _spans(amounts: Mapping[int, int], grain: int) -> Tuple[Tuple[int, int], ...]:
    found: List[Tuple[int, int]] = []
    for block, amount in amounts.items():
        if not amount:
            continue
        if found and found[-1][1] == block * grain:
            found[-1] = (found[-1][0], (block + 1) * grain)
        else:
            found.append((block * grain, (block + 1) * grain))
    return tuple(found)


def _places(amounts: Mapping[int, int], grain: int) -> Tuple[int, ...]:
    return tuple(block * grain for block, amount in amounts.items() if amount)
