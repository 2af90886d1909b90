"""Child processes that cannot outlive us: a group of their own, and the kernel's parent-death signal."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, List, Mapping, Optional, Sequence, Union

__all__ = ["end_group", "live_processes", "start"]

# PR_SET_PDEATHSIG is 1 (linux/prctl.h). The child sets it on itself and then becomes the program: a
# preexec_fn would run between fork and exec of a process with threads, which Python warns about. The umask:
# what is made under Wine are recordings, which are private, and Wine knows no other way to say so.
_GUARD = (
    "import ctypes, os, signal, sys; "
    "ctypes.CDLL(None).prctl(1, int(signal.SIGKILL), 0, 0, 0); "
    "os.getppid() == int(sys.argv[1]) or os._exit(1); "
    "os.umask(0o077); "
    "os.execvp(sys.argv[2], sys.argv[2:])"
)


def start(
    command: Sequence[Union[str, Path]],
    environment: Mapping[str, str],
    stdout: Union[int, IO[bytes]] = subprocess.PIPE,
) -> "subprocess.Popen[bytes]":
    """Start a program with nothing on stdin, stdout and stderr in one pipe, in a session of its own.

    It dies with the *thread* that starts it, whatever kills that: start it from one that lasts.
    """
    words: List[str] = [sys.executable, "-I", "-S", "-c", _GUARD, str(os.getpid()), *map(str, command)]
    return subprocess.Popen(
        words,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def end_group(process: "subprocess.Popen[bytes]", grace: float = 0.0) -> int:
    """Kill a process that :func:`start` made, with its group, after ``grace`` seconds to end by itself."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(grace)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait(10)


def live_processes(mark: str, value: str) -> List[int]:
    """Ids of the processes of this user, zombies apart, whose environment has the variable ``mark`` with that
    value: how the lab's processes are known, wherever they have been re-parented to."""
    wanted = f"{mark}={value}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and _is_alive(folder):
            with contextlib.suppress(OSError):
                if wanted in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
    return sorted(found)


def _is_alive(folder: Path) -> bool:
    state: Optional[str] = None
    with contextlib.suppress(OSError, IndexError):
        state = (folder / "stat").read_text(errors="replace").rsplit(")", 1)[1].split()[0]
    return state not in (None, "Z", "X")
