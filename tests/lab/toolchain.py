"""Compiles filters/NAME.c to NAME.sys with mingw-w64, the same bytes each time; filters/faulty/NAME.c too."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import List

from .cache import make_once
from .errors import LabError, LabUnavailableError

__all__ = [
    "FAULTY",
    "FILTERS",
    "build_filter",
    "compiler_version",
    "faulty_names",
    "filter_names",
    "filter_source",
    "find_compiler",
]

FILTERS = Path(__file__).parent / "filters"
"""The sources."""
FAULTY = "faulty"
"""The folder below, and what the names of its filters begin with: ``faulty/NAME``."""

_COMPILER = "x86_64-w64-mingw32-gcc"
_FLAGS = (
    *("-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-fno-builtin", "-fno-ident"),
    # No .pdata: it would need __C_specific_handler and buys nothing here.
    *("-fno-asynchronous-unwind-tables", "-fno-stack-protector", "-mno-red-zone", "-fno-strict-aliasing"),
    # Paths in the image would differ from one checkout to the next.
    "-ffile-prefix-map=.=filters",
    *("-nostdlib", "-shared", "-s", "-Wl,--subsystem,native", "-Wl,--entry,DriverEntry", "-Wl,--dynamicbase"),
    *("-Wl,--image-base,0x140000000", "-Wl,--no-insert-timestamp", "-Wl,--exclude-all-symbols"),
)
_LIBRARIES = ("-lntoskrnl",)
# Only what the sources mark is exported; a filter without marks must not fall back to exporting everything.
_NAME = re.compile(rf"({FAULTY}/)?[a-z][a-z0-9_]{{0,40}}")


def find_compiler() -> Path:
    """mingw-w64's compiler for x64.

    Raises:
        LabUnavailableError: it is not installed.
    """
    found = shutil.which(_COMPILER)
    if found is None:
        raise LabUnavailableError(f"no {_COMPILER} on PATH")
    return Path(found)


def filter_names() -> List[str]:
    """The filters that can be built, but for those that are made to break a rule."""
    return sorted(path.stem for path in FILTERS.glob("*.c"))


def faulty_names() -> List[str]:
    """The filters that are made to break a rule, as "faulty/NAME"."""
    return sorted(f"{FAULTY}/{path.stem}" for path in (FILTERS / FAULTY).glob("*.c"))


def filter_source(name: str) -> Path:
    """The main source of a filter.

    Raises:
        LabError: there is no such filter.
    """
    if not _NAME.fullmatch(name) or not (FILTERS / f"{name}.c").is_file():
        raise LabError(f"there is no lab filter {name!r}: choose one of {', '.join(filter_names())}")
    return FILTERS / f"{name}.c"


def build_filter(name: str) -> Path:
    """NAME.sys in the cache, compiled where it is not there for these sources, flags and compiler.

    ``name`` is one of :func:`filter_names` or of :func:`faulty_names`.

    Raises:
        LabUnavailableError: no compiler.
        LabError: no such filter, or it does not compile.
    """
    source = filter_source(name)
    compiler = find_compiler()
    digest = hashlib.sha256(repr((_FLAGS, _LIBRARIES, compiler_version(compiler))).encode())
    # All sources: which of them includes which is the preprocessor's business.
    for path in sorted([*FILTERS.glob("*.[ch]"), *(FILTERS / FAULTY).glob("*.[ch]")]):
        relative = path.relative_to(FILTERS).as_posix()
        digest.update(f"\n{relative}\n".encode() + path.read_bytes())
    image = f"{source.stem}.sys"

    def build(folder: Path) -> None:
        command = [str(compiler), *_FLAGS, f"{name}.c", "-o", str(folder / image), *_LIBRARIES]
        # Temporary names end up in no output; a temporary folder keeps them out of the sources' folder too.
        with tempfile.TemporaryDirectory() as temporary:
            done = subprocess.run(
                command,
                cwd=str(FILTERS),
                env=dict(os.environ, TMPDIR=temporary, SOURCE_DATE_EPOCH="0", LC_ALL="C"),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
        if done.returncode != 0:
            raise LabError(f"{source.name} does not compile:\n{done.stderr.strip()}")

    return make_once(f"filter-{name.replace('/', '-')}-{digest.hexdigest()[:16]}", build) / image


def compiler_version(compiler: Path) -> str:
    """What it says of itself: a part of the key of whatever it makes."""
    done = subprocess.run([str(compiler), "--version"], capture_output=True, text=True, check=False)
    return done.stdout
