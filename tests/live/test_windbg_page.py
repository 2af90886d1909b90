"""docs/windbg.md is what the commands on it say today."""

import pytest

from ..docs.windbg import PAGE, comparable, renew
from ..lab.session import Lab
from .conftest import on_python_3_9

pytestmark = pytest.mark.live


@on_python_3_9
def test_the_page_is_what_is_said_today(lab: Lab) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert comparable(renew(page, lab)) == comparable(page), "renew it: python -m tests.docs windbg"


def test_the_page_comes_to_a_signature() -> None:
    """From an empty prompt to a checklist that is signed, over hibernation and crash."""
    page = PAGE.read_text(encoding="utf-8")
    wanted = (
        "kd> .load pykd.dll",
        " doctor\n",
        " start myfilter",
        "\nPASS ",
        "\nNOT EXERCISED ",
        "| Signature |",
    )
    places = [page.index(one) for one in wanted]
    assert places == sorted(places)
