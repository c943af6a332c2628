"""Watching an organization's calls while the gateway settles them, over real Redis."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp
import orjson
import pytest
import pytest_asyncio
import uvicorn
from redis.asyncio import Redis

from integration.live import wiring
from integration.live.app import app
from integration.live.frames import frame
from integration.live.models import Beat, Begun, Ended, Gap, OtherProject, Seen, Summary, TooManyWatchers
from integration.live.repository import PostgresOrganizations
from integration.live.service import HEARTBEAT_SECONDS, LONGEST_SECONDS, SUMMARY_SECONDS, Watching
from integration.live.store import MOST_WATCHERS, RedisLiveCalls
from llmo_core.ids import new_id_text
from llmo_data import redis as redis_client
from llmo_data.postgres import Database
from tests.integration.gateway.platform import MovableClock, Platform
from tests.integration.gateway.watching import HandTimer, Watcher, context_of, events
from tests.integration.messaging.proxy import running_proxy
from tests.integration.organizations import MakeOrg, Org
from tests.integration.stores import Postgres

type Begin = Callable[..., Any]


@pytest_asyncio.fixture(scope="session")
async def live_redis(redis_url: str) -> AsyncIterator[Redis]:
    client = redis_client.connect(redis_url, max_connections=50)
    yield client
    await client.aclose()


@pytest_asyncio.fixture(scope="session")
async def organizations(postgres: Postgres) -> AsyncIterator[PostgresOrganizations]:
    database = Database(postgres.conninfo("llmo_integration"), max_connections=4)
    yield PostgresOrganizations(database)
    await database.close()


@pytest.fixture
def timer() -> HandTimer:
    return HandTimer()


@pytest.fixture
def watching(live_redis: Redis, organizations: PostgresOrganizations, timer: HandTimer) -> Watching:
    calls = RedisLiveCalls(live_redis, clock=MovableClock())
    return Watching(organizations=organizations, calls=calls, timer=timer, new_watcher=new_id_text)


@pytest.fixture
def begin(watching: Watching) -> Begin:
    async def begun(org: Org, **options: Any) -> Watcher:
        options = {"own_project": None, "wanted": None, "last_seen": None, **options}
        watcher = Watcher(watching, await watching.begin(org.org_id, **options))
        assert isinstance(await watcher.next(), Begun)
        return watcher

    return begun


async def ask(platform: Platform, org: Org, text: str = "Say hello", **options: Any) -> None:
    client = platform.client(org)
    await client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": text}], **options)


async def test_two_watchers_see_every_call_with_what_it_cost_and_nothing_of_what_was_said(
    platform: Platform, org: Org, begin: Begin
) -> None:
    watchers = [await begin(org), await begin(org)]
    await ask(platform, org, "What is the secret ingredient?", user="ada")
    await ask(platform, org, "What is the secret ingredient?", user="ada")
    recorded = [event["data"] for event in platform.usage(org)]
    for watcher in watchers:
        seen = [await watcher.call(), await watcher.call()]
        calls = [each.call for each in seen if each.call]
        assert [call.request_id for call in calls] == [event["request_id"] for event in recorded]
        assert [call.cache for call in calls] == ["miss", "hit"]
        assert [call.cost_usd for call in calls] == [event["cost_usd"] for event in recorded]
        assert Decimal(calls[0].cost_usd) > 0 == Decimal(calls[1].cost_usd) < Decimal(calls[1].saved_usd)
        assert all(b"secret" not in frame(each) and b"ada" not in frame(each) for each in seen)


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


async def test_too_many_watchers_are_refused_until_one_leaves(org: Org, begin: Begin, watching: Watching) -> None:
    watchers = [await begin(org) for _ in range(MOST_WATCHERS)]
    with pytest.raises(TooManyWatchers):
        await begin(org)
    await watching.leave(watchers[0].watch)
    await begin(org)


async def test_a_watcher_that_died_makes_room_after_a_minute(
    org: Org, live_redis: Redis, organizations: PostgresOrganizations, timer: HandTimer
) -> None:
    clock = MovableClock()
    calls = RedisLiveCalls(live_redis, clock=clock)
    watching = Watching(organizations=organizations, calls=calls, timer=timer, new_watcher=new_id_text)
    for _ in range(MOST_WATCHERS):
        await watching.begin(org.org_id, own_project=None, wanted=None, last_seen=None)
    clock.advance(61)
    await watching.begin(org.org_id, own_project=None, wanted=None, last_seen=None)


async def test_a_stream_whose_redis_goes_away_says_so_and_ends(
    org: Org, redis_url: str, organizations: PostgresOrganizations, timer: HandTimer
) -> None:
    address = urlsplit(redis_url)
    async with running_proxy(address.hostname or "127.0.0.1", address.port or 6379) as proxy:
        client = redis_client.connect(address._replace(netloc=f"127.0.0.1:{proxy.port}").geturl())
        calls = RedisLiveCalls(client, clock=MovableClock())
        watching = Watching(organizations=organizations, calls=calls, timer=timer, new_watcher=new_id_text)
        watch = await watching.begin(org.org_id, own_project=None, wanted=None, last_seen=None)
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


@pytest_asyncio.fixture
async def url(watching: Watching, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """The live view under uvicorn, as the web adapter starts it."""

    async def prepared() -> Watching:
        return watching

    monkeypatch.setitem(app.dependency_overrides, wiring.watching, prepared)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, http="httptools", lifespan="off", log_config=None, access_log=False))
    running = asyncio.create_task(server.serve([listener]))
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1/usage/live"
    server.should_exit = True
    await running


async def test_a_client_reads_server_sent_events_and_its_place_is_free_when_it_leaves(
    platform: Platform, org: Org, url: str
) -> None:
    headers = {"x-amzn-request-context": context_of(org)}
    async with aiohttp.ClientSession() as http:
        async with http.get(url, headers=headers) as response, aclosing(events(response)) as stream:  # type: ignore[type-var]
            assert response.status == 200
            assert response.headers["content-type"].startswith("text/event-stream")
            assert await anext(stream) == {"retry": "1000"}
            await ask(platform, org)
            usage = await anext(stream)
            assert usage["event"] == "usage"
            assert orjson.loads(usage["data"])["model"].startswith("gpt-4o-mini")
            assert await platform.redis.zcard(f"{{{org.org_ref}}}:watchers") == 1
        async with asyncio.timeout(5):
            while await platform.redis.zcard(f"{{{org.org_ref}}}:watchers"):
                pass  # asking takes a round trip
        resumed = {**headers, "Last-Event-ID": usage["id"]}
        await ask(platform, org)
        async with http.get(url, headers=resumed) as response, aclosing(events(response)) as stream:  # type: ignore[type-var]
            await anext(stream)
            assert orjson.loads((await anext(stream))["data"])["cache"] == "hit"


async def test_who_may_not_read_usage_or_is_nobody_is_refused(org: Org, url: str) -> None:
    mine = context_of(org)
    async with aiohttp.ClientSession() as http:
        for headers, status in (
            ([], 401),
            ([("x-amzn-request-context", "no json")], 401),
            ([("x-amzn-request-context", '{"authorizer": "me"}')], 401),
            ([("x-amzn-request-context", mine), ("x-amzn-request-context", mine)], 401),  # whose is which?
            ([("x-amzn-request-context", context_of(org, permissions=("llm:call",)))], 403),
            ([("x-amzn-request-context", mine), ("Last-Event-ID", "yesterday")], 400),
            ([("x-amzn-request-context", mine), ("Last-Event-ID", f"{2**64}-0")], 400),
        ):
            async with http.get(url, headers=headers) as response:
                assert response.status == status, headers
                assert response.headers["content-type"] == "application/problem+json"
        project = {"x-amzn-request-context": context_of(org, project_id=org.project_id)}
        async with http.get(url, params={"project_id": str(uuid4())}, headers=project) as response:
            assert (response.status, (await response.json(content_type=None))["type"]) == (
                403,
                "urn:llmo:problem:other_project",
            )
        async with http.get(url, params={"project_id": "mine"}, headers=project) as response:
            assert response.status == 422


async def test_a_closed_organization_is_not_watched(org: Org, make_org: MakeOrg, url: str) -> None:
    async with make_org.connection.transaction():
        await make_org.connection.execute("SELECT set_config('app.org_id', %s, true)", (str(org.org_id),))
        await make_org.connection.execute(
            "UPDATE auth.organizations SET closed_at = now() WHERE id = %s", (org.org_id,)
        )
    async with (
        aiohttp.ClientSession() as http,
        http.get(url, headers={"x-amzn-request-context": context_of(org)}) as no,
    ):
        assert no.status == 404
