"""Watching an inbox while things come into it: over real Redis, and over HTTP as the web adapter hands requests on."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, suppress
from urllib.parse import urlsplit
from uuid import UUID

import aiohttp
import pytest
import pytest_asyncio
import uvicorn
from redis.asyncio import Redis

from llmo_core.ids import new_id, new_id_text
from llmo_data import redis as redis_client
from notification.inbox.models import InboxItem, Whose
from notification.kinds.models import Category
from notification.live import wiring
from notification.live.announcing import Announcer
from notification.live.app import app
from notification.live.models import Arrived, Beat, Begun, Displaced, Ended, Failed, Gap, LiveUnavailable, Message
from notification.live.service import HEARTBEAT_SECONDS, LONGEST_SECONDS, RENEWAL_SECONDS, WatchingInboxes
from notification.live.store import KEPT_MS, MOST_ITEMS, MOST_WATCHERS, RedisLiveInboxes
from tests.integration.api_caller import key_of
from tests.integration.messaging.proxy import running_proxy
from tests.integration.notification.people.calling import Own, Somebody
from tests.integration.organizations import MakeOrg, Org


class Undone(Exception):
    """What undoes a transaction."""


class HandTimer:
    """Seconds that go on when they are told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest_asyncio.fixture
async def live_redis(redis_url: str) -> AsyncIterator[Redis]:
    client = redis_client.connect(redis_url, max_connections=50)
    yield client
    await client.aclose()


@pytest.fixture
def inboxes(live_redis: Redis, own: Own) -> RedisLiveInboxes:
    return RedisLiveInboxes(live_redis, clock=own.clock)


@pytest.fixture
def timer() -> HandTimer:
    return HandTimer()


@pytest.fixture
def watching(inboxes: RedisLiveInboxes, timer: HandTimer) -> WatchingInboxes:
    return WatchingInboxes(inboxes=inboxes, timer=timer, new_watcher=new_id_text)


class Watcher:
    """Reads the messages of one stream, one by one."""

    def __init__(self, messages: AsyncIterator[Message]) -> None:
        self._messages = messages

    async def next(self) -> Message:
        return await anext(self._messages)

    async def title(self) -> str:
        """Of the next item."""
        while not isinstance(found := await self.next(), Arrived):
            pass
        assert found.item is not None
        return found.item.title


async def begun(watching: WatchingInboxes, whose: Whose, last_seen: str | None = None) -> tuple[Watcher, str]:
    """Begin to watch; the position to come back to."""
    watcher = Watcher(aiter(watching.messages(await watching.begin(whose, last_seen=last_seen))))
    first = await watcher.next()
    assert isinstance(first, Begun)
    return watcher, first.position


def an_item(own: Own, whose: Whose, title: str = "News") -> InboxItem:
    now = own.clock.now()
    return InboxItem(
        id=new_id(),
        org_id=whose.org_id,
        user_id=whose.user_id,
        notification_id=new_id(),
        kind="message",
        category=Category.UPDATES,
        title=title,
        body="",
        url=None,
        created_at=now,
        expires_at=now,
    )


def somebody(org: Org | None = None) -> Whose:
    return Whose(user_id=new_id(), org_id=org.org_id if org is not None else None)


async def test_who_watches_sees_what_comes_as_a_member_and_as_a_person_and_nothing_else(
    own: Own, org: Org, make_org: MakeOrg, inboxes: RedisLiveInboxes, watching: WatchingInboxes
) -> None:
    ada = somebody(org)
    watcher, _ = await begun(watching, ada)
    elsewhere, _ = await begun(watching, ada.model_copy(update={"org_id": (await make_org()).org_id}))
    colleague = somebody(org)
    await inboxes.put([an_item(own, ada, "of the organization"), an_item(own, colleague, "of a colleague")])
    await inboxes.put([an_item(own, Whose(user_id=ada.user_id, org_id=None), "about herself")])

    assert [await watcher.title(), await watcher.title()] == ["of the organization", "about herself"]
    assert await elsewhere.title() == "about herself"


async def test_who_comes_back_goes_on_after_the_last_event(
    own: Own, inboxes: RedisLiveInboxes, watching: WatchingInboxes
) -> None:
    ada = somebody()
    watcher, position = await begun(watching, ada)
    await inboxes.put([an_item(own, ada, title) for title in ("one", "two")])
    first = await watcher.next()
    assert isinstance(first, Arrived)
    resumed, _ = await begun(watching, ada, first.position)
    assert await resumed.title() == "two"
    from_the_start, _ = await begun(watching, ada, position)  # of a stream in which nothing had happened yet
    assert [await from_the_start.title(), await from_the_start.title()] == ["one", "two"]


async def test_who_begins_anew_is_not_told_of_what_came_before(
    own: Own, inboxes: RedisLiveInboxes, watching: WatchingInboxes
) -> None:
    ada = somebody()
    await inboxes.put([an_item(own, ada, "before")])
    watcher, _ = await begun(watching, ada)
    await inboxes.put([an_item(own, ada, "since")])
    assert await watcher.title() == "since"


async def test_who_may_have_missed_something_is_told_to_read_the_inbox_again(
    own: Own, inboxes: RedisLiveInboxes, watching: WatchingInboxes
) -> None:
    ada = somebody()
    _, position = await begun(watching, ada)
    await inboxes.put([an_item(own, ada, str(number)) for number in range(MOST_ITEMS - 1)])
    resumed, _ = await begun(watching, ada, position)
    assert await resumed.title() == "0"
    await inboxes.put([an_item(own, ada, str(number)) for number in range(10)])
    behind, _ = await begun(watching, ada, position)
    assert await behind.next() == Gap()
    assert await behind.title() == "9"  # ten of 109 are gone

    milliseconds = int(position.partition("-")[0]) - KEPT_MS - 60_000
    away_for_long, _ = await begun(watching, somebody(), f"{milliseconds}-0")
    assert await away_for_long.next() == Gap()


async def test_what_is_shown_is_gone_after_an_hour_and_watchers_after_a_minute(
    own: Own, inboxes: RedisLiveInboxes, watching: WatchingInboxes, live_redis: Redis
) -> None:
    ada = somebody()
    await begun(watching, ada)
    await inboxes.put([an_item(own, ada) for _ in range(MOST_ITEMS * 2)])
    names = {what: f"{{inbox:{ada.user_id}}}:{what}" for what in ("live", "watchers")}
    assert await live_redis.xlen(names["live"]) == MOST_ITEMS
    assert 0 < await live_redis.pttl(names["live"]) <= KEPT_MS
    assert 0 < await live_redis.pttl(names["watchers"]) <= 60_000


async def test_a_person_has_so_many_streams_and_the_oldest_gives_way(
    watching: WatchingInboxes, timer: HandTimer
) -> None:
    ada = somebody()
    watchers = [(await begun(watching, ada))[0] for _ in range(MOST_WATCHERS + 1)]
    await begun(watching, somebody())  # another person's is none of hers
    timer.seconds = RENEWAL_SECONDS
    ends = [await watcher.next() for watcher in watchers if watcher is not watchers[1]]
    assert ends[0] == Displaced()
    assert Displaced() not in ends[1:]


async def test_a_watcher_that_leaves_makes_room(watching: WatchingInboxes, live_redis: Redis) -> None:
    ada = somebody()
    watch = await watching.begin(ada, last_seen=None)
    await watching.leave(watch)
    assert await live_redis.exists(f"{{inbox:{ada.user_id}}}:watchers") == 0


async def test_a_quiet_stream_beats_and_ends_by_itself(watching: WatchingInboxes, timer: HandTimer) -> None:
    watcher, _ = await begun(watching, somebody())
    timer.seconds = HEARTBEAT_SECONDS
    assert await watcher.next() == Beat()
    timer.seconds = LONGEST_SECONDS
    assert await watcher.next() == Ended()


async def test_an_entry_that_cannot_be_read_is_passed_over(
    own: Own, inboxes: RedisLiveInboxes, watching: WatchingInboxes, live_redis: Redis
) -> None:
    ada = somebody()
    watcher, _ = await begun(watching, ada)
    await live_redis.xadd(f"{{inbox:{ada.user_id}}}:live", {"item": "{}"})
    await inboxes.put([an_item(own, ada, "after it")])
    assert await watcher.title() == "after it"


async def test_items_are_shown_once_they_are_committed_and_never_when_they_are_not(
    own: Own, inboxes: RedisLiveInboxes, watching: WatchingInboxes
) -> None:
    ada = somebody()
    announcer = Announcer(shown=inboxes, after_commit=own.database.after_commit)
    watcher, _ = await begun(watching, ada)
    with suppress(Undone):
        async with own.database.transaction():
            announcer.announce([an_item(own, ada, "undone")])
            raise Undone
    async with own.database.transaction():
        announcer.announce([])
        announcer.announce([an_item(own, ada, "first")])
        announcer.announce([an_item(own, ada, "second")])
        assert await inboxes.after(ada.user_id, "0-0", 0.001) == []
    assert [await watcher.title(), await watcher.title()] == ["first", "second"]


async def test_without_redis_the_inbox_is_filled_and_read_and_a_stream_says_that_it_breaks_off(
    own: Own, ada: Somebody, redis_url: str, timer: HandTimer
) -> None:
    at = urlsplit(redis_url)
    async with running_proxy(str(at.hostname), at.port or 6379) as proxy:
        client = redis_client.connect(f"redis://127.0.0.1:{proxy.port}")
        inboxes = RedisLiveInboxes(client, clock=own.clock)
        watching = WatchingInboxes(inboxes=inboxes, timer=timer, new_watcher=new_id_text)
        whose = Whose(user_id=ada.user_id, org_id=ada.person.org_id)
        watcher, _ = await begun(watching, whose)
        proxy.point_at("127.0.0.1", 1)
        proxy.cut()

        failed = await watcher.next()
        assert isinstance(failed, Failed)
        assert failed.code == "live_unavailable"
        with pytest.raises(LiveUnavailable):
            await watching.begin(whose, last_seen=None)
        announcer = Announcer(shown=inboxes, after_commit=own.database.after_commit)
        async with own.database.transaction(ada.person.org_id):
            item = an_item(own, whose).model_copy(update={"expires_at": own.clock.now().replace(year=9000)})
            await own.inbox.add(ada.person.org_id, [item])
            announcer.announce([item])
        await client.aclose()
    assert (await ada("GET", "/inbox/count")).json() == {"unread": 1, "unseen": 1}


@pytest_asyncio.fixture
async def url(watching: WatchingInboxes, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """The live view under uvicorn, as the web adapter starts it."""

    async def prepared() -> WatchingInboxes:
        return watching

    monkeypatch.setitem(app.dependency_overrides, wiring.watching, prepared)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, http="h11", lifespan="off", log_config=None, access_log=False))
    running = asyncio.create_task(server.serve([listener]))
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1/inbox/live"
    server.should_exit = True
    await running


def context_of(caller: Somebody) -> str:
    return json.dumps({"path": "/api/v1/inbox/live", "authorizer": caller.person.to_context()})


async def events(response: aiohttp.ClientResponse) -> AsyncIterator[Mapping[str, str]]:
    """Server-sent events as their fields; comments are left out."""
    fields: dict[str, str] = {}
    async for line in response.content:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name in {"event", "id", "data", "retry"}:
            fields[name] = value
        elif not name and not value and fields:
            yield fields
            fields = {}


async def test_a_client_reads_server_sent_events_and_its_place_is_free_when_it_leaves(
    own: Own, ada: Somebody, inboxes: RedisLiveInboxes, live_redis: Redis, url: str
) -> None:
    headers = {"x-amzn-request-context": context_of(ada)}
    whose = Whose(user_id=ada.user_id, org_id=ada.person.org_id)
    watchers = f"{{inbox:{ada.user_id}}}:watchers"
    async with aiohttp.ClientSession() as http:
        async with http.get(url, headers=headers) as response, aclosing(events(response)) as stream:  # type: ignore[type-var]
            assert response.status == 200
            assert response.headers["content-type"].startswith("text/event-stream")
            assert response.headers["cache-control"] == "no-store"
            assert (await anext(stream)).keys() == {"retry", "id"}
            item = an_item(own, whose, "80 %")
            await inboxes.put([item])
            shown = await anext(stream)
            assert shown["event"] == "item"
            assert (UUID(json.loads(shown["data"])["id"]), json.loads(shown["data"])["title"]) == (item.id, "80 %")
            assert await live_redis.zcard(watchers) == 1
        async with asyncio.timeout(5):
            while await live_redis.zcard(watchers):
                pass  # asking takes a round trip
        await inboxes.put([an_item(own, whose, "later")])
        resumed = {**headers, "Last-Event-ID": shown["id"]}
        async with http.get(url, headers=resumed) as response, aclosing(events(response)) as stream:  # type: ignore[type-var]
            await anext(stream)
            assert json.loads((await anext(stream))["data"])["title"] == "later"


async def test_who_is_nobody_or_no_person_is_refused(org: Org, ada: Somebody, url: str) -> None:
    program = json.dumps({"authorizer": key_of(org, frozenset({"notifications:read"})).to_context()})
    mine = context_of(ada)
    async with aiohttp.ClientSession() as http:
        for headers, status in (
            ([], 401),
            ([("x-amzn-request-context", "no json")], 401),
            ([("x-amzn-request-context", mine), ("x-amzn-request-context", mine)], 401),  # whose is which?
            ([("x-amzn-request-context", program)], 403),
            ([("x-amzn-request-context", mine), ("Last-Event-ID", "yesterday")], 400),
            ([("x-amzn-request-context", mine), ("Last-Event-ID", f"{2**64}-0")], 400),
        ):
            async with http.get(url, headers=headers) as response:
                assert response.status == status, headers
                assert response.headers["content-type"] == "application/problem+json"
