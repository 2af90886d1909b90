"""What a campaign is run against."""

from pathlib import Path
from random import Random
from typing import Generic, List, Protocol, TypeVar

__all__ = ["Target"]

_Case = TypeVar("_Case")


class Target(Protocol, Generic[_Case]):
    """One parser, or several that take the same input.

    Attributes:
        name: as the command line has it.
        what: in a few words.
        seconds: how long one input may take.
        mebibytes: resident memory that no input may lead to.
        suffix: of a saved input.
    """

    name: str
    what: str
    seconds: float
    mebibytes: int
    suffix: str

    def prepare(self) -> None:
        """Make the seeds, and import all that a run imports: once in each process, unwatched."""

    def make(self, random: Random) -> _Case:
        """An input."""

    def place(self, case: _Case, folder: Path) -> None:
        """Write it into an empty folder, where it is read from files."""

    def run(self, case: _Case, folder: Path, random: Random) -> str:
        """Give it to the parsers; the name of the outcome. No file but in that folder may be opened.
        ``random`` chooses what is looked at.

        Raises:
            DumpfiltError: the input was refused, by name.
        """

    def save(self, case: _Case, path: Path) -> None:
        """Keep an input at a new path."""

    def load(self, path: Path) -> _Case:
        """Read a kept input."""

    def seeds(self) -> List[bytes]:
        """What a coverage-guided fuzzer begins with."""

    def from_bytes(self, data: bytes) -> _Case:
        """The input that such a fuzzer's bytes mean."""

    def mutated(self, data: bytes, random: Random) -> bytes:
        """Such bytes, changed with a knowledge of their structure."""
