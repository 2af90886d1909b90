"""Windows structures that dump filters meet, as construct definitions."""

from ._machine import Machine

__all__ = ["Machine"]
