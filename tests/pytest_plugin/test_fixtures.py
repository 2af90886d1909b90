"""The marker and the fixtures, for tests of one's own."""

import textwrap
from pathlib import Path

import pytest

from ..reports.examples import failing, write
from .conftest import Run, ids, outcomes
from .test_outcomes import cut, from_the_future, rules

GOOD = "recordings/good.dumpfilt"
BAD = "recordings/bad.dumpfilt"


def written(folder: Path, text: str, name: str = "test_it.py") -> None:
    (folder / name).write_text(textwrap.dedent(text))


def test_a_marker(run: Run, project: Path) -> None:
    written(
        project,
        """
        import pytest

        @pytest.mark.dumpfilt("recordings/*.dumpfilt")
        def test_it(recording):
            (read,) = recording.calls("Dump_Read")
            assert read.mdl.byte_count == 4608
            assert read.filter_extension.dump_type == 2
            assert read.exit.buffer.endswith(read.exit.buffer[-512:])
            assert not read.exit.buffer.endswith(b"\\xcc" * 512), read
        """,
    )
    result = run("-v", "--strict-markers")
    assert outcomes(result) == {
        f"test_it.py::test_it[{BAD}]": "FAILED",
        f"test_it.py::test_it[{GOOD}]": "PASSED",
    }
    assert "<DecodedCall: call 1 (Dump_Read)>" in result.stdout.str()
    assert ids(run("--co", "-q", "-k", "good")) == [f"test_it.py::test_it[{GOOD}]"]
    assert ids(run("--co", "-q", f"test_it.py::test_it[{BAD}]")) == [f"test_it.py::test_it[{BAD}]"]
    # The option does not change what a marker names.
    assert len(ids(run("--co", "-q", "--dumpfilt", GOOD, "-k", "test_it"))) == 2


def test_the_nearest_marker(run: Run, project: Path) -> None:
    (project / "more" / "below").mkdir(parents=True)
    write(project / "more" / "below" / "other", failing())
    written(
        project,
        """
        import pytest

        pytestmark = pytest.mark.dumpfilt("recordings/good.*")

        def test_all(recording):
            pass

        @pytest.mark.dumpfilt("more/**/*.dumpfilt", "recordings/b*")
        @pytest.mark.dumpfilt("recordings/bad.dumpfilt")
        def test_some(dumpfilt_path):
            assert dumpfilt_path.is_dir()

        def test_none():
            pass
        """,
    )
    assert ids(run("--co", "-q")) == [
        f"test_it.py::test_all[{GOOD}]",
        "test_it.py::test_some[more/below/other.dumpfilt]",
        f"test_it.py::test_some[{BAD}]",
        "test_it.py::test_none",
    ]


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ('"nothing/*.dumpfilt"', r"pytest.mark.dumpfilt('nothing/*.dumpfilt'): no recording matches in "),
        ('"test_it.py"', "pytest.mark.dumpfilt('test_it.py'): no recording matches in "),
        ("7", "pytest.mark.dumpfilt takes patterns such as 'recordings/*.dumpfilt', not 7"),
    ],
)
def test_a_marker_that_names_nothing(run: Run, project: Path, marker: str, message: str) -> None:
    written(
        project,
        f"import pytest\n\n@pytest.mark.dumpfilt({marker})\ndef test_it(recording):\n    pass\n",
    )
    result = run()
    result.assert_outcomes(errors=1)
    assert message in result.stdout.str()
    assert "Traceback" not in result.stdout.str()


def test_without_a_marker(run: Run, project: Path) -> None:
    written(project, "def test_it(recording):\n    assert recording.filter == 'myfilt'\n")
    result = run("-v")
    result.assert_outcomes(errors=1)
    assert "no recording is named for this test: mark it with " in result.stdout.str()
    assert ids(run("--co", "-q", "--dumpfilt", GOOD, "-k", "test_it")) == [f"test_it.py::test_it[{GOOD}]"]
    (project / "pytest.ini").write_text("[pytest]\ndumpfilt =\n    recordings\n")
    assert len(ids(run("--co", "-q", "-k", "test_it"))) == 2
    assert outcomes(run("-v", "test_it.py")) == {
        f"test_it.py::test_it[{BAD}]": "PASSED",
        f"test_it.py::test_it[{GOOD}]": "PASSED",
    }


def test_a_recording_that_is_not_whole(run: Run, project: Path) -> None:
    written(
        project,
        f"""
        import pytest

        pytestmark = pytest.mark.dumpfilt("{GOOD}")

        def test_it(recording):
            assert len(list(recording)) == 2

        def test_result(dumpfilt_result):
            assert dumpfilt_result.verdict.value == "incomplete"
        """,
    )
    cut(project / GOOD)
    result = run()
    result.assert_outcomes(errors=2)
    assert f"{GOOD} is not whole (--dumpfilt-lenient lets that pass):" in result.stdout.str()
    run("--dumpfilt-lenient").assert_outcomes(passed=2)
    from_the_future(project / GOOD)
    result = run("--dumpfilt-lenient")
    result.assert_outcomes(errors=2)
    assert result.stdout.str().count("made by a newer pykd-dumpfilt") >= 2
    assert "Traceback" not in result.stdout.str()


def test_the_result(run: Run, project: Path) -> None:
    written(
        project,
        """
        import pytest

        @pytest.mark.dumpfilt("recordings/bad.dumpfilt")
        def test_it(dumpfilt_result, recording, dumpfilt_path):
            assert dumpfilt_result.verdict.value == "fail"
            assert recording.path == dumpfilt_path
            assert dumpfilt_result.path == "recordings/bad.dumpfilt"
        """,
    )
    run("-v").assert_outcomes(passed=1)


def test_judged_once(run: Run, project: Path) -> None:
    name = rules(project, "print('judged', file=open('log', 'a'))")
    written(
        project,
        f"import pytest\n\n@pytest.mark.dumpfilt('{GOOD}')\ndef test_it(dumpfilt_result):\n    pass\n",
    )
    run("--dumpfilt", "recordings", "--dumpfilt-rules", name)
    assert (project / "log").read_text().splitlines() == ["judged"] * 2


def test_a_fixture_of_the_same_name_is_let_alone(run: Run, project: Path) -> None:
    written(
        project,
        """
        import pytest

        @pytest.fixture
        def recording():
            return "a song"

        def test_it(recording):
            assert recording == "a song"
        """,
    )
    written(
        project,
        """
        import pytest

        @pytest.mark.parametrize("recording", ["one", "two"])
        def test_it(recording):
            assert recording in ("one", "two")
        """,
        "test_other.py",
    )
    run("--dumpfilt", GOOD, "-k", "test_it").assert_outcomes(passed=3, deselected=31)


def test_rules_that_cannot_be_read(run: Run, project: Path) -> None:
    (project / "pytest.ini").write_text("[pytest]\ndumpfilt_rules = none.py\n")
    written(project, f"import pytest\n\n@pytest.mark.dumpfilt('{GOOD}')\ndef test_it(recording):\n    pass\n")
    result = run()
    result.assert_outcomes(errors=1)
    assert "cannot read rules from " in result.stdout.str()
    assert "Traceback" not in result.stdout.str()
