"""Watching an organization's calls while the gateway settles them, over real Redis."""

import asyncio
from decimal import Decimal
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from integration.live.frames import frame
from integration.live.models import Beat, Ended, OtherProject, Seen, Summary
from integration.live.repository import PostgresOrganizations
from integration.live.service import HEARTBEAT_SECONDS, LONGEST_SECONDS, SUMMARY_SECONDS, Watching
from integration.live.store import RedisLiveCalls
from llmo_core.ids import new_id_text
from llmo_data import redis as redis_client
from tests.integration.gateway.platform import MovableClock, Platform
from tests.integration.gateway.watching import Begin, HandTimer, Watcher, ask
from tests.integration.messaging.proxy import running_proxy
from tests.integration.organizations import MakeOrg, Org


async def test_two_watchers_see_every_call_with_what_it_cost_and_nothing_of_what_was_said(
    platform: Platform, org: Org, begin: Begin
) -> None:
    watchers = [await begin(org), await begin(org)]
    await ask(platform, org, "What is the secret ingredient?", user="xavier")
    await ask(platform, org, "What is the secret ingredient?", user="xavier")
    recorded = [event["data"] for event in platform.usage(org)]
    for watcher in watchers:
        seen = [await watcher.call(), await watcher.call()]
        calls = [each.call for each in seen if each.call]
        assert [call.request_id for call in calls] == [event["request_id"] for event in recorded]
        assert [call.cache for call in calls] == ["miss", "hit"]
        assert [call.cost_usd for call in calls] == [event["cost_usd"] for event in recorded]
        assert Decimal(calls[0].cost_usd) > 0 == Decimal(calls[1].cost_usd) < Decimal(calls[1].saved_usd)
        assert all(b"secret" not in frame(each) and b"xavier" not in frame(each) for each in seen)


async def test_a_call_that_nobody_watches_leaves_nothing(platform: Platform, org: Org) -> None:
    await ask(platform, org)
    await ask(platform, org)
    assert len(platform.usage(org)) == 2
    assert await platform.redis.keys(f"{{{org.org_ref}}}:live*") == []
    assert await platform.redis.keys(f"{{{org.org_ref}}}:watched") == []


async def test_what_is_watched_is_gone_a_while_after_the_last_watcher(
    platform: Platform, org: Org, begin: Begin
) -> None:
    await begin(org)
    await ask(platform, org)
    assert 0 < await platform.redis.pttl(f"{{{org.org_ref}}}:watched") <= 60_000
    assert 0 < await platform.redis.pttl(f"{{{org.org_ref}}}:watchers") <= 60_000
    assert 0 < await platform.redis.pttl(f"{{{org.org_ref}}}:live") <= 300_000


async def test_only_the_last_thousand_calls_are_kept(
    platform: Platform, org: Org, begin: Begin, live_redis: Redis
) -> None:
    await begin(org)
    await ask(platform, org)
    for _ in range(1200):
        await live_redis.xadd(f"{{{org.org_ref}}}:live", {"event": "x" * 1600})
    await ask(platform, org)
    await ask(platform, org)
    assert 1000 <= await live_redis.xlen(f"{{{org.org_ref}}}:live") <= 1100  # trimmed node by node


async def test_nobody_sees_the_calls_of_another_organization(
    platform: Platform, org: Org, make_org: MakeOrg, begin: Begin
) -> None:
    other = await make_org()
    mine, filtered = await begin(org), await begin(other, wanted=org.project_id)
    theirs = await begin(other)
    await ask(platform, org, "one")
    await ask(platform, other, "two")
    for watcher, whose in ((mine, org), (theirs, other)):
        found = await watcher.call()
        assert found.call is not None
        assert found.call.project_id == whose.project_id
    next_one = asyncio.ensure_future(filtered.call())
    await ask(platform, other, "three")
    assert (await theirs.call()).call is not None
    assert not next_one.done()
    next_one.cancel()


async def test_credentials_of_a_project_see_that_project_only(
    platform: Platform, org: Org, begin: Begin, timer: HandTimer
) -> None:
    elsewhere = await begin(org, own_project=uuid4())
    here = await begin(org, own_project=org.project_id, wanted=org.project_id)
    await ask(platform, org)
    assert (await here.call()).call is not None
    telling = asyncio.ensure_future(elsewhere.next())
    timer.seconds = LONGEST_SECONDS
    told = [await telling, *await elsewhere.rest()]
    assert not [message for message in told if isinstance(message, Seen | Summary)]
    with pytest.raises(OtherProject):
        await begin(org, own_project=org.project_id, wanted=uuid4())


async def test_the_connection_is_kept_open_while_nothing_happens(org: Org, begin: Begin, timer: HandTimer) -> None:
    watcher = await begin(org)
    for beat in (1, 2):
        timer.seconds = HEARTBEAT_SECONDS * beat
        assert isinstance(await watcher.next(), Beat)


async def test_what_was_seen_is_summed_up_every_few_seconds(
    platform: Platform, org: Org, begin: Begin, timer: HandTimer
) -> None:
    watcher = await begin(org)
    await ask(platform, org)
    await ask(platform, org)
    first, second = await watcher.call(), await watcher.call()
    assert first.call
    assert second.call
    timer.seconds = SUMMARY_SECONDS
    summary = await watcher.next()
    assert summary == Summary().plus(first.call).plus(second.call)
    assert isinstance(summary, Summary)
    assert (summary.requests, summary.errors) == (2, 0)
    assert summary.cost_usd == Decimal(first.call.cost_usd)


async def test_a_stream_ends_by_itself_and_says_when_to_come_back(org: Org, begin: Begin, timer: HandTimer) -> None:
    watcher = await begin(org)
    timer.seconds = LONGEST_SECONDS
    (ended,) = await watcher.rest()
    assert isinstance(ended, Ended)
    assert frame(ended) == b"retry: 1000\nevent: end\ndata: {}\n\n"


async def test_a_stream_whose_redis_goes_away_says_so_and_ends(
    org: Org, redis_url: str, organizations: PostgresOrganizations, timer: HandTimer
) -> None:
    address = urlsplit(redis_url)
    async with running_proxy(address.hostname or "127.0.0.1", address.port or 6379) as proxy:
        client = redis_client.connect(address._replace(netloc=f"127.0.0.1:{proxy.port}").geturl())
        calls = RedisLiveCalls(client, clock=MovableClock())
        watching = Watching(organizations=organizations, calls=calls, timer=timer, new_watcher=new_id_text)
        watch = await watching.begin(org.org_id, actor_id=uuid4(), own_project=None, wanted=None, last_seen=None)
        watcher = Watcher(watching, watch)
        await watcher.next()
        proxy.go_down()
        (failed,) = await watcher.rest()
        await watching.leave(watch)  # raises nothing
        await client.aclose()
    assert frame(failed).startswith(b'retry: 5000\nevent: error\ndata: {"code":"live_unavailable"')


async def test_a_call_is_settled_though_it_cannot_be_shown(platform: Platform, org: Org, begin: Begin) -> None:
    await begin(org)
    await platform.redis.set(f"{{{org.org_ref}}}:live", "no stream")
    await ask(platform, org)
    await ask(platform, org)
    assert [event["data"]["status"] for event in platform.usage(org)] == ["ok", "ok"]
    assert await platform.redis.zcard(f"{{{org.org_ref}}}:holds") == 0


async def test_an_entry_that_cannot_be_read_is_passed_over(platform: Platform, org: Org, begin: Begin) -> None:
    watcher = await begin(org)
    await ask(platform, org)
    first = await watcher.call()
    for text in ("no json", "[]", '{"data": {}}', '{"data": {"cost_usd": "all of it"}}'):
        await platform.redis.xadd(f"{{{org.org_ref}}}:live", {"event": text})
    await ask(platform, org)
    second = await watcher.call()
    assert first.call is not None
    assert second.call is not None
    assert second.call.request_id == platform.usage(org)[1]["data"]["request_id"]


def test_small_amounts_are_written_out() -> None:
    assert b'"cost_usd":"0.0000007"' in frame(Summary(requests=1, cost_usd=Decimal("7E-7")))
