"""Which byte values are the commonest, but for 0, in memory that does not look random."""

import typing
from collections import Counter
from typing import Tuple

__all__ = ["COMMON", "VERY_COMMON", "CommonValues"]

COMMON = bytes.fromhex(
    "0102030405060708090a0b0c0d0e0f1011131f20242e30313340414344454648"
    "494c4d4f50525354585f61636465666768696c6d6e6f7072737475898b8d90ff"
)
"""What was counted in x64 code and data of Windows libraries, and in texts."""

VERY_COMMON = 8
"""How many of them are told from the others: a page that one or a few fill is not to look random."""

_ALL = 4096
_EVERY = 16


class CommonValues:
    """Counts the bytes of pages that do not look random: of the first 4096, and of every 16th after these."""

    def __init__(self) -> None:
        self._counts: typing.Counter[int] = Counter()
        self._seen = 0

    def take(self, content: bytes) -> None:
        """Count such a page."""
        self._seen += 1
        if self._seen <= _ALL or self._seen % _EVERY == 0:
            self._counts.update(content)

    def values(self) -> Tuple[bytes, bytes]:
        """The commonest 8, and the others: together as many as :data:`COMMON` has, and from there where fewer
        were seen."""
        counted = [value for value, _ in self._counts.most_common() if value]
        common = list(dict.fromkeys([*counted, *COMMON]))[: len(COMMON)]
        return bytes(sorted(common[:VERY_COMMON])), bytes(sorted(common[VERY_COMMON:]))
