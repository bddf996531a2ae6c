"""Classes that only hold values, made in a fiftieth of the time that ``dataclasses`` takes.

``dataclasses`` writes the source of up to eight methods for each class and compiles it, and loads those parts of the standard library that read source. That
was a third of what a run took to start. Here all classes share the same methods, which go by the names of the fields. What is written down looks the same, and
type checkers understand it (``typing.dataclass_transform``, PEP 681). What is not used is not offered: no order, no keyword-only fields, no ``__post_init__``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, dataclass_transform

__all__ = ["FrozenError", "as_dict", "field", "is_record", "is_record_class", "names", "record", "replace", "slotted"]

T = TypeVar("T")


class FrozenError(AttributeError):
    """A record was to be changed."""


class _Factory:
    """A default that is made anew for each record."""

    __slots__ = ("make",)

    def __init__(self, make: Callable[[], object]) -> None:
        self.make = make


def field(*, default_factory: Callable[[], T]) -> T:
    """The default of a field that must not be shared: an empty list, a dictionary."""
    return _Factory(default_factory)  # type: ignore[return-value]  # a stand-in, as in dataclasses: the field will hold what it makes


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[T]) -> type[T]:
    """A class whose annotations are its fields, in their order: ``__init__`` takes them by place or name, and nothing changes them afterwards.

    Fields of a record that it inherits from come first. Raises ``TypeError`` for a field without a default behind one with a default.
    """
    return _made(cls, _RECORD)


@dataclass_transform(field_specifiers=(field,))
def slotted(cls: type[T]) -> type[T]:
    """As ``record``, for a value that is filled while it is made: its fields can be changed, and it has no hash."""
    return _made(cls, _SLOTTED)


def _made(cls: type[T], methods: dict[str, object]) -> type[T]:
    own = tuple(cls.__annotations__)
    inherited: tuple[str, ...] = getattr(cls, "_fields", ())
    namespace = dict(cls.__dict__)
    defaults = {**getattr(cls, "_defaults", {}), **{name: namespace.pop(name) for name in own if name in namespace}}
    every = (*inherited, *(name for name in own if name not in inherited))
    bare = [name for name in every if name not in defaults]
    if bare != list(every[: len(bare)]):
        raise TypeError(f"{cls.__name__}: a field without a default stands behind one with a default")
    for name in ("__dict__", "__weakref__"):
        namespace.pop(name, None)
    namespace |= {"__slots__": tuple(name for name in own if name not in inherited), "__match_args__": every, "_fields": every, "_defaults": defaults}
    for name, method in methods.items():
        namespace.setdefault(name, method)
    metaclass: Any = type(cls)
    made: type[T] = metaclass(cls.__name__, cls.__bases__, namespace)
    made.__qualname__ = cls.__qualname__
    return made


_set = object.__setattr__


def _init(self: Any, *values: object, **named: object) -> None:
    fields: tuple[str, ...] = self._fields
    if len(values) > len(fields):
        raise TypeError(f"{type(self).__name__} takes {len(fields)} values, not {len(values)}")
    for name, value in zip(fields, values, strict=False):
        _set(self, name, value)
    if len(values) == len(fields) and not named:
        return
    defaults = self._defaults
    for name in fields[len(values) :]:
        if name in named:
            _set(self, name, named.pop(name))
        elif name in defaults:
            default = defaults[name]
            _set(self, name, default.make() if type(default) is _Factory else default)
        else:
            raise TypeError(f"{type(self).__name__} needs a value for {name!r}")
    if named:
        name = next(iter(named))
        raise TypeError(f"{type(self).__name__} has {'a second value for' if name in fields else 'no field'} {name!r}")


def _eq(self: Any, other: Any) -> bool:
    if type(other) is not type(self):
        return False
    return all(getattr(self, name) == getattr(other, name) for name in self._fields)


def _hash(self: Any) -> int:
    return hash((type(self), *(getattr(self, name) for name in self._fields)))


def _repr(self: Any) -> str:
    return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self._fields)})"


def _frozen(self: Any, name: str, *_: object) -> None:
    raise FrozenError(f"{type(self).__name__}.{name} cannot be changed")


def _getstate(self: Any) -> list[object]:
    return [getattr(self, name) for name in self._fields]


def _setstate(self: Any, state: list[object]) -> None:
    for name, value in zip(self._fields, state, strict=True):
        _set(self, name, value)


_SLOTTED: dict[str, object] = {"__init__": _init, "__eq__": _eq, "__hash__": None, "__repr__": _repr, "__getstate__": _getstate, "__setstate__": _setstate}
_RECORD: dict[str, object] = {**_SLOTTED, "__hash__": _hash, "__setattr__": _frozen, "__delattr__": _frozen}


def is_record(value: object) -> bool:
    """Whether a value is an instance of a class that was made here."""
    return is_record_class(type(value))


def is_record_class(value: type) -> bool:
    """Whether a class was made here."""
    return getattr(value, "__init__", None) is _init


def names(of: object) -> tuple[str, ...]:
    """The fields of a record, or of a class of records, in their order. Raises ``TypeError`` for anything else."""
    found = getattr(of, "_fields", None)
    if not isinstance(found, tuple) or isinstance(of, tuple):
        raise TypeError(f"{of!r} is no record")
    return found


def replace(of: T, /, **changes: Any) -> T:
    """The same record with other values for some fields. Raises ``TypeError`` for a field that it does not have."""
    values = {name: getattr(of, name) for name in names(of)}
    return type(of)(**{**values, **changes})


def as_dict(of: object) -> dict[str, Any]:
    """The fields of a record by name; what they hold stays as it is."""
    return {name: getattr(of, name) for name in names(of)}
