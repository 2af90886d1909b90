"""The programs of :mod:`tests.lab.host`, compiled with mingw-w64: the debugger, and what stands in for pykd's
bootstrapper."""

import hashlib
import subprocess
from pathlib import Path

from .cache import make_once
from .errors import LabError
from .toolchain import compiler_version, find_compiler

__all__ = ["HOST", "build_host"]

HOST = "debugger_host.exe"
"""The debugger's file name."""

_SOURCES = Path(__file__).parent / "windows"
_FLAGS = ("-std=c11", "-O1", "-Wall", "-Wextra", "-Werror")
_PROGRAMS = {
    HOST: ("debugger_host.c", "-lws2_32"),
    "pykd.dll": ("-shared", "pykd_bootstrapper.c"),
}


def build_host() -> Path:
    """The folder with the programs, compiled where it is not there for these sources, flags and compiler.

    Raises:
        LabUnavailableError: no compiler.
        LabError: a source does not compile.
    """
    compiler = find_compiler()
    digest = hashlib.sha256(repr((_FLAGS, _PROGRAMS, compiler_version(compiler))).encode())
    for arguments in _PROGRAMS.values():
        for name in arguments:
            if name.endswith(".c"):
                digest.update((_SOURCES / name).read_bytes())

    def build(folder: Path) -> None:
        for program, arguments in _PROGRAMS.items():
            done = subprocess.run(
                [str(compiler), *_FLAGS, *arguments, "-o", str(folder / program)],
                cwd=str(_SOURCES),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                raise LabError(f"{program} does not compile:\n{done.stderr.strip()}")

    return make_once(f"host-{digest.hexdigest()[:16]}", build)
