"""What live tests need. Where it is missing they are skipped, and fail with ``DUMPFILT_LIVE=required``."""

import os
from pathlib import Path

import pytest

from ..lab.errors import LabError
from ..lab.session import Lab, prepare
from ..lab.toolchain import find_compiler
from ..lab.windows_python import PYTHONS_WITH_PYKD

on_each_python = pytest.mark.parametrize("lab", PYTHONS_WITH_PYKD, indirect=True)
"""Run a test with each Windows Python that pykd has wheels for."""
on_python_3_9 = pytest.mark.parametrize("lab", ["3.9"], indirect=True)
"""Run it with this one, whichever the others run with."""

REQUIRED = os.environ.get("DUMPFILT_LIVE") == "required"


def unavailable(error: LabError) -> None:
    """Skip, or fail where live tests are required."""
    if REQUIRED:
        pytest.fail(str(error), pytrace=False)
    pytest.skip(str(error))


@pytest.fixture(scope="session")
def compiler() -> Path:
    """mingw-w64's compiler."""
    try:
        return find_compiler()
    except LabError as error:
        unavailable(error)
        raise


@pytest.fixture(scope="session")
def lab(request: pytest.FixtureRequest) -> Lab:
    """Wine, the Windows Python and a prefix; made in the cache when it is empty. The Python is the one
    that the test is parametrized with, or the one that :func:`tests.lab.session.prepare` chooses."""
    try:
        return prepare(python=getattr(request, "param", None))
    except LabError as error:
        unavailable(error)
        raise
