"""How many may watch an organization's calls, and who makes room."""

from itertools import count
from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis

from integration.live.frames import frame
from integration.live.models import Beat, Begun, TooManyWatchers
from integration.live.repository import PostgresOrganizations
from integration.live.service import RENEWAL_SECONDS, Watching
from integration.live.store import MOST_OF_ONE_ACTOR, MOST_WATCHERS, RedisLiveCalls
from llmo_core.ids import new_id_text
from tests.integration.gateway.platform import MovableClock, Platform
from tests.integration.gateway.watching import Begin, HandTimer, Watcher
from tests.integration.organizations import Org


async def test_too_many_watchers_are_refused_until_one_leaves(org: Org, begin: Begin, watching: Watching) -> None:
    watchers = [await begin(org) for _ in range(MOST_WATCHERS)]
    with pytest.raises(TooManyWatchers):
        await begin(org)
    await watching.leave(watchers[0].watch)
    await begin(org)


async def test_who_watches_too_often_loses_its_oldest_stream_and_nobody_elses(
    platform: Platform, org: Org, live_redis: Redis, organizations: PostgresOrganizations, timer: HandTimer
) -> None:
    numbers = (f"{number:03}" for number in count())
    calls = RedisLiveCalls(live_redis, clock=MovableClock())
    watching = Watching(organizations=organizations, calls=calls, timer=timer, new_watcher=lambda: next(numbers))

    async def begun(actor_id: UUID) -> Watcher:
        watch = await watching.begin(org.org_id, actor_id=actor_id, own_project=None, wanted=None, last_seen=None)
        watcher = Watcher(watching, watch)
        assert isinstance(await watcher.next(), Begun)
        return watcher

    ada, other = uuid4(), await begun(uuid4())
    streams = [await begun(ada) for _ in range(MOST_WATCHERS + 1)]  # reloads, of which Lambda tells nobody
    assert await platform.redis.zcard(f"{{{org.org_ref}}}:watchers") == MOST_OF_ONE_ACTOR + 1

    timer.seconds = RENEWAL_SECONDS
    for stream in streams[:-MOST_OF_ONE_ACTOR]:
        (displaced,) = await stream.rest()
        assert frame(displaced) == b'retry: 30000\nevent: end\ndata: {"reason":"displaced"}\n\n'
    for stream in (other, *streams[-MOST_OF_ONE_ACTOR:]):
        assert isinstance(await stream.next(), Beat)


async def test_a_watcher_that_died_makes_room_after_a_minute(
    org: Org, live_redis: Redis, organizations: PostgresOrganizations, timer: HandTimer
) -> None:
    clock = MovableClock()
    calls = RedisLiveCalls(live_redis, clock=clock)
    watching = Watching(organizations=organizations, calls=calls, timer=timer, new_watcher=new_id_text)
    for _ in range(MOST_WATCHERS):
        await watching.begin(org.org_id, actor_id=uuid4(), own_project=None, wanted=None, last_seen=None)
    clock.advance(61)
    await watching.begin(org.org_id, actor_id=uuid4(), own_project=None, wanted=None, last_seen=None)
