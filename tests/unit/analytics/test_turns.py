"""Turns of the maker of files."""

from datetime import UTC, datetime

import pytest

from analytics.files import turn
from analytics.models import StoreUnavailable

UNTIL = datetime(2026, 8, 22, 6, 5, tzinfo=UTC)


class Work:
    """Makes a file, or fails; notes until when it was to work."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error
        self.until: list[datetime] = []

    async def __call__(self, until: datetime) -> int:
        self.until.append(until)
        if self._error is not None:
            raise self._error
        return 1


async def test_a_turn_does_every_work() -> None:
    works = [Work(), Work(), Work()]

    assert await turn(works, until=UNTIL) == 3

    assert [work.until for work in works] == [[UNTIL]] * 3


@pytest.mark.parametrize("failing", range(3))
async def test_what_fails_in_a_turn_holds_up_nothing_else_and_is_raised_at_the_end(failing: int) -> None:
    error = RuntimeError("broken")
    works = [Work(error if number == failing else None) for number in range(3)]

    with pytest.raises(ExceptionGroup) as raised:
        await turn(works, until=UNTIL)

    assert [work.until for work in works] == [[UNTIL]] * 3
    assert raised.value.exceptions == (error,)


async def test_without_the_store_a_turn_ends() -> None:
    works = [Work(StoreUnavailable()), Work()]

    with pytest.raises(StoreUnavailable):
        await turn(works, until=UNTIL)

    assert works[1].until == []
