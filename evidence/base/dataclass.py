"""``@dataclass`` as in the standard library, whose classes are made in a tenth of the time.

The standard library compiles six methods for each frozen class (https://docs.python.org/3/library/dataclasses.html),
which for all classes of gate takes a tenth of a second at every start. Here classes share all methods but
``__init__``, which is compiled when the first instance is made. ``fields``, ``replace``, ``asdict`` and pattern
matching work as usual; ``order`` and ``kw_only`` are not there. Comparing is slower.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(*, frozen: bool = False, slots: bool = False, eq: bool = True):
        """A decorator for a dataclass; the arguments mean what they mean in the standard library."""

        def make(kind):
            kind.__doc__ = kind.__doc__ or kind.__name__  # or the library would write one, slowly
            own = set(vars(kind))
            made = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots)(kind)
            shared = {"__init__": _first_init(made), "__repr__": _repr}
            if eq:
                shared |= {"__eq__": _eq, "__hash__": _hash if frozen else None}
            if frozen:
                shared |= {"__setattr__": _refuse, "__delattr__": _refuse}
                if slots:
                    shared |= {"__getstate__": _getstate, "__setstate__": _setstate}
            for name, method in shared.items():
                if name not in own:
                    setattr(made, name, method)
            return made

        return make


_NEW = object()
"""Stands for an argument that is not given and that a factory makes."""


def _first_init(kind: type) -> Any:
    """An ``__init__`` that is exchanged for the real one when it is first called."""

    def __init__(self: Any, *given: Any, **named: Any) -> None:
        kind.__init__ = _init(kind)  # type: ignore[misc]
        kind.__init__(self, *given, **named)

    return __init__


def _init(kind: type) -> Any:
    arguments, body = ["self"], []
    scope: dict[str, Any] = {"_set": object.__setattr__, "_NEW": _NEW}
    for field in dataclasses.fields(kind):
        name, value = field.name, field.name
        if field.default_factory is not dataclasses.MISSING:
            scope[f"_make_{name}"] = field.default_factory
            made = f"_make_{name}()"
            value = f"{made} if {name} is _NEW else {name}" if field.init else made
            default = "=_NEW"
        elif field.default is not dataclasses.MISSING:
            scope[f"_default_{name}"] = field.default
            default = f"=_default_{name}"
        else:
            default = ""
        if field.init:
            arguments.append(name + default)
        body.append(f"_set(self, {name!r}, {value})")
    if hasattr(kind, "__post_init__"):
        body.append("self.__post_init__()")
    exec(f"def __init__({', '.join(arguments)}):\n " + "\n ".join(body or ["pass"]), scope)  # noqa: S102 - names of fields
    made = scope["__init__"]
    made.__qualname__ = f"{kind.__qualname__}.__init__"
    return made


def _values(self: Any) -> tuple[Any, ...]:
    return tuple([getattr(self, name) for name in self.__dataclass_fields__])


def _repr(self: Any) -> str:
    shown = [f"{f.name}={getattr(self, f.name)!r}" for f in dataclasses.fields(self) if f.repr]
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _compared(self: Any) -> tuple[Any, ...]:
    return tuple([getattr(self, field.name) for field in dataclasses.fields(self) if field.compare])


def _eq(self: Any, other: object) -> bool:
    return _compared(self) == _compared(other) if other.__class__ is self.__class__ else NotImplemented


def _hash(self: Any) -> int:
    return hash(_compared(self))


def _refuse(self: Any, name: str, *_value: Any) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot change field {name!r}")


def _getstate(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _setstate(self: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)
