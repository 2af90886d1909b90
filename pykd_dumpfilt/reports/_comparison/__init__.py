"""What findings are about, as bytes beside each other: for every format that shows them."""

from .comparison import Comparison
from .comparisons import comparisons, shows_bytes
from .hexdump import Elision, Row
from .lines import comparison_lines

__all__ = ["Comparison", "Elision", "Row", "comparison_lines", "comparisons", "shows_bytes"]
