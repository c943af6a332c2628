"""The parts of a process."""

import pytest

from llmo_core.composition import Composition


async def test_a_part_is_made_once_and_anew_after_everything_was_closed_the_last_part_first() -> None:
    parts, closed = Composition(), list[str]()

    async def close(name: str) -> None:
        closed.append(name)

    made: list[str] = []

    @parts.once
    def first() -> str:
        made.append("first")
        return parts.closing("first", close)

    @parts.once
    def second() -> str:
        return parts.closing(first() + " and second", close)

    assert (second(), second(), first()) == ("first and second", "first and second", "first")
    await parts.close()
    assert (made, closed) == (["first"], ["first and second", "first"])
    await parts.close()
    assert len(closed) == 2
    assert first() == "first"
    assert made == ["first", "first"]


async def test_what_cannot_be_made_is_tried_again() -> None:
    parts, answers = Composition(), [LookupError(), None]

    @parts.once
    def part() -> int:
        if (failure := answers.pop(0)) is not None:
            raise failure
        return 1

    with pytest.raises(LookupError):
        part()
    assert part() == 1
