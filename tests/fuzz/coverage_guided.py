"""The same targets under atheris, which is guided by the lines that an input reaches.

atheris is no dependency of the tests: ``pip install atheris`` (Linux and macOS).
"""

import gc
import multiprocessing
import shutil
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from random import Random
from types import FunctionType, ModuleType
from typing import Any, List, Sequence

from pykd_dumpfilt.errors import UsageError

from .campaign import look, scratch_folder
from .guard import Guard
from .target import Target

__all__ = ["run"]


_READERS = ("pykd_dumpfilt", "pefile", "json", "tomllib", "tomli")


class FailureFoundError(Exception):
    """What libFuzzer is told of a failure: it keeps the input, and says where."""


def run(target: "Target[Any]", options: Sequence[str]) -> int:
    """Fuzz until libFuzzer's own ``options`` end it, or a failure does; 0 or 1.

    Raises:
        UsageError: atheris is not installed.
    """
    _atheris()
    scratch = Path(tempfile.mkdtemp(prefix="dumpfilt-fuzz-", dir=scratch_folder()))
    # libFuzzer ends its process when it has done.
    process = multiprocessing.get_context("fork").Process(target=_fuzz, args=(target, options, scratch))
    process.start()
    try:
        process.join()
    finally:
        if process.is_alive():
            process.terminate()
            process.join()
        shutil.rmtree(scratch, ignore_errors=True)
    return 1 if process.exitcode else 0


def _fuzz(target: "Target[Any]", options: Sequence[str], scratch: Path) -> None:
    atheris = _atheris()
    folder = scratch / "input"
    folder.mkdir()
    guard = Guard(folder)
    tempfile.tempdir = str(guard.temporary)
    corpus = _corpus(scratch, target)
    for function in _instrumented():
        atheris.instrument_func(function)

    def one(data: bytes) -> None:
        outcome, detail = look(target, guard, target.from_bytes(data), Random(len(data)))
        if detail is not None:
            raise FailureFoundError(f"{outcome}\n{detail}")

    def mutate(data: bytes, size: int, seed: int) -> bytes:
        random = Random(seed)
        if random.random() < 0.5:
            return bytes(atheris.Mutate(data, size))
        return target.mutated(data, random)[:size]

    largest = 2 * max(map(len, target.seeds()))
    ours = [f"-max_len={largest}", "-rss_limit_mb=4096"]
    atheris.Setup([sys.argv[0], *ours, *options, str(corpus)], one, custom_mutator=mutate)
    atheris.Fuzz()


def _instrumented() -> List[FunctionType]:
    """Functions of what reads an input, as far as it has been imported."""
    return [
        one
        for one in gc.get_objects()
        if isinstance(one, FunctionType) and str(one.__module__).split(".")[0] in _READERS
    ]


def _atheris() -> ModuleType:
    try:
        return import_module("atheris")
    except ImportError as error:
        raise UsageError(
            "a coverage-guided campaign needs atheris: python -m pip install atheris (CPython, on Linux or "
            "macOS)"
        ) from error


def _corpus(scratch: Path, target: "Target[Any]") -> Path:
    target.prepare()
    folder = scratch / "corpus"
    folder.mkdir()
    seeds: List[bytes] = target.seeds()
    for number, seed in enumerate(seeds):
        (folder / f"seed-{number}").write_bytes(seed)
    return folder
