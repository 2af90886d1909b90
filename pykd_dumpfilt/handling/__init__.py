"""Handling recordings: packing, summing up, comparing, migrating. What they are given stays as it is."""

from ._pack import Packed, pack

__all__ = ["Packed", "pack"]
