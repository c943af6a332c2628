"""Every fault at once, under load: 10,000 events of usage in, exactly 10,000 distinct effects out."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from llmo_data.postgres import Database
from tests.integration.chaos.backbones import Backbone
from tests.integration.chaos.database import Books
from tests.integration.chaos.platform import Platform, alongside, new_ids
from tests.integration.chaos.transports import running_bus

EVENTS = 10_000
PER_TRANSACTION = 5
PRODUCERS = 16
ORGANIZATIONS = new_ids(20)
AGGREGATES = new_ids(200)
DEADLINE_SECONDS = 600  # a quick machine needs a tenth of it


async def produce(platform: Platform, ids: Sequence[UUID]) -> None:
    """What services do, with many requests at a time."""
    database = Database(platform.books.conninfo("llmo_auth"), max_connections=PRODUCERS)
    transactions = iter(range(0, len(ids), PER_TRANSACTION))

    async def requests() -> None:
        for first in transactions:
            number = first // PER_TRANSACTION
            aggregate = number % len(AGGREGATES)
            await platform.announce(
                ORGANIZATIONS[aggregate % len(ORGANIZATIONS)],
                AGGREGATES[aggregate],
                ids[first : first + PER_TRANSACTION],
                database,
            )

    await asyncio.gather(*(requests() for _ in range(PRODUCERS)))
    await database.close()


async def sabotage(platform: Platform) -> None:
    """Restart what the others stand on, while they work."""
    await platform.progress.until(lambda told: told["effects"] > EVENTS * 2 // 10)
    await platform.books.server.restart()
    await platform.progress.until(lambda told: told["effects"] > EVENTS * 5 // 10)
    await platform.backbone.restart()
    await platform.progress.until(lambda told: told["effects"] > EVENTS * 7 // 10)
    await platform.books.server.restart()


async def test_ten_thousand_events_have_ten_thousand_effects(books: Books, backbone: Backbone) -> None:
    ids = new_ids(EVENTS)
    async with running_bus(backbone.transport, seed=3) as bus, asyncio.timeout(DEADLINE_SECONDS):
        platform = Platform(books, backbone, bus)
        restarts = books.server.restarts
        async with alongside(
            platform.run_consumers(kills=(2, 9, 30)),
            platform.run_consumers(kills=(5, 14)),
            platform.run_relays(kills=(1, 3), seed=4),
            platform.run_relays(kills=(2,), seed=5),
        ):
            await asyncio.gather(produce(platform, ids), sabotage(platform))
            await platform.settled(EVENTS)
        async with alongside(platform.run_consumers(kills=())):
            await platform.settled(EVENTS)  # with what the consumers had and did not acknowledge

    effects = await books.effects()
    assert Counter(effects) == Counter(ids)
    told = platform.progress.told
    assert told["deliveries"] > EVENTS, "nothing was delivered twice"
    assert told["killed"] >= 5
    assert books.server.restarts == restarts + 2
    assert backbone.misbehaved()
