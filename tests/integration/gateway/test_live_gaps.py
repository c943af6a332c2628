"""Coming back to a stream of calls, and being told when some of them are missing."""

from typing import Any

import pytest
from redis.asyncio import Redis

from integration.live.models import Gap, Seen, Summary
from integration.live.service import RENEWAL_SECONDS, Watching
from tests.integration.gateway.platform import Platform
from tests.integration.gateway.watching import Begin, HandTimer, ask
from tests.integration.organizations import Org


async def many(redis: Redis, org: Org, calls: int, **trimming: Any) -> None:
    """Show the last call as often again."""
    name = f"{{{org.org_ref}}}:live"
    entries: Any = await redis.xrevrange(name, count=1)
    for _ in range(calls):
        await redis.xadd(name, entries[0][1], **trimming)


async def test_who_comes_back_goes_on_where_it_was(
    platform: Platform, org: Org, begin: Begin, watching: Watching
) -> None:
    first = await begin(org)
    await ask(platform, org)
    seen = await first.call()
    await watching.leave(first.watch)
    await ask(platform, org)  # while nobody is there
    second = await begin(org, last_seen=seen.position)
    found = await second.call()
    assert found.call is not None
    assert found.call.request_id == platform.usage(org)[1]["data"]["request_id"]


async def test_who_comes_back_too_late_is_told_that_calls_may_be_missing(org: Org, begin: Begin) -> None:
    watcher = await begin(org, last_seen="1764220302000-0")
    assert isinstance(await watcher.next(), Gap)


@pytest.mark.parametrize("another_watches_meanwhile", [False, True])
async def test_who_comes_back_after_a_while_in_which_nobody_watched_is_told_that_calls_may_be_missing(
    platform: Platform, org: Org, begin: Begin, watching: Watching, *, another_watches_meanwhile: bool
) -> None:
    first = await begin(org)
    await ask(platform, org)
    seen = await first.call()
    await watching.leave(first.watch)
    await platform.redis.delete(f"{{{org.org_ref}}}:watched")  # as it ends by itself, a minute later
    await ask(platform, org)
    if another_watches_meanwhile:
        await begin(org)
    second = await begin(org, last_seen=seen.position)
    await ask(platform, org)
    assert isinstance(await second.next(), Gap)
    found = await second.next()
    assert isinstance(found, Seen)
    assert found.call is not None
    assert found.call.request_id == platform.usage(org)[2]["data"]["request_id"]


async def test_a_watcher_that_was_away_for_long_is_told_that_calls_may_be_missing(
    platform: Platform, org: Org, begin: Begin, timer: HandTimer
) -> None:
    watcher = await begin(org)
    await ask(platform, org)
    await watcher.call()
    keys = [f"{{{org.org_ref}}}:{name}" for name in ("watched", "watchers")]
    await platform.redis.delete(*keys)  # as they end by themselves
    await ask(platform, org)
    timer.seconds = RENEWAL_SECONDS
    assert isinstance(await watcher.next(), Summary)  # it was kept on just before
    await ask(platform, org)
    assert isinstance(await watcher.next(), Gap)
    found = await watcher.next()
    assert isinstance(found, Seen)
    assert found.call is not None
    assert found.call.request_id == platform.usage(org)[2]["data"]["request_id"]


async def test_a_watcher_that_reads_too_slowly_is_told_that_calls_may_be_missing(
    platform: Platform, org: Org, begin: Begin, live_redis: Redis
) -> None:
    watcher = await begin(org)
    await ask(platform, org)
    await watcher.call()
    await many(live_redis, org, 1001, maxlen=1000, approximate=False)
    assert isinstance(await watcher.next(), Gap)
    assert all([isinstance(await watcher.next(), Seen) for _ in range(1000)])


async def test_whoever_falls_behind_and_misses_nothing_is_told_of_no_gap(
    platform: Platform, org: Org, begin: Begin, live_redis: Redis
) -> None:
    watcher = await begin(org)
    await ask(platform, org)
    await watcher.call()
    await many(live_redis, org, 300)
    assert all([isinstance(await watcher.next(), Seen) for _ in range(300)])


async def test_a_place_is_kept_while_somebody_watches_and_nothing_happens(
    platform: Platform, org: Org, begin: Begin, timer: HandTimer, watching: Watching
) -> None:
    watcher = await begin(org)
    await ask(platform, org)
    seen = await watcher.call()
    await platform.redis.pexpire(f"{{{org.org_ref}}}:live", 100_000)
    timer.seconds = RENEWAL_SECONDS
    await watcher.next()
    assert await platform.redis.pttl(f"{{{org.org_ref}}}:live") > 200_000
    await watching.leave(watcher.watch)
    again = await begin(org, last_seen=seen.position)
    await ask(platform, org)
    assert isinstance(await again.next(), Seen)
