"""What can be said of the Windows Python without Wine: how its parts are found and pinned."""

import hashlib
import re
import sys
import zipfile
from pathlib import Path
from typing import Dict, List

import pytest

from .errors import LabError, LabUnavailableError
from .windows_python import (
    PYTHONS,
    PYTHONS_WITH_PYKD,
    download,
    find_host_python,
    requirements,
    windows_python,
)

ROOT = Path(__file__).resolve().parent.parent.parent


def pins(version: str) -> Dict[str, str]:
    text = requirements(version).read_text()
    return dict(re.findall(r"^([a-z0-9_]+)==([0-9.]+) ", text, re.MULTILINE))


@pytest.mark.parametrize("version", PYTHONS)
def test_every_part_is_pinned_and_hashed(version: str) -> None:
    lines = [line for line in requirements(version).read_text().splitlines() if not line.startswith("#")]
    with_pykd = ["pykd"] if version in PYTHONS_WITH_PYKD else []
    assert [line.split("==")[0] for line in lines] == [*with_pykd, "panda3d", "construct"]
    for line in lines:
        assert re.fullmatch(r"[a-z0-9_]+==[0-9.]+ --hash=sha256:[0-9a-f]{64}", line)


@pytest.fixture
def offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel in a folder that is all the index there is, pinned in requirements.txt beside it."""
    index = tmp_path / "index"
    index.mkdir()
    wheel = index / "part-1.0-py3-none-any.whl"
    with zipfile.ZipFile(str(wheel), "w") as archive:
        archive.writestr("part/__init__.py", "")
        archive.writestr("part-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: part\nVersion: 1.0\n")
        archive.writestr("part-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (tmp_path / "requirements.txt").write_text(f"part==1.0 --hash=sha256:{digest}\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    return wheel


def test_a_download_that_is_what_was_pinned_is_taken(offered: Path, tmp_path: Path) -> None:
    got = download(tmp_path / "got", "3.9", tmp_path / "requirements.txt")
    assert got == {"part": tmp_path / "got" / "part-1.0-py3-none-any.whl"}
    assert got["part"].read_bytes() == offered.read_bytes()


def test_a_download_that_was_tampered_with_is_refused_before_it_is_used(
    offered: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(str(offered), "a") as archive:
        archive.writestr("part/more.py", "print('not what was pinned')")
    told = pytest.raises(LabError, match=r"is not the file that .* pins by SHA-256.*pip cache purge")
    with told as caught:
        download(tmp_path / "got", "3.9", tmp_path / "requirements.txt")
    assert "part==1.0" in str(caught.value)
    assert list((tmp_path / "got").glob("*")) == []


def test_a_download_that_cannot_be_had_is_told_by_name(offered: Path, tmp_path: Path) -> None:
    offered.unlink()
    with pytest.raises(LabError, match=r"pip.* failed .*part==1\.0") as caught:
        download(tmp_path / "got", "3.9", tmp_path / "requirements.txt")
    assert "SHA-256" not in str(caught.value)


@pytest.mark.parametrize("version", PYTHONS)
def test_construct_is_one_that_the_package_accepts(version: str) -> None:
    (low, high) = re.findall(r'"construct>=([0-9.]+),<([0-9.]+)"', (ROOT / "pyproject.toml").read_text())[0]

    def number(release: str) -> List[int]:
        return [int(part) for part in release.split(".")]

    assert number(low) <= number(pins(version)["construct"]) < number(high)


def test_pykd_is_the_same_release_everywhere() -> None:
    assert {pins(version)["pykd"] for version in PYTHONS_WITH_PYKD} == {"0.3.4.15"}


def test_an_interpreter_that_was_named_must_be_of_that_version(monkeypatch: pytest.MonkeyPatch) -> None:
    for program in ("/nonexistent/python3.9", "/bin/true"):
        monkeypatch.setenv("DUMPFILT_PYTHON39", program)
        with pytest.raises(LabUnavailableError, match=r"is not a CPython 3\.9 that runs: .*apt-get install"):
            find_host_python("3.9")


def test_one_on_path_that_refuses_to_run_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shim = tmp_path / "python3.9"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.delenv("DUMPFILT_PYTHON39", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    with pytest.raises(LabUnavailableError, match=r"no CPython 3\.9 found"):
        find_host_python("3.9")


def test_an_interpreter_is_asked_and_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that answers like one is taken; the newest of several, by number."""
    library = Path(sys.modules["os"].__file__ or "").parent
    monkeypatch.delenv("DUMPFILT_PYTHON39", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    for patch in (7, 18):
        program = tmp_path / "versions" / f"3.9.{patch}" / "bin" / "python3.9"
        program.parent.mkdir(parents=True)
        program.write_text(f'#!/bin/sh\necho \'[[3, 9, {patch}], "cpython", "{library}"]\'\n')
        program.chmod(0o755)
    assert find_host_python("3.9").version == "3.9.18"
    assert find_host_python("3.9").library == library


def test_a_version_that_is_none_is_told() -> None:
    with pytest.raises(LabError, match=r"no Windows Python 3\.7 to be had here, only 3\.8, 3\.9, 3\.11"):
        windows_python("3.7", print)
