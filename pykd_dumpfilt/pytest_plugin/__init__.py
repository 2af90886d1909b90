"""The pytest plugin: recordings as tests. See docs/pytest.md.

Every run of pytest in an environment that has this package loads this module, so it imports nothing of the
package's but names of options; the rest comes when a run asks for recordings.
"""

from typing import TYPE_CHECKING, Iterator

import pytest

from ._options import add_options, asks_for_recordings, names_a_recording

if TYPE_CHECKING:
    from pathlib import Path

    from ..checking import CheckResult
    from ..decoded import DecodedRecording

__all__ = ["DumpfiltWarning"]

_MARKER = (
    "dumpfilt(pattern, ...): run the test once for each recording that a pattern matches "
    '("recordings/*.dumpfilt", relative to rootdir); its fixture "recording" opens it.'
)


class DumpfiltWarning(pytest.PytestWarning):
    """Something about a recording that fails no test."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """--dumpfilt and its companions."""
    add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register the marker; where recordings are asked for, set to work."""
    config.addinivalue_line("markers", _MARKER)
    if asks_for_recordings(config) or any(map(names_a_recording, config.args)):
        from ._collection import RecordingTests

        config.pluginmanager.register(RecordingTests(config), "dumpfilt-recordings")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each recording, where a test asks for one."""
    if "dumpfilt_path" in metafunc.fixturenames:
        from ._fixtures import parametrize

        parametrize(metafunc)


@pytest.fixture
def dumpfilt_path(request: pytest.FixtureRequest) -> "Path":
    """Path of a recording: of those that the test's marker dumpfilt names, else of those of --dumpfilt."""
    from ._fixtures import path_of

    return path_of(request)


@pytest.fixture
def recording(dumpfilt_path: "Path", pytestconfig: pytest.Config) -> "Iterator[DecodedRecording]":
    """An open pykd_dumpfilt.DecodedRecording: recording.calls("Dump_Read") gives decoded calls.

    The test runs once for each recording that its marker names: @pytest.mark.dumpfilt("runs/*.dumpfilt");
    without a marker, for each of --dumpfilt. One that is not whole fails it, but for --dumpfilt-lenient.
    """
    from ._fixtures import opened

    with opened(dumpfilt_path, pytestconfig) as found:
        yield found


@pytest.fixture
def dumpfilt_result(dumpfilt_path: "Path", pytestconfig: pytest.Config) -> "CheckResult":
    """What all rules say of the recording (pykd_dumpfilt.CheckResult); it is judged once in a run."""
    from ._fixtures import judged

    return judged(dumpfilt_path, pytestconfig)
