"""Rules of one's own: classes in a Python file beside the recordings."""

import hashlib
import importlib.util
import inspect
import os
import re
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import List, Sequence, Tuple, Type, Union

from ..errors import DumpfiltError, UsageError
from ..recording import CALLBACKS
from ._registry import RULES
from ._rule import Level, Rule

__all__ = ["load_rules"]

_ID = re.compile(r"[A-Z][A-Z0-9]{0,19}(?:-[A-Z0-9]{1,20}){1,4}")
_OURS = "DF-"


def load_rules(*paths: "Union[str, os.PathLike[str]]") -> Tuple[Type[Rule], ...]:
    """The rules that Python files define, in their order. The files are run: they are code like any of yours.

    A rule is a class derived from :class:`Rule` whose ``id`` ("ACME-001"), ``statement``, ``source`` and
    ``callbacks`` are set, and which has a method ``check``. Classes that the file imports, and abstract ones,
    are none of its rules.

    Raises:
        UsageError: a file cannot be read or fails when it runs, it defines no rule, or one of them lacks
            something; the message says where.
    """
    rules: List[Type[Rule]] = []
    for path in paths:
        rules += _defined(Path(path), [*RULES, *rules])
    return tuple(rules)


def _defined(file: Path, before: Sequence[Type[Rule]]) -> List[Type[Rule]]:
    """The rules of one file; ``before`` are those that came before it."""
    module = _run(file)
    found = [
        one
        for one in vars(module).values()
        if inspect.isclass(one)
        and issubclass(one, Rule)
        and one.__module__ == module.__name__
        and not inspect.isabstract(one)
    ]
    if not found:
        raise UsageError(
            f"{file} defines no rule: that is a class derived from pykd_dumpfilt.Rule, with a method check()"
        )
    known = list(before)
    for rule in found:
        problem = _problem(rule, known)
        if problem:
            raise UsageError(f"{file}, class {rule.__name__}: {problem}")
        known.append(rule)
    return found


def _run(file: Path) -> ModuleType:
    if not file.is_file():
        why = "not a file" if file.exists() else "no such file"
        raise UsageError(f"cannot read rules from {file}: {why}")
    # Files of one name in different folders are different modules; dataclasses ask sys.modules for theirs.
    name = f"dumpfilt_rules_{hashlib.sha256(os.fsencode(file.resolve())).hexdigest()[:16]}"
    spec = importlib.util.spec_from_file_location(name, str(file))
    if spec is None or spec.loader is None:
        raise UsageError(f"cannot read rules from {file}: its name must end on .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except DumpfiltError:
        raise
    except Exception as error:
        sys.modules.pop(name, None)
        raise UsageError(f"cannot run {file}{_line(file, error)}: {type(error).__name__}: {error}") from error
    return module


def _line(file: Path, error: Exception) -> str:
    if isinstance(error, SyntaxError) and error.lineno is not None:
        return f", line {error.lineno}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    return f", line {frames[-1].lineno}" if frames else ""


def _problem(rule: Type[Rule], known: Sequence[Type[Rule]]) -> str:
    """What is wrong with a rule's class; empty where nothing is."""
    for name in ("id", "statement", "source"):
        value = getattr(rule, name, None)
        if not isinstance(value, str) or not value.strip():
            return f"{name} is missing: it is a text, such as {_EXAMPLES[name]!r}"
    if not _ID.fullmatch(rule.id):
        return f"id {rule.id!r} is none: write capitals, digits and dashes, such as {_EXAMPLES['id']!r}"
    if rule.id.startswith(_OURS):
        return f"ids that begin with {_OURS} are pykd-dumpfilt's: choose a name of your own for {rule.id}"
    for other in known:
        if other.id == rule.id:
            return f"id {rule.id} is that of {other.__name__}, too"
    callbacks = getattr(rule, "callbacks", None)
    if not isinstance(callbacks, tuple) or not callbacks or not set(callbacks) <= set(CALLBACKS):
        return f'callbacks must be a tuple of {", ".join(CALLBACKS)}, such as ("Dump_Read",)'
    level: object = rule.level
    if not isinstance(level, Level):
        return "level must be Level.ERROR, Level.WARNING or Level.NOTE"
    return ""


_EXAMPLES = {
    "id": "ACME-001",
    "statement": "The last sector stays in plain.",
    "source": "ACME design 4.2",
}
