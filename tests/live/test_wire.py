"""What a call costs on the wire: counts, so they are the same on every machine."""

import pytest

from ..benchmarks.wire import compare
from ..lab.session import Lab

pytestmark = pytest.mark.live


def test_a_call_costs_little_more_than_its_bytes(lab: Lab) -> None:
    """Not a fifth more than two empty callbacks and the buffer in full packets, and half of what a user's
    script takes, with nothing captured less."""
    figures = compare(lab)
    assert figures["calls"] >= 3
    assert figures["packets_per_call"] <= 1.2 * figures["limit"]
    assert figures["packets_per_call"] <= 0.5 * figures["naive"]
    # Both sides of 64 KiB, in replies as long as they can be.
    assert figures["of_these_read_physical_memory"] == 2 * 17
