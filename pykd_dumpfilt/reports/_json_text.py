"""JSON that every reader takes."""

import json
from typing import Any

__all__ = ["json_text"]


def json_text(value: Any) -> str:
    """Indented ASCII text. Half of a surrogate pair, as a path that is no UTF-8 has it, is written as
    ``\\udcff`` in letters: it is no text, and some readers refuse the whole file for it."""
    return json.dumps(_clean(value), indent=2, ensure_ascii=True)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {_clean(key): _clean(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(inner) for inner in value]
    return value
