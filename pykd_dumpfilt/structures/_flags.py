"""Names of the bits in a flags word."""

from typing import List, Sequence, Tuple

__all__ = ["flag_names"]


def flag_names(flags: int, names: Sequence[Tuple[int, str]], bits: int) -> Tuple[str, ...]:
    """The names of the bits set in ``flags``, which may be the signed form of a ``bits`` wide word.

    Bits that no name covers are given together as one hexadecimal number, last.
    """
    flags &= (1 << bits) - 1
    found: List[str] = []
    unknown = flags
    for mask, name in names:
        if flags & mask:
            found.append(name)
            unknown &= ~mask
    if unknown:
        found.append(f"{unknown:#x}")
    return tuple(found)
