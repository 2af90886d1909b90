"""Makes requirements/dev.lock anew: ``python -m tests.lock``, with uv at hand (pip install uv).

The lock pins what development needs, every extra and the build backend, by version and SHA-256, for each
Python that the package supports. What it pins already is kept where that can be; to take newer releases,
remove it first.
"""

import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict

__all__ = ["LOCK", "PYTHONS", "pyproject"]

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "dev.lock"
PYTHONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13")

_HEAD = f"""\
# What development needs, pinned by version and SHA-256: every extra of pyproject.toml and the build backend,
# for CPython {PYTHONS[0]} to {PYTHONS[-1]}. To install it, in a virtual environment:
#
#   python -m pip install --require-hashes -r requirements/dev.lock
#   python -m pip install --no-deps --no-build-isolation -e .
#
# To make it again, after every change of what pyproject.toml asks for: pip install uv, then
#
#   python -m tests.lock
#
# which keeps what is pinned here where it can. To take newer releases, remove this file first.

"""


def pyproject() -> Dict[str, Any]:
    """pyproject.toml as values."""
    toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    return dict(toml.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8")))


def compiled(uv: str, target: Path) -> str:
    """The lock's text; ``target`` holds the one before, if there is one, and is written over."""
    command = [
        *(uv, "pip", "compile", "--quiet", "--no-config", "--universal", "--generate-hashes", "--all-extras"),
        *("--python-version", PYTHONS[0], "--no-header", "--no-annotate", "--no-emit-index-url"),
        *("--no-emit-find-links", "--no-emit-build-options", "--output-file", str(target)),
        # Without the extras the pip of Python 3.8 takes urllib3[socks] for a requirement that is not pinned.
        *("--no-strip-extras", "pyproject.toml", "-"),
    ]
    build = "\n".join(pyproject()["build-system"]["requires"])
    done = subprocess.run(command, cwd=str(ROOT), input=build, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"uv failed: {done.stderr.strip()}")
    return _HEAD + target.read_text(encoding="utf-8")


def main() -> None:
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        raise SystemExit("uv is missing: pip install uv")
    LOCK.parent.mkdir(exist_ok=True)
    fresh = LOCK.with_suffix(".tmp")
    try:
        if LOCK.exists():
            shutil.copyfile(str(LOCK), str(fresh))
        text = compiled(uv, fresh)
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(LOCK)
    finally:
        if fresh.exists():
            fresh.unlink()
    pins = len(re.findall("^[a-z]", text, re.MULTILINE))
    print(f"written: {LOCK.relative_to(ROOT)}, {pins} pins")


if __name__ == "__main__":
    main()
