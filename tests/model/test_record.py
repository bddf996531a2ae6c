from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddock.model.record import FrozenError, as_dict, field, is_record, names, record, replace, slotted


@record
class Point:
    """A place."""

    x: int
    y: int = 2
    seen: list[int] = field(default_factory=list)

    def sum(self) -> int:
        """Both together."""
        return self.x + self.y


@record
class Named(Point):
    name: str = ""


@record
class Plain:
    x: int
    y: int = 2
    z: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Model:
    x: int
    y: int = 2
    z: tuple[int, ...] = ()


@slotted
class Box:
    size: int
    things: list[str] = field(default_factory=list)


def test_it_is_made_by_place_or_name_and_has_defaults() -> None:
    assert (Point(1), Point(1, 3).y, Point(y=5, x=4).sum()) == (Point(1, 2, []), 3, 9)
    assert Point.__doc__ == "A place."
    first, second = Point(1), Point(1)
    first.seen.append(1)
    assert second.seen == []


def test_nothing_changes_it_afterwards() -> None:
    point = Point(1)
    for name in ("x", "other"):
        with pytest.raises(FrozenError):
            setattr(point, name, 2)
    with pytest.raises(FrozenError):
        del point.x
    assert point.x == 1
    assert not hasattr(point, "__dict__")


@pytest.mark.parametrize(("values", "named"), [((), {}), ((1, 2, [], 4), {}), ((1,), {"x": 2}), ((1,), {"z": 2})])
def test_wrong_values_are_an_error(values: tuple[object, ...], named: dict[str, object]) -> None:
    make: Callable[..., Point] = Point
    with pytest.raises(TypeError, match="Point"):
        make(*values, **named)


def test_a_field_without_a_default_stands_in_front() -> None:
    with pytest.raises(TypeError, match="behind one with a default"):

        @record
        class Wrong:
            x: int = 1
            y: int  # type: ignore[misc]  # that is the test


def test_what_it_inherits_comes_first() -> None:
    named = Named(1, name="a")
    assert (names(Named), named.sum(), repr(named)) == (("x", "y", "seen", "name"), 3, "Named(x=1, y=2, seen=[], name='a')")
    assert Point(1) != Named(1)


def test_a_copy_with_changes_and_its_fields() -> None:
    assert replace(Point(1), y=7) == Point(1, 7)
    assert as_dict(Plain(1)) == {"x": 1, "y": 2, "z": ()}
    with pytest.raises(TypeError, match="no field 'w'"):
        replace(Point(1), w=7)
    with pytest.raises(TypeError, match="no record"):
        names((1, 2))
    assert is_record(Point(1))
    assert not is_record(Point)
    assert not is_record((1, 2))


def test_it_can_be_copied_and_sent() -> None:
    plain = Plain(1, 3, (4,))
    assert copy.deepcopy(plain) == pickle.loads(pickle.dumps(plain)) == plain  # noqa: S301 -- our own bytes


def test_a_slotted_one_can_be_filled_and_has_no_hash() -> None:
    box = Box(1)
    box.size = 2
    box.things.append("a")
    assert box == Box(2, ["a"])
    with pytest.raises(TypeError, match="unhashable"):
        hash(box)
    with pytest.raises(AttributeError):
        box.other = 1  # type: ignore[attr-defined]  # that is the test


def test_patterns_see_the_fields_in_their_order() -> None:
    match Point(1, 3):
        case Point(x, y):
            assert (x, y) == (1, 3)


VALUES = st.tuples(st.integers(0, 2), st.integers(0, 2), st.lists(st.integers(0, 2), max_size=2).map(tuple))


@given(VALUES, VALUES)
def test_it_compares_as_a_dataclass_does(one: tuple[int, int, tuple[int, ...]], other: tuple[int, int, tuple[int, ...]]) -> None:
    assert (Plain(*one) == Plain(*other)) is (Model(*one) == Model(*other))
    assert (hash(Plain(*one)) == hash(Plain(*other))) is (hash(Model(*one)) == hash(Model(*other)))
    assert repr(Plain(*one)).removeprefix("Plain") == repr(Model(*one)).removeprefix("Model")


def test_it_equals_only_its_own_kind() -> None:
    other: object = (1, 2, ())
    assert Plain(1) != other
