"""Children that cannot outlive us."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from .processes import end_group, live_processes, start

MARK = "DUMPFILT_TEST_PROCESSES"


def wait_until_gone(value: str) -> bool:
    for _ in range(100):
        if not live_processes(MARK, value):
            return True
        time.sleep(0.05)
    return False


def test_a_child_is_known_by_its_mark_and_ended_with_its_group() -> None:
    value = f"{os.getpid()}-group"
    child = start(["sh", "-c", "sleep 60 & echo ready; wait"], dict(os.environ, **{MARK: value}))
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    assert len(live_processes(MARK, value)) == 2
    assert end_group(child) == -signal.SIGKILL
    child.stdout.close()
    assert wait_until_gone(value)


def test_a_child_that_ends_in_time_is_not_killed() -> None:
    child = start(["sh", "-c", "exit 3"], os.environ)
    assert end_group(child, grace=10) == 3
    assert child.stdout is not None
    child.stdout.close()


def test_a_child_dies_with_a_parent_that_is_killed() -> None:
    value = f"{os.getpid()}-death"
    program = (
        "import os, time\n"
        "from tests.lab.processes import start\n"
        f"start(['sleep', '60'], dict(os.environ, {MARK}={value!r}))\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=str(Path(__file__).resolve().parent.parent.parent),
        stdout=subprocess.PIPE,
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"ready\n"
    for _ in range(100):
        if live_processes(MARK, value):
            break
        time.sleep(0.05)
    else:
        raise AssertionError("the child did not start")
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert wait_until_gone(value)


def test_what_a_child_writes_is_private(tmp_path: Path) -> None:
    child = start(["sh", "-c", 'echo secret > "$0"', tmp_path / "file"], os.environ)
    assert end_group(child, grace=10) == 0
    assert child.stdout is not None
    child.stdout.close()
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
