"""Which edition of the price tables calls go by, in a gateway that runs."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import orjson
import psycopg
import pytest
import pytest_asyncio
from psycopg.conninfo import make_conninfo

from integration.gateway.app import GatewayApp
from integration.gateway.price_copies import RedisPriceCopies
from integration.gateway.wiring import Wired
from integration.price_editions import StoredEdition, canonical, packaged, packaged_tables, stored
from integration.price_tables.repository import PostgresPriceTables
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id
from llmo_data.pipelined_redis import PipelinedRedis
from llmo_data.postgres import Database
from tests.integration.gateway.configuring import SetUp
from tests.integration.gateway.metered import priced
from tests.integration.gateway.platform import HELLO, MovableClock, Platform, serving
from tests.integration.gateway.scripted import scripted
from tests.integration.organizations import MakeOrg, Org
from tests.integration.stores import Postgres

MODEL = "gpt-4o-mini"
NOW = datetime.now(UTC)
OWN_REDIS = 9  # a database of its own: other tests go by the packaged prices

type Event = dict[str, Any]


def edition(dollars: str, *, dated: datetime = NOW) -> StoredEdition:
    """The packaged prices, but for a model of which every token costs so many dollars per million."""
    tables = {provider: orjson.loads(text) for provider, text in packaged_tables().items()}
    (model,) = [each for each in tables["openai"]["models"] if each["id"] == MODEL]
    rates = {name: [[0, dollars]] for name in ("input", "cached_input", "output")}
    model["prices"] = [{"tier": "default", "from": None, **rates}]
    return stored(dated, {provider: canonical(table) for provider, table in tables.items()})


def cost_of(event: Event, dollars: str) -> Decimal:
    """What a call costs in such an edition."""
    tokens: int = event["input_tokens"] + event["output_tokens"]
    return Decimal(dollars) * tokens / 1_000_000


class House:
    """A gateway whose seconds a test counts, and where it looks for editions."""

    def __init__(self, platform: Platform, redis: PipelinedRedis, database: Database) -> None:
        self.platform = platform
        self.redis = redis
        self.copies = RedisPriceCopies(redis)
        self.rows = PostgresPriceTables(database, source="https://example.com", clock=SystemClock())
        self.seconds = 0.0

    async def store(self, stored_edition: StoredEdition) -> None:
        """Keep an edition, as the price refresh does."""
        await self.rows.add(stored_edition, edition_id=new_id(), accepted=False)
        await self.copies.replace(stored_edition)

    def minutes_pass(self) -> None:
        """Nothing is remembered any more."""
        self.seconds += 200

    async def call(self, org: Org, model: str = MODEL) -> Event:
        """Make a call that the cache does not answer; gives its usage event."""
        client = self.platform.client(org)
        await client.chat.completions.create(model=model, messages=HELLO, extra_headers={"x-llmo-cache": "no-store"})
        data: Event = self.platform.usage(org)[-1]["data"]
        return data


@pytest.fixture(autouse=True)
def _no_edition_stays(postgres: Postgres) -> Iterator[None]:
    yield
    with psycopg.connect(make_conninfo("", **postgres.admin), autocommit=True) as connection:
        connection.execute("DELETE FROM integration.price_tables")


@pytest_asyncio.fixture
async def house(platform: Platform, postgres: Postgres, redis_url: str) -> AsyncIterator[House]:
    url = urlsplit(redis_url)._replace(path=f"/{OWN_REDIS}").geturl()
    redis, database = PipelinedRedis(url), Database(postgres.conninfo("llmo_integration"))
    secrets = {**platform.secrets, "redis": url}
    made: list[House] = []
    clock = MovableClock()
    app = GatewayApp(
        lambda: Wired(platform.settings, secret=secrets.__getitem__, clock=clock, timer=lambda: made[0].seconds)
    )
    await redis.call("FLUSHDB")
    mine = Platform("", platform.bus, platform.provider, platform.redis, platform.settings, secrets, clock, app)
    made.append(House(mine, redis, database))
    async with serving(app) as mine.url:
        yield made[0]
        await mine.close()
    await redis.call("FLUSHDB")
    await redis.aclose()
    await database.close()


async def test_without_a_stored_edition_calls_go_by_the_packaged_one(house: House, org: Org) -> None:
    event = await house.call(org)

    assert event["price_version"] == packaged().version
    usage = {"input_tokens": event["input_tokens"], "output_tokens": event["output_tokens"]}
    assert Decimal(event["cost_usd"]) == priced(MODEL, **usage)


async def test_a_process_that_starts_goes_by_the_stored_edition_from_its_first_call_on(house: House, org: Org) -> None:
    await house.store(edition("7"))

    event = await house.call(org)

    assert event["price_version"] == edition("7").name.version
    assert Decimal(event["cost_usd"]) == cost_of(event, "7")


async def test_prices_that_change_between_two_calls_count_for_the_second(house: House, org: Org) -> None:
    await house.store(edition("7"))
    first = await house.call(org)
    newer = edition("8", dated=NOW + timedelta(minutes=1))
    await house.store(newer)
    within_a_minute = await house.call(org)
    house.minutes_pass()
    second = await house.call(org)

    assert within_a_minute["price_version"] == first["price_version"]
    assert second["price_version"] == newer.name.version
    assert Decimal(second["cost_usd"]) == cost_of(second, "8")


async def test_a_call_under_way_is_charged_at_the_prices_that_it_was_held_with(
    house: House, set_up: SetUp, make_org: MakeOrg
) -> None:
    async with scripted("slow") as provider:
        await set_up.provider("slow", provider.url, kind="openai")
        await house.store(edition("7"))
        provider.hold()
        calling = asyncio.create_task(house.call(set_up.org, f"slow/{MODEL}"))
        await provider.until_called(1)
        await house.store(edition("8", dated=NOW + timedelta(minutes=1)))
        house.minutes_pass()
        other = await house.call(await make_org())
        provider.let_go()
        event = await calling

    assert Decimal(other["cost_usd"]) == cost_of(other, "8")
    assert event["price_version"] == edition("7").name.version
    assert Decimal(event["cost_usd"]) == cost_of(event, "7")


async def test_a_call_that_the_sweeper_settles_names_the_prices_that_it_was_held_with(
    house: House, set_up: SetUp
) -> None:
    async with scripted("slow") as provider:
        await set_up.provider("slow", provider.url, kind="openai")
        await house.store(edition("7"))
        provider.hold()
        calling = asyncio.create_task(house.call(set_up.org, f"slow/{MODEL}"))
        await provider.until_called(1)
        await house.store(edition("8", dated=NOW + timedelta(minutes=1)))
        house.platform.clock.advance(1_000)
        assert await house.platform.sweep() == (1, 1)
        (lost,) = house.platform.usage(set_up.org)
        provider.let_go()
        await calling

    assert lost["data"]["status"] == "lost"
    assert lost["data"]["price_version"] == edition("7").name.version
    assert Decimal(lost["data"]["cost_usd"]) == Decimal(7) * lost["data"]["input_tokens"] / 1_000_000


async def test_an_edition_older_than_the_packaged_one_does_not_count(house: House, org: Org) -> None:
    await house.store(edition("7", dated=packaged().dated - timedelta(days=1)))

    assert (await house.call(org))["price_version"] == packaged().version


async def test_when_redis_has_lost_everything_it_gets_the_edition_back_from_postgresql(house: House, org: Org) -> None:
    await house.store(edition("7"))
    await house.redis.call("FLUSHDB")

    event = await house.call(org)

    assert event["price_version"] == edition("7").name.version
    assert await house.copies.version() == edition("7").name.version


async def test_that_there_is_no_edition_is_noted_until_there_is_one(house: House, org: Org) -> None:
    await house.call(org)
    assert await house.copies.version() == ""
    await house.store(edition("7"))
    house.minutes_pass()

    assert (await house.call(org))["price_version"] == edition("7").name.version


@pytest.mark.parametrize(
    "damage",
    [
        ("HDEL", "price_tables:1", "openai"),
        ("HSET", "price_tables:1", "openai", "{}"),
        ("HSET", "price_tables:1", "version", "another"),
        ("HDEL", "price_tables:1", "dated"),
        ("HSET", "price_tables:1", "dated", "yesterday"),
    ],
)
async def test_a_copy_that_is_not_whole_is_not_taken(house: House, org: Org, damage: tuple[str, ...]) -> None:
    await house.store(edition("7"))
    await house.call(org)
    await house.copies.replace(edition("8", dated=NOW + timedelta(minutes=1)))
    await house.redis.call(*damage)
    house.minutes_pass()

    assert (await house.call(org))["price_version"] == edition("7").name.version


async def test_a_copy_of_another_kind_leaves_the_prices_as_they_are(house: House, org: Org) -> None:
    await house.redis.call("SET", "price_tables:1", "surprise")

    assert (await house.call(org))["price_version"] == packaged().version
