"""The published JSON Schemas of what we write for programs."""

import json
import pkgutil
from typing import Any, Dict

__all__ = ["load_schema"]


def load_schema(name: str) -> Dict[str, Any]:
    """The JSON Schema (2020-12) in ``NAME.schema.json`` beside this module; a new dict each time."""
    found: Dict[str, Any] = json.loads(pkgutil.get_data(__package__, f"{name}.schema.json") or b"{}")
    return found
