"""A key that web pages hold sends so many events in a minute, and no more; one of a server any number."""

import asyncio
import socket
from uuid import UUID

import pytest
from redis.asyncio import Redis

from analytics.tracking.models import TooManyEvents
from analytics.tracking.rates import RedisRates
from llmo_auth.principal import Permission
from llmo_core.ids import new_id
from llmo_data import redis
from tests.integration.analytics.tracking.calling import Tracked, event
from tests.integration.api_caller import problem

APPENDS = frozenset({Permission.EVENTS_WRITE})


class Full:
    """Nothing more may come for a while."""

    async def take(self, key_id: UUID, events: int) -> None:  # noqa: ARG002 - of nobody
        raise TooManyEvents(retry_after_seconds=12.5)


async def test_no_more_than_the_limit_comes_however_it_is_sent(redis_client: Redis) -> None:
    rates, key_id = RedisRates(redis_client, per_minute=1_000), new_id()

    answers = await asyncio.gather(*(rates.take(key_id, 100) for _ in range(15)), return_exceptions=True)

    assert sum(answer is None for answer in answers) == 10
    refusal = next(answer for answer in answers if answer is not None)
    assert isinstance(refusal, TooManyEvents)
    assert 5 <= refusal.retry_after_seconds <= 6


async def test_what_is_refused_is_not_counted(redis_client: Redis) -> None:
    rates, key_id = RedisRates(redis_client, per_minute=1_000), new_id()
    await rates.take(key_id, 900)

    for _ in range(5):
        with pytest.raises(TooManyEvents):
            await rates.take(key_id, 200)

    await rates.take(key_id, 100)


async def test_each_key_has_a_limit_of_its_own_that_is_forgotten_when_it_is_whole_again(redis_client: Redis) -> None:
    rates, key_id = RedisRates(redis_client, per_minute=1_000), new_id()
    await rates.take(key_id, 1_000)

    await rates.take(new_id(), 1_000)

    assert 0 < await redis_client.pttl(f"analytics:web:{key_id}") <= 60_000


async def test_without_redis_events_are_not_lost() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        client = redis.connect(f"redis://127.0.0.1:{closed.getsockname()[1]}/0")

        await RedisRates(client, per_minute=1_000).take(new_id(), 1_000)

        await client.aclose()


async def test_only_what_web_pages_send_is_counted_and_every_event_of_a_batch_is(tracked: Tracked) -> None:
    page, server = tracked.caller(APPENDS), tracked.caller()
    for caller in (page, server):
        await caller("POST", "/events", json=event(1))
        await caller("POST", "/events/batch", json={"events": [event(2), event(3)]})

    assert tracked.rates.taken == [(page.principal.actor_id, 1), (page.principal.actor_id, 2)]


async def test_a_page_that_sends_too_much_is_told_when_to_come_back_and_nothing_is_kept(tracked: Tracked) -> None:
    tracked.service._rates = Full()  # the same service, over a limit that is used up
    page = tracked.caller(APPENDS)

    one = await page("POST", "/events", json=event(1))
    batch = await page("POST", "/events/batch", json={"events": [event(2)]})

    for refused in (one, batch):
        assert problem(refused) == (429, "too_many_events")
        assert refused.headers["retry-after"] == "13"
    assert await tracked.database["tracked_events"].count_documents({"org_id": tracked.org_id}) == 0
    assert (await tracked.caller()("POST", "/events", json=event(1))).status_code == 200
