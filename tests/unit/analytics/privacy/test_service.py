"""Erasing people, some documents at a time."""

from collections.abc import Collection
from datetime import UTC, datetime
from uuid import UUID

import pytest

from analytics.models import StoreUnavailable
from analytics.privacy.models import MOST_ERASED, Part
from analytics.privacy.service import ErasureService

ORG = UUID(int=1)
MINUTE = datetime(2026, 8, 17, 12, tzinfo=UTC)


class Documents:
    """Holds numbers of documents; `fails` is how many erasures work before the store is gone."""

    def __init__(self, count: int, *, fails: int | None = None) -> None:
        self.left = count
        self.fails = fails

    async def of(self, _org_id: UUID, _user_id: str, *, limit: int) -> Part:
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


async def test_what_one_request_cannot_erase_the_next_ones_do() -> None:
    service = ErasureService(events=Documents(2 * MOST_ERASED), calls=Documents(7), sums_of_events=[], sums_of_calls=[])

    answers = [await service.erase(ORG, "u-1") for _ in range(3)]

    assert [(each.events, each.calls, each.done) for each in answers] == [
        (MOST_ERASED, 7, False),
        (MOST_ERASED, 0, False),
        (0, 0, True),
    ]


async def test_sums_are_marked_even_when_the_store_goes_away_in_the_middle() -> None:
    marks = Marks()
    service = ErasureService(
        events=Documents(10, fails=0), calls=Documents(0), sums_of_events=[marks], sums_of_calls=[]
    )

    with pytest.raises(StoreUnavailable):
        await service.erase(ORG, "u-1")

    assert marks.marked == [frozenset({MINUTE})]
