"""Places that cannot be written to, for real: a full file system, a folder of somebody else; and the command
line as a process of its own there."""

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Sequence, Tuple

import pytest

from .emulator.code import ALL_FIVE, SUCCESS
from .emulator.pe_writer import dump_filter

__all__ = ["POSIX", "ROOT", "finished", "forbidden_folder", "image", "small_file_system"]

ROOT = Path(__file__).resolve().parent.parent
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX")
_NOBODY = 65534


def image() -> bytes:
    """A filter that looks on, and passes."""
    return dump_filter({**ALL_FIVE, "Dump_Write": SUCCESS, "Dump_Read": SUCCESS}, major=2).image()


def finished(arguments: Sequence[str], program: str = "") -> Tuple[int, str, str]:
    """Exit code, output and errors of ``dumpfilt ARGUMENTS``; ``program`` is Python that runs in its process
    before it."""
    command = [sys.executable, "-m", "pykd_dumpfilt", *arguments]
    if program:
        run = (
            f"{program}; import runpy; runpy.run_module('pykd_dumpfilt', run_name='__main__', alter_sys=True)"
        )
        command = [sys.executable, "-c", run, *arguments]
    done = subprocess.run(command, cwd=str(ROOT), capture_output=True, text=True, check=False, timeout=300)
    return done.returncode, done.stdout, done.stderr


@contextmanager
def small_file_system() -> Iterator[Path]:
    """A file system of 256 KiB; skips where this user may not mount one."""
    folder = Path(tempfile.mkdtemp(prefix="dumpfilt-small-"))
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if mount is None or subprocess.run([mount, *options], capture_output=True, check=False).returncode:
        folder.rmdir()
        pytest.skip("this user may not mount a small file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()


@contextmanager
def forbidden_folder() -> Iterator[Path]:
    """A folder that this process may look into and not write to, with a driver ``probe.sys``, a recording
    ``aes_xts.dumpfilt`` and an old report ``old.json``. Root is nobody meanwhile."""
    folder = Path(tempfile.mkdtemp(prefix="dumpfilt-forbidden-"))
    (folder / "probe.sys").write_bytes(image())
    (folder / "old.json").write_text("old")
    shutil.copytree(str(ROOT / "fixtures" / "aes_xts.dumpfilt"), str(folder / "aes_xts.dumpfilt"))
    for one in folder.rglob("*"):
        one.chmod(0o755 if one.is_dir() else 0o644)
    folder.chmod(0o555)
    root = os.getuid() == 0
    if root:
        # What is imported later may lie where nobody may read.
        import pykd_dumpfilt.emulator  # noqa: F401

        os.setresuid(_NOBODY, _NOBODY, 0)
    try:
        yield folder
    finally:
        if root:
            os.setresuid(0, 0, 0)
        folder.chmod(0o755)
        shutil.rmtree(str(folder))
