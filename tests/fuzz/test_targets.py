"""The campaigns' mutators under hypothesis: whatever they make, only named errors come out."""

from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pykd_dumpfilt.errors import DumpfiltError

from .handled import Handled
from .images import Images
from .recordings import Recordings
from .target import Target
from .target_memory import TargetMemory
from .waivers import WaiverFiles
from .zips import Zips

_numbers = st.integers(0, 2**64 - 1)
RECORDINGS, ZIPS, HANDLED, IMAGES = Recordings(), Zips(), Handled(), Images()
WAIVERS, MEMORY = WaiverFiles(), TargetMemory()


def give(target: "Target[Any]", case: Any, random: Random, factory: pytest.TempPathFactory) -> None:
    folder: Path = factory.mktemp(target.name)
    target.place(case, folder)
    outcome = ""
    try:
        outcome = target.run(case, folder, random)
    except DumpfiltError as error:
        outcome = str(error)
    assert outcome


@settings(max_examples=40)
@given(number=_numbers)
def test_handled_recordings(number: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    random = Random(number)
    give(HANDLED, HANDLED.make(random), random, tmp_path_factory)


@settings(max_examples=150)
@given(number=_numbers)
def test_recordings(number: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    random = Random(number)
    give(RECORDINGS, RECORDINGS.make(random), random, tmp_path_factory)


@settings(max_examples=100)
@given(data=st.binary(max_size=300))
def test_recordings_of_any_bytes(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    give(RECORDINGS, RECORDINGS.from_bytes(data), Random(0), tmp_path_factory)


@settings(max_examples=100)
@given(number=_numbers)
def test_zips(number: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    random = Random(number)
    give(ZIPS, ZIPS.make(random), random, tmp_path_factory)


@settings(max_examples=30)
@given(number=_numbers)
def test_images(number: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    random = Random(number)
    give(IMAGES, IMAGES.make(random), random, tmp_path_factory)


@settings(max_examples=200)
@given(number=_numbers)
def test_waivers(number: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    random = Random(number)
    give(WAIVERS, WAIVERS.make(random), random, tmp_path_factory)


@settings(max_examples=100)
@given(number=_numbers)
def test_memory(number: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    random = Random(number)
    give(MEMORY, MEMORY.make(random), random, tmp_path_factory)


@pytest.mark.parametrize(
    "target", [RECORDINGS, ZIPS, IMAGES, WAIVERS, MEMORY], ids=lambda target: target.name
)
def test_kept_inputs_and_seeds_are_read_back(target: "Target[Any]", tmp_path: Path) -> None:
    random = Random(3)
    case = target.make(random)
    kept = tmp_path / f"kept{target.suffix}"
    target.save(case, kept)
    assert target.load(kept) == case
    for seed in target.seeds():
        assert target.mutated(seed, random) is not None
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        unchanged = target.from_bytes(seed)
        target.place(unchanged, folder)
        try:
            target.run(unchanged, folder, Random(0))
        except DumpfiltError as error:
            # An empty file is a seed of waivers, and no file of them need hold any.
            pytest.fail(f"a seed is refused: {error}")
