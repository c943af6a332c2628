"""The live view over HTTP: server-sent events, and who gets them."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing
from uuid import uuid4

import aiohttp
import orjson
import pytest
import pytest_asyncio
import uvicorn

from integration.live import wiring
from integration.live.app import app
from integration.live.service import Watching
from tests.integration.gateway.platform import Platform
from tests.integration.gateway.watching import ask, context_of, events
from tests.integration.organizations import MakeOrg, Org


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
            begun = await anext(stream)
            assert begun.keys() == {"retry", "id"}
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
        resumed["Last-Event-ID"] = begun["id"]  # of a stream in which nothing had happened yet
        async with http.get(url, headers=resumed) as response, aclosing(events(response)) as stream:  # type: ignore[type-var]
            await anext(stream)
            caches = [orjson.loads((await anext(stream))["data"])["cache"] for _ in range(2)]
            assert caches == ["miss", "hit"]


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
