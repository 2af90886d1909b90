"""Windows CPython with pykd and Microsoft's DbgEng, put together for Wine.

pykd's wheel brings DbgEng; the panda3d wheel brings python39.dll and the extension modules (it ships them
for its deploy tool); the pure-Python library is that of any CPython 3.9 of this system; python.exe is five
lines of C. So for every other version in windows/requirements-*.txt: these hold releases and hashes, and
pip checks them.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Callable, Dict, Iterator, List, Optional

from .cache import make_once
from .errors import LabError, LabUnavailableError
from .toolchain import find_compiler
from .wine import windows_path

__all__ = [
    "PYTHONS",
    "PYTHONS_WITH_PYKD",
    "HostPython",
    "WindowsPython",
    "download",
    "find_host_python",
    "requirements",
    "windows_python",
]

PYTHONS_WITH_PYKD = ("3.8", "3.9")
PYTHONS = (*PYTHONS_WITH_PYKD, "3.11")
"""The last one is too new for pykd."""

_SOURCES = Path(__file__).parent / "windows"
_RECIPE = "3"  # to be raised when what is made of the same parts changes

_UNUSED = (
    *("test", "tests", "idlelib", "tkinter", "turtledemo", "lib2to3", "ensurepip", "pydoc_data", "venv"),
    *("distutils", "site-packages", "dist-packages", "lib-dynload", "__pycache__", "config-*"),
)
_MAX_WHEEL_FILE = 128 << 20

_ASK = (
    "import json, sys, sysconfig; "
    "print(json.dumps([list(sys.version_info[:3]), sys.implementation.name, sysconfig.get_path('stdlib')]))"
)

Progress = Callable[[str], None]


@dataclass(frozen=True)
class HostPython:
    """A CPython of this system: the interpreter, its version, its standard library."""

    program: Path
    version: str
    library: Path


@dataclass(frozen=True)
class WindowsPython:
    """The assembled interpreter; ``home`` is its PYTHONHOME as Windows spells it."""

    program: Path
    home: str


def requirements(version: str) -> Path:
    """The file that pins what the Windows Python of a version, as "3.9", is made of."""
    return _SOURCES / f"requirements-{version}.txt"


def find_host_python(version: str) -> HostPython:
    """The CPython of a version, as "3.9", whose library we copy.

    Raises:
        LabUnavailableError: there is none that runs.
    """
    variable = f"DUMPFILT_PYTHON{_digits(version)}"
    given = os.environ.get(variable)
    if given:
        found = _ask(Path(given).expanduser(), version)
        if found is None:
            raise LabUnavailableError(f"{variable}={given} is not a CPython {version} that runs")
        return found
    for candidate in _candidates(version):
        found = _ask(candidate, version)
        if found is not None:
            return found
    raise LabUnavailableError(f"no CPython {version} found")


def windows_python(version: str, progress: Progress) -> WindowsPython:
    """The cache's interpreter, assembled where missing.

    Args:
        version: one of ``PYTHONS``.
        progress: called with a line for people at each step that takes long.

    Raises:
        LabUnavailableError: a tool is missing.
        LabError: a download or the compiler failed.
    """
    if version not in PYTHONS:
        raise LabError(f"there is no Windows Python {version} to be had here, only {', '.join(PYTHONS)}")
    host = find_host_python(version)
    compiler = find_compiler()
    library = f"python{_digits(version)}.dll"
    parts = [_RECIPE, host.version, requirements(version).read_text()]
    parts += [(_SOURCES / name).read_text() for name in ("mscoree.c", "python_launcher.c")]
    key = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]

    def build(folder: Path) -> None:
        downloads = folder / "downloads"
        progress(f"downloading {library}, construct and, where there is one, pykd (about 75 MB)")
        wheels = download(downloads, version, requirements(version))
        progress(f"unpacking, with the library of {host.program}")
        _copy_library(host, folder / "Lib")
        packages = folder / "Lib" / "site-packages"
        packages.mkdir()
        _unpack(wheels.pop("panda3d"), lambda name: _runtime_place(folder, name))
        for wheel in wheels.values():
            _unpack(wheel, lambda name: packages / name)
        shutil.rmtree(str(downloads))
        progress("compiling python.exe, mscoree.dll and the library")
        for arguments in (
            [
                "-municode",
                "-O1",
                "python_launcher.c",
                str(folder / library),
                "-o",
                str(folder / "python.exe"),
            ],
            ["-shared", "-O1", "mscoree.c", "-o", str(folder / "mscoree.dll")],
        ):
            _run([str(compiler), *arguments], _SOURCES)
        # Byte code that is not compared with its source: Wine is slow at looking for files.
        _run(
            [
                str(host.program),
                "-I",
                "-m",
                "compileall",
                "-q",
                "--invalidation-mode",
                "unchecked-hash",
                "Lib",
            ],
            folder,
        )

    home = make_once(f"python-{key}", build)
    return WindowsPython(home / "python.exe", windows_path(home))


def _digits(version: str) -> str:
    return version.replace(".", "")


def _candidates(version: str) -> Iterator[Path]:
    on_path = shutil.which(f"python{version}")
    if on_path:
        yield Path(on_path)
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    # Newest first, by number: 3.9.18 before 3.9.7.
    versions = sorted(root.joinpath("versions").glob(f"{version}.*"), key=_numbers, reverse=True)
    yield from (folder / "bin" / f"python{version}" for folder in versions)


def _numbers(folder: Path) -> List[int]:
    return [int(number) for number in re.findall(r"\d+", folder.name)]


def _ask(program: Path, wanted: str) -> Optional[HostPython]:
    # A pyenv shim may be on PATH and refuse to run, so being there proves nothing.
    try:
        done = subprocess.run(
            [str(program), "-I", "-S", "-c", _ASK], capture_output=True, text=True, timeout=60, check=True
        )
        version, implementation, library = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    if ".".join(map(str, version[:2])) != wanted or implementation != "cpython":
        return None
    if not Path(library, "os.py").is_file():
        return None
    return HostPython(program, ".".join(map(str, version)), Path(library))


def download(folder: Path, version: str, pinned: Path) -> Dict[str, Path]:
    """The wheels that the file ``pinned`` names, for Windows CPython of a version, by name, each with the
    SHA-256 that stands there.

    Raises:
        LabError: one cannot be had, or is another file; the message says which.
    """
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"),
        *("--require-hashes", "--only-binary=:all:", "--platform", "win_amd64", "--implementation", "cp"),
        *("--python-version", _digits(version), "--dest", str(folder), "--requirement", str(pinned)),
    ]
    try:
        _run(command, pinned.parent)
    except LabError as error:
        if "DO NOT MATCH THE HASHES" not in str(error):
            raise
        raise LabError(
            f"a download is not the file that {pinned} pins by SHA-256, and nothing of it was used. "
            "It may be broken, or something between here and the package index has put another in its place. "
            "Try once more without what pip has kept: python -m pip cache purge. If it is the same again, "
            f"find out who changed the file, and do not change the hash to fit. {error}"
        ) from error
    return {path.name.split("-")[0]: path for path in folder.glob("*.whl")}


def _copy_library(host: HostPython, target: Path) -> None:
    shutil.copytree(str(host.library), str(target), ignore=shutil.ignore_patterns(*_UNUSED, "*.so", "*.a"))


def _runtime_place(folder: Path, name: str) -> Optional[Path]:
    path = PurePosixPath(name)
    # Wine has its own api-ms-win-crt-*.dll, and these do not work with it.
    if path.parent.name != "deploy_libs" or path.name.startswith("api-ms-"):
        return None
    if path.suffix == ".pyd":
        return folder / "DLLs" / path.name
    return folder / path.name if path.suffix == ".dll" else None


def _unpack(wheel: Path, place: Callable[[str], Optional[Path]]) -> None:
    with zipfile.ZipFile(str(wheel)) as archive:
        for entry in archive.infolist():
            target = place(entry.filename)
            if entry.is_dir() or target is None:
                continue
            if ".." in PurePosixPath(entry.filename).parts or entry.file_size > _MAX_WHEEL_FILE:
                raise LabError(f"{wheel.name} holds an entry that does not belong in it: {entry.filename}")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.read(entry))


def _run(command: List[str], folder: Path) -> None:
    done = subprocess.run(
        command, cwd=str(folder), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        what = " ".join(command[:4])
        raise LabError(
            f"{what} ... failed ({done.returncode}): {(done.stderr or done.stdout).strip()[-2000:]}"
        )
