"""The kernel functions that a filter may import, each a small Python function in a registry by name."""

from . import memory, strings, system
from .registry import DATA, FUNCTIONS, KernelCall, KernelFunction, export

__all__ = ["DATA", "FUNCTIONS", "KernelCall", "KernelFunction", "export", "memory", "strings", "system"]
