"""The campaigns themselves: short ones, in processes of their own, by the command that runs long ones too."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Set, Tuple

import pytest

from .misbehaving import WAYS

pytest.importorskip("resource", reason="campaigns need POSIX: alarms, forks and limits")

ROOT = Path(__file__).resolve().parents[2]


def fuzz(*arguments: str) -> Tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", *arguments],
        cwd=str(ROOT),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("target", "count", "expected"),
    [
        ("recordings", 300, {"verdict fail", "verdict incomplete", "verdict pass", "RecordingError"}),
        ("zips", 150, {"verdict fail", "verdict incomplete", "RecordingError"}),
        ("images", 40, {"ImageError", "ran, fault: fail", "ran, budget: fail"}),
        ("waivers", 300, {"UsageError", "1 waivers, nothing waived"}),
        ("memory", 60, {"an image, no table", "an image, a table"}),
    ],
)
def test_a_short_campaign(target: str, count: int, expected: Set[str], tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    code, out, err = fuzz(target, "--count", str(count), "--jobs", "2", "--json", "--kept", str(kept))
    assert (code, err.splitlines()[-1].split(",")[0]) == (0, f"{target}: {count} of {count} inputs")
    figures = json.loads(out)
    assert figures["failures"] == []
    assert figures["inputs"] == sum(figures["outcomes"].values()) == count
    assert expected <= set(figures["outcomes"])
    # The slowest input is kept, and is what the number makes again.
    (slowest,) = kept.iterdir()
    number = figures["slowest"][0]["repeat"].split()[-1]
    assert slowest.name.split(".")[0] == f"{target}-seed0-slowest-{number}"
    code, out, _ = fuzz(target, "--input", str(slowest))
    assert code == 0, out
    assert out.startswith(f"{target}: 1 inputs in ")


def test_an_input_is_the_same_again(tmp_path: Path) -> None:
    same = ("waivers", "--count", "40", "--first", "60", "--json", "--kept", str(tmp_path))
    one = [fuzz(*same, "--jobs", jobs) for jobs in ("1", "2")]
    outcomes = [json.loads(out)["outcomes"] for _, out, _ in one]
    assert outcomes[0] == outcomes[1]


def test_help_and_usage() -> None:
    code, out, _ = fuzz("--help")
    assert code == 0
    for word in ("recordings", "images", "waivers", "memory", "atheris", "--count 1000000", "exit codes"):
        assert word in out
    assert fuzz("recordings", "--count", "0")[0] == 2
    code, _, err = fuzz("recordings", "--input", "nowhere")
    assert (code, err) == (2, "error: there is no nowhere\n")


def test_atheris_is_asked_for_by_name() -> None:
    try:
        import atheris  # type: ignore[import-not-found,unused-ignore]  # noqa: F401
    except ImportError:
        code, _, err = fuzz("atheris", "waivers")
        assert code == 2
        assert "python -m pip install atheris" in err


CAMPAIGN = """
import json, sys
from pathlib import Path
from tests.fuzz.campaign import Campaign
from tests.fuzz.misbehaving import Misbehaving

campaign = Campaign(Misbehaving(), 22, jobs=2, kept=Path(sys.argv[1]))
made = [campaign.case(number)[0] for number in range(22)]
figures = campaign.run()
print(json.dumps([made, figures.inputs, figures.outcomes, [
    [made[failure.number], failure.what, Path(failure.kept).read_text()] for failure in figures.failures
]]))
"""


def test_whatever_an_input_does_the_campaign_goes_on(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CAMPAIGN, str(tmp_path)], cwd=str(ROOT), stdout=subprocess.PIPE, check=True
    )
    made, inputs, outcomes, failures = json.loads(done.stdout)
    assert set(made) == set(WAYS)
    whats: Dict[str, str] = {
        "raises": "exception ZeroDivisionError",
        "hangs": "hang",
        "strays": "read outside",
        "hangs outside of Python": "hang",
        "dies": "crash",
        "takes memory": "memory",
    }
    expected: List[Any] = sorted([way, whats[way], way] for way in made if way in whats)
    assert sorted(failures) == expected
    assert inputs == sum(outcomes.values()) == 22
    assert outcomes["fine"] == made.count("behaves")
    assert outcomes["RecordingError"] == made.count("is refused")
