"""Erasing people, some documents at a time."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from uuid import UUID

import pytest

from analytics.deadlines import Deadline
from analytics.erasures.models import Kind, Person
from analytics.models import StoreUnavailable
from analytics.privacy.models import MOST_ERASED, Part
from analytics.privacy.service import ErasureService
from tests.clocks import MovableClock

ORG = UUID(int=1)
ADA = Person(Kind.USER, "ada")
MINUTE = datetime(2026, 8, 17, 12, tzinfo=UTC)


class Documents:
    """Holds numbers of documents; `fails` is how many erasures work before the store is gone."""

    def __init__(self, count: int, *, fails: int | None = None) -> None:
        self.left = count
        self.fails = fails

    async def of(self, _org_id: UUID, _person: Person, *, limit: int) -> Part:
        return Part(
            ids=[UUID(int=number) for number in range(min(self.left, limit))],
            minutes=frozenset({MINUTE} if self.left else ()),
        )

    async def erase(self, _org_id: UUID, part: Part) -> None:
        if self.fails == 0:
            raise StoreUnavailable
        self.fails = self.fails and self.fails - 1
        self.left -= len(part.ids)


class Marks:
    """Remembers minutes; keeps no sums."""

    def __init__(self) -> None:
        self.marked: list[Collection[datetime]] = []

    async def mark(self, _org_id: UUID, minutes: Collection[datetime]) -> None:
        self.marked.append(minutes)


class Steps:
    """Remembers what else was done, in order; `slow` is when sums take longer than there is time."""

    def __init__(self, *, slow: bool = False) -> None:
        self.done: list[str] = []
        self._slow = slow

    async def remember(self, _org_id: UUID, _person: Person, *, at: datetime) -> None:
        self.done.append(f"remembered at {at:%H:%M}")

    async def forget(self, _org_id: UUID, _name: str, *, deadline: Deadline) -> int:
        if self._slow:
            raise deadline.too_slow()
        self.done.append("sums")
        return 3

    async def rename(self, _org_id: UUID, _user_id: str) -> None:
        self.done.append("filters")

    async def withdraw(self, _org_id: UUID, *, now: datetime) -> int:
        self.done.append(f"files of {now:%H:%M}")
        return 2


def erasing(events: Documents, calls: Documents, steps: Steps, sums: Sequence[Marks] = ()) -> ErasureService:
    return ErasureService(
        events=events,
        calls=calls,
        sums_of_events=sums,
        sums_of_calls=[],
        memory=steps,
        names=steps,
        files=steps,
        clock=MovableClock(MINUTE),
    )


async def test_what_one_request_cannot_erase_the_next_ones_do() -> None:
    service = erasing(Documents(2 * MOST_ERASED), Documents(7), Steps())

    answers = [await service.erase(ORG, ADA) for _ in range(3)]

    assert [(each.events, each.calls, each.rollups, each.files, each.done) for each in answers] == [
        (MOST_ERASED, 7, 0, 0, False),
        (MOST_ERASED, 0, 0, 0, False),
        (0, 0, 3, 2, True),
    ]


async def test_whoever_is_erased_is_remembered_first_and_files_go_last() -> None:
    steps = Steps()

    await erasing(Documents(1), Documents(1), steps).erase(ORG, ADA)

    assert steps.done == ["remembered at 12:00", "sums", "filters", "files of 12:00"]


async def test_an_anonymous_visitor_is_in_no_sums_of_calls_and_in_no_filters() -> None:
    steps = Steps()

    await erasing(Documents(1), Documents(0), steps).erase(ORG, Person(Kind.ANONYMOUS, "a-1"))

    assert steps.done == ["remembered at 12:00", "files of 12:00"]


async def test_what_takes_longer_than_a_request_may_is_repeated() -> None:
    erased = await erasing(Documents(1), Documents(0), Steps(slow=True)).erase(ORG, ADA)

    assert (erased.events, erased.done) == (1, False)


async def test_sums_are_marked_even_when_the_store_goes_away_in_the_middle() -> None:
    marks = Marks()
    service = erasing(Documents(10, fails=0), Documents(0), Steps(), [marks])

    with pytest.raises(StoreUnavailable):
        await service.erase(ORG, ADA)

    assert marks.marked == [frozenset({MINUTE})]
