"""An attribute that is computed when it is first asked for."""

from typing import Any, Callable, Generic, Optional, Type, TypeVar, overload

__all__ = ["lazy"]

_T = TypeVar("_T")


class lazy(Generic[_T]):  # noqa: N801 - used as a decorator, like property
    """functools.cached_property without its lock (up to Python 3.11), which takes longer than what most of
    our properties compute. Two threads that ask at once would compute it twice."""

    def __init__(self, compute: "Callable[[Any], _T]") -> None:
        self._compute = compute
        self._name = compute.__name__
        self.__doc__ = compute.__doc__

    @overload
    def __get__(self, owner: None, kind: Type[Any]) -> "lazy[_T]": ...

    @overload
    def __get__(self, owner: object, kind: Type[Any]) -> _T: ...

    def __get__(self, owner: Optional[object], kind: Type[Any]) -> Any:
        if owner is None:
            return self
        # No __set__: from now on the instance's own value comes before this.
        value = owner.__dict__[self._name] = self._compute(owner)
        return value
