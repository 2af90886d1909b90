"""Trace, record and check Windows crash dump filter drivers."""

__version__ = "0.1.0"
__all__ = ["__version__"]
