"""What a script that types commands (``guest_*.py``) printed, command by command."""

from typing import Dict, List, Tuple

__all__ = ["commands"]


def commands(output: str) -> List[Tuple[str, str, str]]:
    """Each command typed, its exit code (empty for the debugger's own), and what it printed."""
    found: List[Tuple[str, str, str]] = []
    text: Dict[int, List[str]] = {}
    for line in output.splitlines():
        if line.startswith("> "):
            found.append((line[2:], "", ""))
        elif line.startswith("< ") and found:
            found[-1] = (found[-1][0], line[2:], "\n".join(text.get(len(found), [])))
        else:
            text.setdefault(len(found), []).append(line)
    return found
