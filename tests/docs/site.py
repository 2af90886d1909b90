"""Building the documentation, as tests need it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

__all__ = ["build"]

ROOT = Path(__file__).resolve().parents[2]


def build(folder: Path) -> str:
    """Build the site into a folder; gives what was said meanwhile. Without mkdocs the test is skipped."""
    # Beside this Python first: the virtual environment's own, not another project's.
    program = shutil.which("mkdocs", path=str(Path(sys.executable).parent)) or shutil.which("mkdocs")
    if program is None:
        pytest.skip("mkdocs is missing: pip install -e '.[docs]' with Python 3.11 or later")
    done = subprocess.run(
        [program, "build", "--strict", "--site-dir", str(folder)],
        cwd=str(ROOT),
        # mkdocs-material tells of its successor, unless it is told not to.
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
