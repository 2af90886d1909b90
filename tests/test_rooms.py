"""Imports between the rooms go one way, as docs/architecture.md says."""

import ast
from pathlib import Path
from typing import Iterator, Tuple

PACKAGE = Path(__file__).resolve().parent.parent / "pykd_dumpfilt"

# From the bottom up. A room imports from those below it, never from one above it or beside it.
STOREYS = (
    ("errors", "entropy"),
    ("structures", "spool", "fresh"),
    ("debugger", "recording"),
    ("trace", "decoded", "emulator"),
    ("rules",),
    ("checking", "live"),
    ("handling", "scrubbing"),
    ("reports",),
    ("others",),
    ("commands",),
    ("cli",),
)
STOREY_OF = {room: storey for storey, rooms in enumerate(STOREYS) for room in rooms}


def storey(room: str) -> int:
    # What the list does not know stands on all of the package, and only commands stand on it.
    return STOREY_OF.get(room, STOREY_OF["others"])


def imports() -> Iterator[Tuple[str, str, str]]:
    """Every import of one room by another: who, whom, and where it is written."""
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = path.relative_to(PACKAGE).with_suffix("").parts
        if inside[0] in ("__init__", "__main__"):
            continue
        package = inside[:-1]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or not node.level:
                continue
            base = package[: len(package) - node.level + 1]
            module = (*base, *(node.module or "").split(".")) if node.module else base
            for alias in node.names:
                room = (*module, alias.name)[0]
                if room not in (inside[0], "__version__"):
                    yield inside[0], room, f"{path.relative_to(PACKAGE)}:{node.lineno}"


def test_no_room_imports_one_above_or_beside_it() -> None:
    found = list(imports())
    assert len(found) > 100
    wrong = [f"{where}: {who} imports {whom}" for who, whom, where in found if storey(whom) >= storey(who)]
    assert wrong == []
