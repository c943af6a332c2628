"""Refreshing the price tables, from a source over TLS to PostgreSQL, Redis and the bus."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from aiohttp import web
from redis.asyncio import Redis

from integration.price_editions import packaged
from integration.price_tables.models import Outcome, PricesMalformed, PricesRefused, SourceUnavailable, Status
from integration.price_tables.source import HttpsSource
from llmo_core.clock import SystemClock
from tests.integration.management.clocks import At
from tests.integration.prices.conftest import Published, Refreshing, Source, price_of

type Announced = Callable[[], list[dict[str, Any]]]


def dearer(published: Published) -> None:
    price_of(published, "openai", "gpt-4o-mini")["input_mtok"] = 0.3


def absurd(published: Published) -> None:
    price_of(published, "openai", "gpt-4o-mini")["input_mtok"] = 150


async def refreshed(refreshing: Refreshing, *, accept: str | None = None) -> Outcome:
    async with refreshing() as refresh:
        return await refresh.run(accept=accept)


def versions(admin: psycopg.Connection) -> list[str]:
    rows = admin.execute("SELECT version FROM integration.price_tables ORDER BY dated").fetchall()
    return [version for (version,) in rows]


async def test_other_prices_are_kept_announced_and_laid_out_for_gateways(
    source: Source, refreshing: Refreshing, admin: psycopg.Connection, announced: Announced, redis_client: Redis
) -> None:
    source.publish(dearer)

    done = await refreshed(refreshing)

    assert (done.status, done.added, done.changed, done.removed) == (Status.REFRESHED, 0, 1, 0)
    assert versions(admin) == [done.version]
    (event,) = announced()
    assert "orgid" not in event
    assert event["data"] | {"dated": None} == {
        "version": done.version,
        "dated": None,
        "previous": packaged().version,
        "models": event["data"]["models"],
        "added": [],
        "added_count": 0,
        "changed": ["openai/gpt-4o-mini"],
        "changed_count": 1,
        "removed": [],
        "removed_count": 0,
        "accepted": False,
    }
    laid_out = await redis_client.hgetall("price_tables:1")
    assert laid_out[b"version"] == done.version.encode()
    (model,) = [each for each in json.loads(laid_out[b"openai"])["models"] if each["id"] == "gpt-4o-mini"]
    assert model["prices"][0]["input"] == [[0, "0.3"]]


async def test_the_prices_of_the_package_are_no_news(
    refreshing: Refreshing, admin: psycopg.Connection, announced: Announced
) -> None:
    done = await refreshed(refreshing)

    assert done == Outcome(status=Status.UNCHANGED, version=packaged().version)
    assert (versions(admin), announced()) == ([], [])


async def test_the_same_prices_again_are_no_news_and_redis_gets_back_what_it_lost(
    source: Source, refreshing: Refreshing, admin: psycopg.Connection, announced: Announced, redis_client: Redis
) -> None:
    source.publish(dearer)
    first = await refreshed(refreshing)
    await redis_client.delete("price_tables:1")

    second = await refreshed(refreshing)

    assert second == Outcome(status=Status.UNCHANGED, version=first.version)
    assert (len(versions(admin)), len(announced())) == (1, 1)
    assert await redis_client.hget("price_tables:1", "version") == first.version.encode()


async def test_prices_that_go_back_to_those_of_the_package_are_an_edition_of_their_own(
    source: Source, refreshing: Refreshing, admin: psycopg.Connection, announced: Announced
) -> None:
    source.publish(dearer)
    first = await refreshed(refreshing)
    admin.execute("UPDATE integration.price_tables SET dated = dated - interval '1 minute'")
    source.publish(lambda published: published)

    second = await refreshed(refreshing)

    assert second.status is Status.REFRESHED
    assert versions(admin) == [first.version, second.version]
    assert announced()[1]["data"]["previous"] == first.version


async def test_two_runs_at_once_keep_and_announce_one_edition(
    source: Source, refreshing: Refreshing, admin: psycopg.Connection, announced: Announced
) -> None:
    source.publish(dearer)

    both = await asyncio.gather(refreshed(refreshing), refreshed(refreshing))

    assert sorted(done.status for done in both) == [Status.REFRESHED, Status.UNCHANGED]
    assert (len(versions(admin)), len(announced())) == (1, 1)


async def test_an_edition_that_is_older_than_the_packaged_one_does_not_count(
    source: Source, refreshing: Refreshing, admin: psycopg.Connection
) -> None:
    source.publish(dearer)
    await refreshed(refreshing)
    admin.execute("UPDATE integration.price_tables SET dated = '2026-01-01Z'")

    again = await refreshed(refreshing)

    assert again.status is Status.REFRESHED
    assert len(versions(admin)) == 2


@pytest.mark.parametrize(
    "change",
    [absurd, lambda published: [each["models"].clear() for each in published if each["id"] == "groq"]],
    ids=["absurd", "vanished"],
)
async def test_prices_that_cannot_be_right_change_nothing(
    source: Source,
    refreshing: Refreshing,
    admin: psycopg.Connection,
    announced: Announced,
    redis_client: Redis,
    change: Callable[[Published], object],
) -> None:
    source.publish(dearer)
    first = await refreshed(refreshing)
    source.publish(change)

    with pytest.raises(PricesRefused) as refusal:
        await refreshed(refreshing)

    assert any("gpt-4o-mini" in reason or "groq" in reason for reason in refusal.value.reasons)
    assert (versions(admin), len(announced())) == ([first.version], 1)
    assert await redis_client.hget("price_tables:1", "version") == first.version.encode()


async def test_refused_prices_are_taken_when_somebody_accepts_exactly_these(
    source: Source, refreshing: Refreshing, admin: psycopg.Connection, announced: Announced
) -> None:
    source.publish(absurd)
    with pytest.raises(PricesRefused) as refusal:
        await refreshed(refreshing, accept="0123456789abcdef")

    done = await refreshed(refreshing, accept=refusal.value.content)

    assert done.status is Status.REFRESHED
    assert done.version.endswith(refusal.value.content)
    assert announced()[0]["data"]["accepted"] is True
    assert admin.execute("SELECT accepted FROM integration.price_tables").fetchall() == [(True,)]


@pytest.mark.parametrize("document", [{}, [], "prices", [{"id": "openai"}]])
async def test_a_malformed_document_changes_nothing_whatever_is_accepted(
    source: Source, refreshing: Refreshing, admin: psycopg.Connection, document: object
) -> None:
    source.document = document
    with pytest.raises(PricesMalformed):
        await refreshed(refreshing, accept="0123456789abcdef")
    assert versions(admin) == []


async def redirecting(_: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("https://localhost:1/elsewhere")


async def failing(_: web.Request) -> web.StreamResponse:
    return web.Response(status=500, body="[]")


async def huge(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(9):
        await response.write(b" " * 1024 * 1024)
    return response


async def huge_when_unpacked(_: web.Request) -> web.StreamResponse:
    response = web.Response(body=b" " * 9 * 1024 * 1024)
    response.enable_compression()
    return response


async def breaking_off(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-length": "1000"})
    await response.prepare(request)
    await response.write(b"[")
    assert request.transport is not None
    request.transport.close()
    return response


@pytest.mark.parametrize("answer", [redirecting, failing, huge, huge_when_unpacked, breaking_off])
async def test_a_source_that_does_not_answer_as_it_should_changes_nothing(
    source: Source, refreshing: Refreshing, admin: psycopg.Connection, answer: Any
) -> None:
    source.answer = answer
    with pytest.raises(SourceUnavailable):
        await refreshed(refreshing)
    assert versions(admin) == []


async def test_a_source_that_takes_too_long_is_given_up(source: Source) -> None:
    async def slow(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    source.answer = slow
    with pytest.raises(SourceUnavailable, match="too long"):
        await HttpsSource(source.url, seconds=0.1, tls=source.trust).document()


async def test_nobody_is_trusted_whose_certificate_is_nobodys(source: Source) -> None:
    with pytest.raises(SourceUnavailable):
        await HttpsSource(source.url).document()


@pytest.mark.parametrize("url", ["http://localhost:1/data.json", "file:///etc/hostname", "localhost", ""])
async def test_nothing_is_fetched_without_tls(url: str) -> None:
    with pytest.raises(SourceUnavailable, match="TLS"):
        await HttpsSource(url).document()


async def test_what_was_fetched_before_the_newest_edition_is_not_taken_after_it(
    source: Source, refreshing: Refreshing, admin: psycopg.Connection, redis_client: Redis
) -> None:
    source.publish(dearer)
    newest = await refreshed(refreshing)
    source.publish(lambda published: price_of(published, "openai", "gpt-4o-mini").update(input_mtok=0.2))

    async with refreshing() as slow:
        slow._clock = At(SystemClock().now() - timedelta(minutes=5))
        late = await slow.run()

    assert (late.status, late.version) == (Status.UNCHANGED, newest.version)
    assert versions(admin) == [newest.version]
    assert await redis_client.hget("price_tables:1", "version") == newest.version.encode()
