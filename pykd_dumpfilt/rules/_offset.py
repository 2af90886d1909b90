"""``*DiskByteOffset`` before and after a call."""

from typing import Optional, Tuple

from ..decoded import DecodedCall, NoValue
from ._rule import Rule

__all__ = ["changed_offset"]


def changed_offset(rule: Rule, call: DecodedCall) -> Optional[Tuple[int, int]]:
    """The offset at entry and at return where they differ. Counts the call as checked for the rule, or says
    why that cannot be told."""
    if call.exit is None:
        return None
    before, after = call.entry.disk_byte_offset, call.exit.disk_byte_offset
    if isinstance(before, NoValue):
        rule.cannot_tell(call, f"*DiskByteOffset at entry: {before}")
        return None
    if isinstance(after, NoValue):
        rule.cannot_tell(call, f"*DiskByteOffset at return: {after}")
        return None
    rule.checked()
    return None if before == after else (before, after)
