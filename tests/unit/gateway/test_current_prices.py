"""Looking for another edition: once for all, once a minute, and never at a call's expense."""

import asyncio
from datetime import timedelta

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from integration.gateway.current_prices import CurrentPrices
from integration.gateway.price_copies import CopyBroken, RedisPriceCopies
from integration.price_editions import StoredEdition, packaged, stored
from llmo_core.errors import Unavailable


def edition(day: int) -> StoredEdition:
    """An edition so many days newer than the packaged one."""
    return stored(packaged().dated + timedelta(days=day), {"openai": b"{}"})


class Copies(RedisPriceCopies):
    """What Redis knows, and how often it was asked; `open` lets answers through."""

    def __init__(self, known: StoredEdition | None = None) -> None:
        self.known = known
        self.wrong: Exception | None = None
        self.asked = 0
        self.fetched = 0
        self.filled: list[StoredEdition | None] = []
        self.open = asyncio.Event()
        self.open.set()

    async def version(self) -> str | None:
        self.asked += 1
        await self.open.wait()
        if self.wrong:
            raise self.wrong
        return self.known.name.version if self.known else None

    async def edition(self) -> StoredEdition:
        self.fetched += 1
        assert self.known
        return self.known

    async def fill(self, edition: StoredEdition | None) -> None:
        self.filled.append(edition)


class Rows:
    """What PostgreSQL knows."""

    def __init__(self, known: StoredEdition | None = None) -> None:
        self.known = known
        self.wrong: Exception | None = None

    async def newest_prices(self) -> StoredEdition | None:
        if self.wrong:
            raise self.wrong
        return self.known


class Watch:
    """Seconds that a test counts."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


async def test_it_looks_once_a_minute_and_fetches_what_is_new_once() -> None:
    copies, watch = Copies(edition(1)), Watch()
    prices = CurrentPrices(copies, Rows(), timer=watch)
    for second in range(0, 180, 10):
        watch.seconds = second
        await prices.look()
    assert (copies.asked, copies.fetched) == (3, 1)
    assert prices.edition().version == edition(1).name.version


async def test_many_calls_that_come_at_once_wait_for_one_look() -> None:
    copies = Copies(edition(1))
    copies.open.clear()
    prices = CurrentPrices(copies, Rows(), timer=Watch())
    looking = [asyncio.create_task(prices.look()) for _ in range(10)]
    await asyncio.sleep(0)
    copies.open.set()
    await asyncio.gather(*looking)
    assert copies.asked == 1
    assert prices.edition().version == edition(1).name.version


async def test_a_caller_that_goes_takes_the_look_from_nobody() -> None:
    copies = Copies(edition(1))
    copies.open.clear()
    prices = CurrentPrices(copies, Rows(), timer=Watch())
    going, staying = asyncio.create_task(prices.look()), asyncio.create_task(prices.look())
    await asyncio.sleep(0)
    going.cancel()
    copies.open.set()
    await staying
    assert prices.edition().version == edition(1).name.version


async def test_a_look_that_takes_long_keeps_nobody_waiting_and_counts_when_it_is_done() -> None:
    copies = Copies(edition(1))
    copies.open.clear()
    prices = CurrentPrices(copies, Rows(), timer=Watch(), patience=0)
    await prices.look()
    assert prices.edition().version == packaged().version
    copies.open.set()
    assert prices._looking is not None
    await prices._looking
    assert prices.edition().version == edition(1).name.version


async def test_a_defect_is_logged_and_keeps_no_call_from_its_answer(caplog: pytest.LogCaptureFixture) -> None:
    copies = Copies(edition(1))
    copies.wrong = TypeError("a defect")
    prices = CurrentPrices(copies, Rows(), timer=Watch())
    await prices.look()
    await asyncio.sleep(0)
    assert prices.edition().version == packaged().version
    assert "no look at the prices" in caplog.text


@pytest.mark.parametrize("wrong", [RedisConnectionError("away"), CopyBroken("half")])
async def test_whatever_is_wrong_with_redis_the_edition_stays(wrong: Exception) -> None:
    copies, watch = Copies(edition(1)), Watch()
    prices = CurrentPrices(copies, Rows(), timer=watch)
    await prices.look()
    copies.wrong = wrong
    watch.seconds = 60
    await prices.look()
    assert prices.edition().version == edition(1).name.version


async def test_when_redis_lost_it_and_postgresql_is_away_the_edition_stays_and_nothing_is_noted() -> None:
    copies, rows, watch = Copies(edition(1)), Rows(), Watch()
    prices = CurrentPrices(copies, rows, timer=watch)
    await prices.look()
    copies.known, rows.wrong, watch.seconds = None, Unavailable("away"), 60
    await prices.look()
    assert prices.edition().version == edition(1).name.version
    assert copies.filled == []


async def test_a_process_that_finds_nothing_anywhere_goes_by_the_packaged_edition() -> None:
    copies, rows = Copies(), Rows()
    copies.wrong = rows.wrong = RedisConnectionError("away")
    prices = CurrentPrices(copies, rows, timer=Watch())
    await prices.look()
    assert prices.edition().version == packaged().version


async def test_what_redis_lost_is_told_it_again() -> None:
    copies = Copies()
    await CurrentPrices(copies, Rows(edition(1)), timer=Watch()).look()
    assert copies.filled == [edition(1)]


@pytest.mark.parametrize("day", [-1, 0])
async def test_the_packaged_edition_goes_before_one_that_is_not_newer(day: int) -> None:
    prices = CurrentPrices(Copies(edition(day)), Rows(), timer=Watch())
    await prices.look()
    assert prices.edition().version == packaged().version
