"""The package for the site: roles of docstrings (``:class:`~.model.Call```) become links, ``::`` begins code,
and what is computed once (``decoded._lazy``) is the attribute that its users see."""

import re
import textwrap
from typing import Any

import griffe

__all__ = ["Roles"]

_ROLE = re.compile(r":(?:attr|class|data|func|meth|mod):`(~?)([.\w]+)`")
_CODE = re.compile(r"::\n\n((?: {4,}.*\n?|[ \t]*\n)+)")


class Roles(griffe.Extension):  # type: ignore[misc]
    """Goes through a package once griffe has read it."""

    def on_package(self, *, pkg: Any, **_: object) -> None:
        """Called by griffe."""
        self._walk(pkg)

    def _walk(self, scope: Any) -> None:
        if scope.docstring is not None:
            scope.docstring.value = _rewritten(scope.docstring.value, scope)
        for name, member in list(scope.members.items()):
            if not member.is_alias:
                self._walk(member)
                if member.is_function and _is_lazy(member):
                    scope.members[name] = _attribute(member, scope)


def _is_lazy(function: Any) -> bool:
    return any(one.callable_path.endswith("lazy") for one in function.decorators)


def _attribute(function: Any, scope: Any) -> Any:
    attribute = griffe.Attribute(
        function.name,
        lineno=function.lineno,
        endlineno=function.endlineno,
        annotation=function.returns,
        docstring=function.docstring,
        parent=scope,
    )
    attribute.labels.add("property")
    return attribute


def _rewritten(text: str, scope: Any) -> str:
    text = _CODE.sub(lambda code: f":\n\n```python\n{textwrap.dedent(code[1]).rstrip()}\n```\n\n", text)
    return _ROLE.sub(lambda role: _link(role[1], role[2], scope), text)


def _link(short: str, name: str, scope: Any) -> str:
    shown = name.rpartition(".")[2] if short or name.startswith(".") else name
    # What has no place on the site stays text.
    return f'<autoref identifier="{_path(name, scope)}" optional><code>{shown}</code></autoref>'


def _path(name: str, scope: Any) -> str:
    if name.startswith("."):
        module = scope if scope.is_module else scope.module
        package = module if module.is_package or module.is_subpackage else module.parent
        return f"{package.path}{name}"
    try:
        return str(scope.resolve(name))
    except griffe.NameResolutionError:
        return name
