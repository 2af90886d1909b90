"""The lock of what development needs: it covers pyproject.toml, and every byte of it is pinned."""

import re
from typing import Any, Dict, Iterator, List, NamedTuple, Optional

import pytest

from .lock import LOCK, PYTHONS, pyproject

pytestmark = pytest.mark.quality

requirements: Any = pytest.importorskip("packaging.requirements")
PLATFORMS = {"linux": "posix", "darwin": "posix", "win32": "nt"}
OURSELVES = "pykd-dumpfilt"


class Pin(NamedTuple):
    """One entry of the lock."""

    name: str
    version: str
    marker: Optional[Any]
    hashes: List[str]


def pins() -> List[Pin]:
    text = "\n".join(line for line in LOCK.read_text().splitlines() if not line.startswith("#"))
    found = []
    for entry in re.sub(r"\\\n\s*", "", text).split("\n"):
        if entry.strip():
            head, *hashes = entry.split(" --hash=")
            one = requirements.Requirement(head)
            (exactly,) = one.specifier
            assert exactly.operator == "=="
            assert one.url is None
            found.append(Pin(normal(one.name), exactly.version, one.marker, hashes))
    return found


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def environments() -> Iterator[Dict[str, str]]:
    for python in PYTHONS:
        for platform, system in PLATFORMS.items():
            yield {
                "python_version": python,
                "python_full_version": f"{python}.7",
                "sys_platform": platform,
                "os_name": system,
                "implementation_name": "cpython",
                "platform_python_implementation": "CPython",
                "extra": "",
            }


def asked_for() -> List[str]:
    """Every requirement that pyproject.toml names, of all extras and of the build."""
    project = pyproject()
    found = list(project["build-system"]["requires"]) + list(project["project"]["dependencies"])
    for extra in project["project"]["optional-dependencies"].values():
        found += [one for one in extra if normal(requirements.Requirement(one).name) != OURSELVES]
    return found


def test_every_entry_is_pinned_and_hashed() -> None:
    entries = pins()
    assert len(entries) > 50
    for one in entries:
        assert one.hashes, one.name
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest) for digest in one.hashes), one.name


@pytest.mark.parametrize("requirement", asked_for())
def test_it_covers_what_is_asked_for_on_every_python(requirement: str) -> None:
    wanted = requirements.Requirement(requirement)
    met = 0
    for environment in environments():
        if wanted.marker is not None and not wanted.marker.evaluate(environment):
            continue
        here = [
            one.version
            for one in pins()
            if one.name == normal(wanted.name) and (one.marker is None or one.marker.evaluate(environment))
        ]
        assert len(here) == 1, f"{requirement}: {here} on {environment}; run python -m tests.lock"
        assert wanted.specifier.contains(here[0]), f"{requirement}: {here[0]}; run python -m tests.lock"
        met += 1
    assert met


def test_nothing_is_pinned_twice() -> None:
    for environment in environments():
        here = [one.name for one in pins() if one.marker is None or one.marker.evaluate(environment)]
        assert len(here) == len(set(here))


def test_it_names_no_index_and_no_path() -> None:
    for line in LOCK.read_text().splitlines():
        assert "://" not in line
        assert not re.search(r"--(?!hash=|require-hashes|no-deps|no-build-isolation)", line), line
        assert not re.search(r"(?<![\w.])/", line), line


def test_the_pythons_are_those_that_the_package_supports() -> None:
    classifiers = pyproject()["project"]["classifiers"]
    found = [match for match in (re.search(r":: Python :: (3\.\d+)$", one) for one in classifiers) if match]
    assert tuple(match.group(1) for match in found) == PYTHONS
    assert pyproject()["project"]["requires-python"] == f">={PYTHONS[0]}"
