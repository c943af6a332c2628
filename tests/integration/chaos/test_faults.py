"""One fault at a time, made to happen at the worst moment."""

import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from uuid import UUID

import pytest_asyncio

from llmo_core.ids import new_id
from llmo_data.postgres import Database
from llmo_messaging.bus import EventBus, PublishFailed
from llmo_messaging.envelope import Envelope
from tests.integration.chaos.backbones import Backbone, eventbridge_backbone
from tests.integration.chaos.database import Books
from tests.integration.chaos.events import UsageMetered
from tests.integration.chaos.platform import Platform, alongside, new_ids
from tests.integration.chaos.transports import running_bus

ORG = new_id()


class Down:
    """A bus that takes nothing."""

    async def publish(self, events: Sequence[Envelope]) -> None:
        raise PublishFailed(f"down: {len(events)} events")


@pytest_asyncio.fixture
async def bus(backbone: Backbone) -> AsyncIterator[EventBus]:
    async with running_bus(backbone.transport, seed=1) as running:
        yield running


@pytest_asyncio.fixture
async def platform(books: Books, backbone: Backbone) -> Platform:
    return Platform(books, backbone, Down())


def metered(event_id: UUID) -> Envelope:
    return Envelope.of(UsageMetered(number=1), event_id=event_id, org_id=ORG, time=datetime.now(UTC))


async def published(bus: EventBus, events: Sequence[Envelope]) -> None:
    """Published, whatever the bus says of it."""
    for event in events:
        while True:
            try:
                await bus.publish([event])
            except PublishFailed:
                continue
            break


async def left(platform: Platform, ids: Sequence[UUID]) -> None:
    """In the outbox: the bus was down."""
    database = Database(platform.books.conninfo("llmo_auth"))
    await platform.announce(ORG, new_id(), ids, database)
    await database.close()


async def booked(platform: Platform, count: int) -> Counter[UUID]:
    """How often each event had an effect, once so many effects are there and no message is left."""
    for _ in range(2):  # what the first consumer had and did not acknowledge comes back when it is gone
        async with alongside(platform.run_consumers(kills=())):
            await platform.settled(count)
    return Counter(await platform.books.effects())


async def test_duplicates_in_any_order_have_one_effect_each(platform: Platform, bus: EventBus) -> None:
    ids = new_ids(60)
    deliveries = [metered(event_id) for event_id in ids * 3]
    random.Random(3).shuffle(deliveries)  # noqa: S311 - an order, not a secret

    await published(bus, deliveries)

    assert await booked(platform, 60) == Counter(ids)
    assert platform.progress.told["deliveries"] >= 120


async def test_a_consumer_killed_after_its_effect_and_before_its_ack_has_it_once(
    platform: Platform, bus: EventBus
) -> None:
    ids = new_ids(10)
    await published(bus, [metered(event_id) for event_id in ids])
    async with platform.consumer() as worker:
        fact = await worker.reached("handled")
        await worker.kill()
    assert fact["effects"] >= 1
    await platform.progress.tell(effects=fact["effects"], deliveries=fact["deliveries"])

    assert await booked(platform, 10) == Counter(ids)
    assert platform.progress.told["deliveries"] > 10


async def test_a_relay_killed_between_publishing_and_marking_loses_and_doubles_nothing(platform: Platform) -> None:
    ids = new_ids(40)
    await left(platform, ids)
    async with platform.relay() as worker:
        await worker.reached("published")
        await worker.kill()
    assert await platform.books.count("outbox") == 40

    async with alongside(platform.run_relays(kills=(), seed=2)):
        effects = await booked(platform, 40)

    assert effects == Counter(ids)
    assert platform.progress.told["deliveries"] >= 60
    assert await platform.books.count("outbox") == 0


async def test_what_putevents_did_not_take_of_a_call_is_published_in_the_next_ones(books: Books, moto_url: str) -> None:
    ids = new_ids(200)
    async with eventbridge_backbone(moto_url) as backbone, running_bus(backbone.transport, seed=1) as bus:
        backbone.put_events.always_in_part()
        platform = Platform(books, backbone, bus)
        database = Database(books.conninfo("llmo_auth"))
        for first in range(0, 200, 10):
            await platform.announce(ORG, new_id(), ids[first : first + 10], database)
        await database.close()
        async with alongside(platform.run_relays(kills=(), seed=2)):
            effects = await booked(platform, 200)

    assert backbone.put_events.faults["in part"] > 20
    assert effects == Counter(ids)
