"""What is wrong with a recording, as sentences, in bounded memory."""

from typing import Dict, List

__all__ = ["DamageLog"]

_LIMIT = 100


class DamageLog:
    """Sentences in the order they came, each once; past the first hundred they are only counted."""

    def __init__(self) -> None:
        self._sentences: Dict[str, None] = {}
        self._more = 0

    def __bool__(self) -> bool:
        return bool(self._sentences)

    def add(self, sentence: str) -> None:
        """Note one."""
        if sentence in self._sentences:
            return
        if len(self._sentences) < _LIMIT:
            self._sentences[sentence] = None
        else:
            self._more += 1

    def sentences(self) -> List[str]:
        """All of them."""
        found = list(self._sentences)
        if self._more:
            found.append(f"and {self._more} more like these")
        return found
