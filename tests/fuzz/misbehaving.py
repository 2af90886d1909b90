"""A target of which some inputs do what a campaign must notice."""

import ctypes
import os
import time
from pathlib import Path
from random import Random
from typing import List

from pykd_dumpfilt.errors import RecordingError

__all__ = ["WAYS", "Misbehaving"]

WAYS = (
    "behaves",
    "is refused",
    "raises",
    "hangs",
    "strays",
    "hangs outside of Python",
    "dies",
    "takes memory",
)


class Misbehaving:
    """Each input is one of :data:`WAYS`."""

    name = "misbehaving"
    what = "nothing"
    seconds = 1.5
    mebibytes = 150
    suffix = ".txt"

    def prepare(self) -> None:
        pass

    def make(self, random: Random) -> str:
        return random.choice(WAYS)

    def place(self, case: str, folder: Path) -> None:
        (folder / "case").write_text(case)

    def run(self, case: str, folder: Path, random: Random) -> str:
        (folder / "case").read_text()
        if case == "is refused":
            raise RecordingError("no")
        if case == "raises":
            raise ZeroDivisionError
        if case == "hangs":
            while True:
                time.sleep(0.01)
        if case == "strays":
            Path(__file__).parents[2].joinpath("pyproject.toml").read_bytes()
        if case == "hangs outside of Python":
            # usleep() from C, with the interpreter's lock held: no signal handler runs.
            ctypes.PyDLL(None).usleep(60_000_000)
        if case == "dies":
            os._exit(11)
        if case == "takes memory":
            return str(len(b"x" * (160 << 20)))
        return "fine"

    def save(self, case: str, path: Path) -> None:
        path.write_text(case)

    def load(self, path: Path) -> str:
        return path.read_text()

    def seeds(self) -> List[bytes]:
        return []

    def from_bytes(self, data: bytes) -> str:
        return data.decode()

    def mutated(self, data: bytes, random: Random) -> bytes:
        return data
