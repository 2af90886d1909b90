"""How much happened where, on a line whose length is not known beforehand."""

from typing import Dict, List

__all__ = ["Blocks"]


class Blocks:
    """Amounts by position on several lanes, in blocks of one size. Where there would be more than ``limit``
    blocks, their size doubles: memory stays bounded, and what is lost is resolution.

    Attributes:
        grain: size of a block now, in units of the line.
        amounts: for each block that holds anything (its index is position divided by ``grain``), one amount
            for each lane.
    """

    def __init__(self, lanes: int, grain: int, limit: int) -> None:
        self.grain = grain
        self.amounts: Dict[int, List[int]] = {}
        self._lanes = lanes
        self._limit = limit

    def add(self, lane: int, start: int, end: int) -> None:
        """Add the range ``start <= x < end``; every block gets as much as lies in it."""
        while end - start > self.grain * self._limit:
            self._coarsen()
        while start < end:
            block = start // self.grain
            stop = min(end, (block + 1) * self.grain)
            amounts = self.amounts.get(block)
            if amounts is None:
                amounts = self.amounts[block] = [0] * self._lanes
            amounts[lane] += stop - start
            start = stop
            if len(self.amounts) > self._limit:
                self._coarsen()

    def _coarsen(self) -> None:
        self.grain *= 2
        merged: Dict[int, List[int]] = {}
        for block, amounts in self.amounts.items():
            known = merged.get(block // 2)
            if known is None:
                merged[block // 2] = amounts
            else:
                for lane, amount in enumerate(amounts):
                    known[lane] += amount
        self.amounts = merged
