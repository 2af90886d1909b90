"""What live tests need. Where it is missing they are skipped, and fail with ``DUMPFILT_LIVE=required``."""

import os
from pathlib import Path

import pytest

from ..lab.errors import LabError
from ..lab.session import Lab, prepare
from ..lab.toolchain import find_compiler

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
def lab() -> Lab:
    """Wine, the Windows Python and a prefix; made in the cache when it is empty."""
    try:
        return prepare()
    except LabError as error:
        unavailable(error)
        raise
