"""``python -m tests.lab``, as its users type it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import List

import pytest

from pykd_dumpfilt.checking import check

from ..lab.__main__ import main
from ..lab.processes import live_processes
from ..lab.session import ROOT
from ..lab.toolchain import build_filter

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("lab")]


def lab_command(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "tests.lab", *arguments],
        cwd=str(ROOT),
        env=dict(os.environ, **environment),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_record(tmp_path: Path) -> None:
    output = tmp_path / "run"
    done = lab_command("record", "aes_xts", "-o", str(output), "--calls", "2", "--pages", "1", "--seed", "5")
    assert (done.returncode, done.stderr) == (0, "")
    recording = tmp_path / "run.dumpfilt"
    assert done.stdout.startswith(f"{recording}: recorded by pykd in ")
    assert done.stdout.endswith(" KD packets, nothing left behind\n")
    assert check(recording).verdict.value == "pass"
    # A recording holds a machine's memory.
    assert recording.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in recording.iterdir()} == {0o600}

    again = lab_command("record", "aes_xts", "-o", str(output), "--calls", "2")
    assert again.returncode == 2
    assert again.stderr == f"error: {recording} exists: give another name, or remove it\n"


def test_a_file_of_one_s_own(tmp_path: Path) -> None:
    driver = tmp_path / "my-filter.sys"
    driver.write_bytes(build_filter("forgets_last_sector").read_bytes())
    arguments = ("record", str(driver), "-o", str(tmp_path / "run.dumpfilt"), "--calls", "1", "--pages", "1")
    done = lab_command(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert check(tmp_path / "run.dumpfilt").verdict.value == "fail"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["record", "nosuch", "-o", "x"], "there is no lab filter 'nosuch'"),
        (["record", "nosuch.sys", "-o", "x"], "cannot read nosuch.sys"),
        (["record", "aes_xts", "-o", "/nonexistent/x"], "there is no folder /nonexistent"),
        (["record", "aes_xts", "-o", "x", "--calls", "0"], "calls is 0"),
    ],
)
def test_errors_say_what_to_do(
    arguments: List[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith(f"error: {message}")


def test_setup_and_filters(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["setup"]) == 0
    assert "ready after" in capsys.readouterr().out
    assert main(["filters"]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert {"aes_xts", "forgets_last_sector", "no_symbols", "pass_through", "write_only"} <= set(names)


def recording_that_lasts(folder: Path, mark: str, output: int) -> "subprocess.Popen[bytes]":
    """A ``record`` that has begun to write and is far from its end; its processes bear the mark."""
    command = subprocess.Popen(
        [sys.executable, "-m", "tests.lab", "record", "aes_xts", "-o", str(folder / "run"), "--calls", "500"],
        cwd=str(ROOT),
        env=dict(os.environ, DUMPFILT_TEST_RUN=mark),
        stdout=output,
        stderr=subprocess.STDOUT,
    )
    calls = folder / "run.dumpfilt" / "calls.jsonl"
    deadline = time.monotonic() + 60
    while not calls.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert calls.exists()
    assert len(live_processes("DUMPFILT_TEST_RUN", mark)) > 1
    return command


def test_interrupted_it_leaves_no_process(tmp_path: Path) -> None:
    mark = f"{os.getpid()}-interrupted"
    command = recording_that_lasts(tmp_path, mark, subprocess.PIPE)
    command.send_signal(signal.SIGINT)
    output, _ = command.communicate(timeout=60)
    assert command.returncode == 130, output
    assert live_processes("DUMPFILT_TEST_RUN", mark) == []


def test_killed_it_leaves_no_process(tmp_path: Path) -> None:
    mark = f"{os.getpid()}-killed"
    command = recording_that_lasts(tmp_path, mark, subprocess.DEVNULL)
    command.kill()
    command.wait(10)
    # Wine's server notices that its last program is gone, and goes too, within some seconds.
    deadline = time.monotonic() + 60
    while live_processes("DUMPFILT_TEST_RUN", mark) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert live_processes("DUMPFILT_TEST_RUN", mark) == []
