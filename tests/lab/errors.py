"""The lab's own errors: one kind for what is missing, one for what went wrong."""

from pykd_dumpfilt.errors import DumpfiltError

__all__ = ["INSTALL_HINT", "LabError", "LabUnavailableError"]

INSTALL_HINT = (
    "the lab needs Wine and mingw-w64 (apt-get install wine wine64 gcc-mingw-w64-x86-64) and, for its "
    "pure-Python standard library, a CPython 3.9 of this system, for a few tests 3.8 and 3.11 as well "
    "(python3.9 on PATH, one of pyenv's, or DUMPFILT_PYTHON39=/path/to/python3.9; so for the others)"
)
"""What to type when something is missing."""


class LabError(DumpfiltError):
    """The lab could not do what it was asked."""


class LabUnavailableError(LabError):
    """This machine lacks something that the lab needs; the message says what, and how to install it."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}: {INSTALL_HINT}")
