"""What ``import pykd_dumpfilt`` gives, and when."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import pykd_dumpfilt

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("name", pykd_dumpfilt.__all__)
def test_every_name_is_there_and_documented(name: str) -> None:
    value = getattr(pykd_dumpfilt, name)
    if name != "__version__":
        assert inspect.getdoc(value)


def test_what_type_checkers_see_is_what_is_given() -> None:
    tree = ast.parse((ROOT / "pykd_dumpfilt" / "__init__.py").read_text())
    seen = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level
        for alias in node.names
    }
    assert seen == set(pykd_dumpfilt.__all__) - {"__version__"}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing_of_ours'"):
        getattr(pykd_dumpfilt, "nothing_of_ours")  # noqa: B009


def test_nothing_is_imported_before_it_is_used() -> None:
    program = (
        "import sys, pykd_dumpfilt\n"
        "assert 'construct' not in sys.modules\n"
        "assert 'check' in dir(pykd_dumpfilt)\n"
        "print(sorted(name for name in sys.modules if name.startswith('pykd_dumpfilt')))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=str(ROOT), capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("['pykd_dumpfilt']\n", "")


def test_from_a_recording_to_a_report() -> None:
    result = pykd_dumpfilt.check(ROOT / "fixtures" / "forgets_last_sector.dumpfilt")
    assert result.verdict is pykd_dumpfilt.Verdict.FAIL
    assert "DF-TRIP-001: 5 findings" in pykd_dumpfilt.render(result)
    assert pykd_dumpfilt.render(pykd_dumpfilt.Report((result,)), "json").startswith("{")
    with pytest.raises(pykd_dumpfilt.UsageError, match=r"no format 'pdf', but text, json, junit"):
        pykd_dumpfilt.render(result, "pdf")
