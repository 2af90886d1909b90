"""Wine: its programs, the environment that DbgEng needs, and a private prefix for each run.

Making a prefix takes long and 700 MB, so one is made in the cache. A run gets a prefix of its own with the
registry copied and drive C shared: that takes no time, and each has its own wineserver, so that runs at the
same time do not disturb each other.
"""

import contextlib
import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, Iterator, Optional

from .cache import make_once, run_folder
from .errors import LabError, LabUnavailableError

__all__ = ["MARK", "Wine", "find_wine", "prefix_template", "private_prefix", "windows_path"]

MARK = "DUMPFILT_LAB_RUN"
"""Environment variable that names the run, in every process of it."""

_FOLDERS = ("/usr/lib/wine", "/usr/lib64/wine", "/opt/wine-stable/bin")
_REGISTRY = ("system.reg", "user.reg", "userdef.reg", ".update-timestamp")

# dbgeng, dbghelp and symsrv: Microsoft's, from pykd's wheel. mscoree: see windows/mscoree.c. Without Wine's
# service manager and desktop, which no part of DbgEng asks for, a program starts four times as fast.
_OVERRIDES = "mscoree,dbghelp,dbgeng,symsrv=n;services.exe,explorer.exe,winemenubuilder.exe=d"


@dataclass(frozen=True)
class Wine:
    """Wine's 64-bit loader, its server, and which version they are."""

    loader: Path
    server: Path
    version: str


def find_wine() -> Wine:
    """The Wine of this machine.

    Raises:
        LabUnavailableError: none that works.
    """
    loader = _find("wine64") or _find("wine")
    server = _find("wineserver") or _find("wineserver64")
    if loader is None or server is None:
        raise LabUnavailableError(f"no {'wine64' if loader is None else 'wineserver'} found")
    try:
        done = subprocess.run(
            [str(loader), "--version"],
            env=dict(os.environ, WINEDEBUG="-all"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise LabUnavailableError(f"{loader} does not run ({error})") from error
    return Wine(loader, server, done.stdout.strip())


def windows_path(path: Path) -> str:
    """How a path of this system is spelled under Wine."""
    return "Z:" + str(path.absolute()).replace("/", "\\")


def prefix_template(wine: Wine, progress: Callable[[str], None]) -> Path:
    """The cache's Wine prefix, made where missing. Nothing runs in it."""
    key = hashlib.sha256(f"2 {wine.version}".encode()).hexdigest()[:12]

    def build(folder: Path) -> None:
        progress(f"making a prefix for {wine.version}: about a minute")
        environment = _environment(folder, "mscoree,mshtml,winemenubuilder.exe=d")
        try:
            # The output goes nowhere: Wine's services would hold a pipe open after wineboot is done.
            subprocess.run(
                [str(wine.loader), "wineboot", "-i"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=600,
                check=True,
            )
            subprocess.run([str(wine.server), "-w"], env=environment, timeout=120, check=True)
        except (OSError, subprocess.SubprocessError) as error:
            raise LabError(f"wineboot failed ({error}): run it by hand with WINEPREFIX={folder}") from error
        finally:
            _end(wine, environment)
        missing = [name for name in _REGISTRY if not (folder / name).is_file()]
        if missing:
            raise LabError(f"wineboot left no {', '.join(missing)} in {folder}")

    return make_once(f"prefix-{key}", build)


@contextlib.contextmanager
def private_prefix(wine: Wine, template: Path) -> Iterator[Dict[str, str]]:
    """The environment for Wine programs of one run. On leaving, every one of them is ended."""
    with run_folder() as folder:
        environment = _environment(folder, _OVERRIDES)
        try:
            for name in _REGISTRY:
                shutil.copy2(str(template / name), str(folder / name))
            (folder / "drive_c").symlink_to(template / "drive_c")
            (folder / "dosdevices").mkdir()
            (folder / "dosdevices" / "c:").symlink_to("../drive_c")
            (folder / "dosdevices" / "z:").symlink_to("/")
            yield environment
        finally:
            _end(wine, environment)


def _environment(prefix: Path, overrides: str) -> Dict[str, str]:
    environment = {
        name: value
        for name, value in os.environ.items()
        # Neither this Python's settings nor another debugger's symbol path may reach the Windows side.
        if not name.startswith(("PYTHON", "WINE", "_NT_")) and name not in ("DISPLAY", "WAYLAND_DISPLAY")
    }
    environment.update(
        WINEPREFIX=str(prefix),
        WINEARCH="win64",
        LC_ALL="C.UTF-8",
        WINEDEBUG="-all",
        WINEDLLOVERRIDES=overrides,
        **{MARK: prefix.name},
    )
    return environment


def _end(wine: Wine, environment: Dict[str, str]) -> None:
    for option in ("-k", "-w"):
        # -k fails where no server runs: just what is wanted.
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            subprocess.run(
                [str(wine.server), option],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=30,
                check=False,
            )


def _find(name: str) -> Optional[Path]:
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_FOLDERS])
    found = shutil.which(name, path=path)
    return Path(found) if found else None
