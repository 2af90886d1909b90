"""Handling recordings: packing, summing up, comparing, migrating. What they are given stays as it is."""

from ._compare import Comparison, Difference, compare
from ._migrate import Migrated, migrate
from ._pack import Packed, pack
from ._summary import Summary, sum_up
from ._survey import Facts, Value
from ._volume import Volume

__all__ = [
    "Comparison",
    "Difference",
    "Facts",
    "Migrated",
    "Packed",
    "Summary",
    "Value",
    "Volume",
    "compare",
    "migrate",
    "pack",
    "sum_up",
]
