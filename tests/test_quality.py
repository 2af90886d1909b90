"""The tools that keep the source honest, as tests: one command runs everything."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import List

import pytest

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.quality


def run(module: str, *arguments: str) -> None:
    command: List[str] = [sys.executable, "-m", module, *arguments]
    probe = subprocess.run([sys.executable, "-m", module, "--version"], capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip(f"{module} is missing: pip install -e '.[dev]'")
    done = subprocess.run(command, cwd=str(ROOT), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_types() -> None:
    run("mypy")


def test_lint() -> None:
    run("ruff", "check", ".")


def test_format() -> None:
    run("ruff", "format", "--check", ".")


def test_python_3_8_is_the_floor() -> None:
    run("vermin", "--quiet", "--target=3.8-", "--violations", "--no-parse-comments", "pykd_dumpfilt", "tests")


def test_only_one_module_imports_pykd() -> None:
    importers = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "pykd_dumpfilt").rglob("*.py")
        if any(
            line.strip().startswith(("import pykd", "from pykd import", "from pykd."))
            for line in path.read_text().splitlines()
        )
    ]
    assert importers == ["pykd_dumpfilt/debugger/pykd_debugger.py"]


def test_the_core_needs_construct_alone(tmp_path: Path) -> None:
    """What runs inside WinDbg must import where nothing but construct is installed."""
    import construct

    library = tmp_path / "site"
    shutil.copytree(str(Path(construct.__file__).parent), str(library / "construct"))
    program = (
        "import pykd_dumpfilt.cli, pykd_dumpfilt.checking, pykd_dumpfilt.trace, sys;"
        "code = pykd_dumpfilt.cli.main(['check', sys.argv[1], '--format', 'json']);"
        "sys.exit(code)"
    )
    fixture = sorted((ROOT / "fixtures").glob("*.dumpfilt"))[0]
    done = subprocess.run(
        # -S: no site-packages; -E: no environment.
        [
            sys.executable,
            "-S",
            "-E",
            "-c",
            f"import sys; sys.path[:0] = {[str(ROOT), str(library)]!r}; " + program,
            str(fixture),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1, 3), done.stderr
