"""What takes long to make, made once in a test run, whichever of xdist's workers wants it first."""

import os
from pathlib import Path
from typing import Callable

import pytest

from .lab.cache import make_once

__all__ = ["once_in_a_run"]


def once_in_a_run(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], None]) -> Path:
    """The folder that ``build`` fills for all workers of this run; they wait for the one that makes it. What
    ``build`` raises it raises again for the next one who asks."""
    base = factory.getbasetemp()
    # Of a worker the folder around is the run's.
    return make_once(name, build, base.parent if "PYTEST_XDIST_WORKER" in os.environ else base)
