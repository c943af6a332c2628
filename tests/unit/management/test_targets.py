"""Ids of a route's targets."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.management.models import listed
from integration.management.routes.models import NewTarget, Target, UnknownTargetId
from integration.management.routes.targets import identified


def numbers() -> Iterator[str]:
    return (f"{number:08x}" for number in range(1000))


@given(st.lists(st.none() | st.integers(0, 4), max_size=20), st.integers(0, 5))
def test_a_known_target_keeps_its_id_and_no_two_have_one(wanted: list[int | None], count: int) -> None:
    known = [Target(id=f"{number:08x}", model="m") for number in range(count)]
    new = numbers()
    asked = [NewTarget(id=f"{number:08x}" if number is not None else None, model="m") for number in wanted]
    named = [number for number in wanted if number is not None]
    if len(set(named)) < len(named) or any(number >= count for number in named):
        with pytest.raises(UnknownTargetId):
            identified(asked, known, lambda: next(new))
        return
    made = identified(asked, known, lambda: next(new))
    assert len({target.id for target in made}) == len(wanted)
    for target, number in zip(made, wanted, strict=True):
        assert (target.id in {old.id for old in known}) == (number is not None)


def test_of_many_names_the_first_ones_are_told_and_how_many_others_there_are() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed(list("abcdefg")) == "a, b, c, d, e and 2 more"
