"""Whatever a filter of the lab does wrong, the scrubbed recording shows it in the same place."""

from pathlib import Path

import pytest

from ..lab.proof import SCENARIOS
from ..lab.toolchain import faulty_names, filter_names
from ..scrubbing.faulty_filters import judged_before_and_after
from ..scrubbing.scripts import evidence

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("compiler")]


@pytest.mark.parametrize("name", [*faulty_names(), *filter_names()])
def test_it_shows_the_same(name: str, tmp_path: Path) -> None:
    for number, scenario in enumerate(SCENARIOS):
        folder = tmp_path / str(number)
        folder.mkdir()
        before, after = judged_before_and_after(name, scenario, folder)
        assert evidence(after) == evidence(before)
