"""What stays the same when the same fault is recorded again."""

import hashlib
import re
from typing import Any, Iterator, Mapping, Sequence, Set

from ..rules import Finding

__all__ = ["FINGERPRINT", "fingerprint"]

FINGERPRINT = "dumpfiltFault/v1"
"""Names the rule below; a change of it is a new version, and all known faults are new to who compares."""

# Numbers and bytes that stand by themselves; not the 15 of r15, nor the 6 of xmm6.
_NUMBER = re.compile(
    r"(?<!\w)(?:0x[0-9a-fA-F]+|(?=[0-9a-fA-F]*[0-9])[0-9a-fA-F]+|[0-9a-fA-F]{8,})(?!\w)", re.ASCII
)
# What the data happened to be, where the fault met it.
_OF_THE_DATA = frozenset({"known_shape", "kept_shape"})
_BYTES = re.compile(r"(?:[0-9a-fA-F]{2})+")


def fingerprint(filter_name: str, finding: Finding) -> str:
    """A digest of the rule, the filter, the callback and what the evidence says of the fault beside numbers
    and bytes: which field, which register, which status. Call numbers, addresses, offsets, sizes and data are
    not in it, nor is the message's wording."""
    kind: Set[str] = set()
    for key, value in finding.evidence.items():
        if key not in _OF_THE_DATA:
            kind.update(f"{key}={word}" for word in _words(value))
    parts = [finding.rule, filter_name.lower(), finding.callback, *sorted(kind)]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "backslashreplace")).hexdigest()


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, bool):
        yield str(value)
    elif isinstance(value, str):
        text = "" if _BYTES.fullmatch(value) else _NUMBER.sub("#", value)
        # What is nothing but numbers may be there or not ("unknown PFN"), and says nothing of the kind.
        if text.strip("#-, "):
            yield text
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            for word in _words(inner):
                yield f"{key}={word}"
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _words(inner)
