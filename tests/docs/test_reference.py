"""Every public name is documented where it stands, and stands on a page."""

import ast
import builtins
import dataclasses
import importlib
import inspect
import re
import textwrap
from pathlib import Path
from typing import Any, Iterator, List, NamedTuple, Set

import pytest

from pykd_dumpfilt import errors

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"
PAGES = {
    "pykd_dumpfilt": "api.md",
    "pykd_dumpfilt.recording": "api-recording.md",
    "pykd_dumpfilt.decoded": "api-decoded.md",
    "pykd_dumpfilt.debugger": "api-debugger.md",
}
_SHOWN = re.compile(r"^::: (\S+)$", re.MULTILINE)
_OURS = {name for name in errors.__all__ if name.endswith("Error")}


class Public(NamedTuple):
    """A public class, function, method or property."""

    path: str
    value: Any


def public(room: str) -> Iterator[Public]:
    module = importlib.import_module(room)
    for name in module.__all__:
        value = getattr(module, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            yield Public(f"{room}.{name}", value)
            yield from members(f"{room}.{name}", value)


def members(path: str, value: Any) -> Iterator[Public]:
    if not inspect.isclass(value) or issubclass(value, tuple):
        return
    for name, member in vars(value).items():
        member = getattr(member, "__func__", member)
        if not name.startswith("_") and (inspect.isfunction(member) or is_computed(member)):
            yield Public(f"{path}.{name}", member)


def is_computed(member: Any) -> bool:
    # Ours is a descriptor with the docstring of its function.
    return isinstance(member, property) or type(member).__name__ == "lazy"


EVERYTHING = [one for room in PAGES for one in public(room)]
CLASSES = [one for one in EVERYTHING if inspect.isclass(one.value)]
# Of the rooms themselves; what a method takes is often said in its sentence.
FUNCTIONS = [one for one in EVERYTHING if inspect.isfunction(one.value) and "." not in one.value.__qualname__]
each = pytest.mark.parametrize("one", EVERYTHING, ids=lambda one: one.path)


def docstring(value: Any) -> str:
    """Of a class, that of its ``__init__`` too."""
    texts = [value, vars(value).get("__init__") if inspect.isclass(value) else None]
    return "\n\n".join(inspect.cleandoc(getattr(one, "__doc__", None) or "") for one in texts)


def section(text: str, title: str) -> str:
    """What stands indented below ``Title:``."""
    found = re.findall(rf"^{title}:\n((?:[ ]+.*\n|\n)+)", text + "\n", re.MULTILINE)
    return "".join(map(textwrap.dedent, found))


def entries(text: str, title: str) -> List[str]:
    return re.findall(r"^(\w+(?:, \w+)*):", section(text, title), re.MULTILINE)


@each
def test_it_has_a_docstring_of_its_own(one: Public) -> None:
    text = docstring(one.value)
    generated = one.value.__name__ + "(" if inspect.isclass(one.value) else ""
    assert len(text) > 10, one.path
    assert not (generated and text.startswith(generated)), one.path


@each
def test_parameters_that_are_described_exist(one: Public) -> None:
    described = entries(docstring(one.value), "Args")
    if described and not isinstance(one.value, property):
        known = set(inspect.signature(one.value).parameters)
        assert set(described) <= known, one.path


@pytest.mark.parametrize("one", FUNCTIONS, ids=lambda one: one.path)
def test_all_parameters_of_a_function_are_described(one: Public) -> None:
    known = set(inspect.signature(one.value).parameters)
    assert set(entries(docstring(one.value), "Args")) == known, one.path


@pytest.mark.parametrize("one", CLASSES, ids=lambda one: one.path)
def test_the_fields_of_a_value_are_described(one: Public) -> None:
    fields: Set[str] = set()
    if dataclasses.is_dataclass(one.value):
        fields = {field.name for field in dataclasses.fields(one.value)}
    elif issubclass(one.value, tuple):
        fields = set(one.value._fields)
    assert fields - set(entries(docstring(one.value), "Attributes")) == set(), one.path


@each
def test_errors_that_it_raises_are_described(one: Public) -> None:
    """As far as the function itself raises them: what those that it calls raise, no test can tell."""
    raised = raises(one.value)
    told = set(", ".join(entries(docstring(one.value), "Raises")).split(", "))
    assert {name for name in raised if name in _OURS} - told == set(), one.path


@each
def test_errors_that_are_described_exist(one: Public) -> None:
    room = importlib.import_module(one.path.rpartition(".")[0].rpartition(".")[0] or "pykd_dumpfilt")
    for name in ", ".join(entries(docstring(one.value), "Raises")).split(", "):
        assert not name or any(hasattr(where, name) for where in (errors, builtins, room, *rooms())), (
            f"{one.path}: {name}"
        )


def rooms() -> List[Any]:
    return [importlib.import_module(room) for room in PAGES]


def raises(value: Any) -> Set[str]:
    """The names of exceptions in ``raise X(...)`` of a function, or of a class's ``__init__``."""
    function = vars(value).get("__init__") if inspect.isclass(value) else getattr(value, "fget", value)
    try:
        source = inspect.getsource(function)
    except (TypeError, OSError):
        return set()
    tree = ast.parse(textwrap.dedent(source))
    return {
        node.exc.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and isinstance(node.exc.func, ast.Name)
    }


def shown(page: str) -> List[str]:
    return _SHOWN.findall((REFERENCE / page).read_text(encoding="utf-8"))


@pytest.mark.parametrize("room", PAGES)
def test_every_name_stands_on_a_page(room: str) -> None:
    everywhere = {where for page in PAGES.values() for where in shown(page)}
    module = importlib.import_module(room)
    for name in module.__all__:
        # The names of the package stand on its page, even if they are names of a room, too.
        in_package = name in importlib.import_module("pykd_dumpfilt").__all__
        assert (
            name == "__version__"
            or {
                f"{room}.{name}",
                f"pykd_dumpfilt.{name}" if in_package else f"{room}.{name}",
            }
            & everywhere
        ), f"{room}.{name}"


@pytest.mark.parametrize(("room", "page"), PAGES.items())
def test_a_page_shows_each_name_once_and_only_what_exists(room: str, page: str) -> None:
    names = shown(page)
    assert len(set(names)) == len(names)
    for path in names:
        where, _, name = path.rpartition(".")
        if path not in PAGES:
            assert hasattr(importlib.import_module(where), name), path
