"""Filters of the lab that break what is told by bytes; all of them are in tests/live."""

from pathlib import Path

import pytest

from ..lab.errors import LabUnavailableError
from ..lab.proof import SCENARIOS, broken_rule
from ..lab.toolchain import find_compiler
from .faulty_filters import judged_before_and_after
from .scripts import evidence

pytest.importorskip("unicorn")
try:
    find_compiler()
except LabUnavailableError as missing:
    pytest.skip(str(missing), allow_module_level=True)


@pytest.mark.parametrize(
    "name",
    [
        "clears_the_rest_of_the_page",
        "decrypts_once_only",
        "last_pfn_off_by_one",
        "leaves_zeros_plain",
        "loses_xmm6_in_whole_pages",
        "maps_another_page",
        "marks_the_page_before_the_source",
        "spoils_a_page_border",
    ],
)
def test_the_fault_is_found_in_the_same_place(name: str, tmp_path: Path) -> None:
    rule = broken_rule(f"faulty/{name}")
    before, after = judged_before_and_after(f"faulty/{name}", SCENARIOS[0], tmp_path)
    assert evidence(after) == evidence(before)
    assert rule in {one.rule for one in after.result.findings}
