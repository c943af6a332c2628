"""The platform in small: services that announce usage, relays, and consumers that book it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from psycopg.errors import UniqueViolation

from llmo_core.clock import SystemClock
from llmo_core.errors import Unavailable
from llmo_core.ids import new_id
from llmo_data.outbox import Outbox
from llmo_data.postgres import Database
from llmo_messaging.bus import EventBus
from tests.integration.chaos.backbones import Backbone
from tests.integration.chaos.database import Books
from tests.integration.chaos.events import UsageMetered
from tests.integration.chaos.processes import Worker
from tests.integration.chaos.settings import WorkerSettings

_PACE_SECONDS = 0.1  # between looks at what tells nobody when it changes


class Progress:
    """What the workers told so far."""

    def __init__(self) -> None:
        self.told: Counter[str] = Counter()
        self._changed = asyncio.Condition()

    async def tell(self, **amounts: int) -> None:
        """Add amounts."""
        async with self._changed:
            self.told.update(amounts)
            self._changed.notify_all()

    async def until(self, reached: Callable[[Counter[str]], bool]) -> None:
        """Return once what was told is enough."""
        async with self._changed:
            await self._changed.wait_for(lambda: reached(self.told))


class Platform:
    """Everything that works on one set of books over one bus.

    Args:
        bus: What services publish on in this process.
    """

    def __init__(self, books: Books, backbone: Backbone, bus: EventBus) -> None:
        self.books = books
        self.backbone = backbone
        self.progress = Progress()
        self._bus = bus

    def consumer(self) -> Worker:
        """A consumer, to be started."""
        return Worker(self._settings("consumer", "llmo_auth"))

    def relay(self, seed: int | None = None) -> Worker:
        """A relay, to be started."""
        return Worker(self._settings("relay", "llmo_relay", seed))

    async def announce(self, organization: UUID, aggregate: UUID, ids: Sequence[UUID], database: Database) -> None:
        """Announce events of one aggregate in one transaction, again and again until it is known to be committed."""
        while True:
            numbered = iter(ids)
            outbox = Outbox(
                database=database,
                schema=self.books.schema.name,
                bus=lambda: self._bus,
                clock=SystemClock(),
                new_id=lambda: next(numbered),  # noqa: B023 - used before the next round only
            )
            try:
                async with database.transaction(organization):
                    for number in range(len(ids)):
                        event = UsageMetered(number=number)
                        await outbox.announce(event, org_id=organization, aggregate_id=aggregate)
            except Unavailable:
                await self.progress.tell(retried=1)
            except UniqueViolation:  # it was committed, and only the answer was lost
                return
            else:
                return

    async def settled(self, effects: int) -> None:
        """Return once there are so many effects, and nothing waits in the outbox or is ready in the queue."""
        while not await self._settled(effects):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(_PACE_SECONDS)

    async def _settled(self, effects: int) -> bool:
        if await self.books.count("effects") < effects or await self.books.count("outbox"):
            return False
        return not await self.backbone.waiting()

    async def run_consumers(self, *, kills: Sequence[int]) -> None:
        """Keep a consumer running, and kill it when it has handled these batches, before it acknowledges them."""
        await self._keep_running(self.consumer, self._consumed, kills)

    async def run_relays(self, *, kills: Sequence[int], seed: int) -> None:
        """Keep a relay running, and kill it at these publications, before it marks them."""
        await self._keep_running(lambda: self.relay(seed), self._relayed, kills)

    async def _keep_running(
        self,
        start: Callable[[], Worker],
        handle: Callable[[dict[str, object]], Awaitable[bool]],
        kills: Sequence[int],
    ) -> None:
        """Each checkpoint that `handle` counts may be the one to be killed at."""
        counted = 0
        while True:
            async with start() as worker:
                async for fact in worker.checkpoints():
                    counted += await handle(fact)
                    if counted in kills:
                        kills = [kill for kill in kills if kill > counted]
                        await worker.kill()
                        await self.progress.tell(killed=1)

    async def _consumed(self, fact: dict[str, object]) -> bool:
        await self.progress.tell(deliveries=int(str(fact["deliveries"])), effects=int(str(fact["effects"])))
        return True

    async def _relayed(self, fact: dict[str, object]) -> bool:
        if fact["at"] == "published":
            return True
        if not fact.get("published"):
            await asyncio.sleep(_PACE_SECONDS)
        return False

    def _settings(self, role: str, database_role: str, seed: int | None = None) -> WorkerSettings:
        return WorkerSettings.model_validate(
            {
                "role": role,
                "conninfo": self.books.conninfo(database_role),
                "database_schema": self.books.schema.name,
                "transport": self.backbone.transport,
                "seed": seed,
            }
        )


def new_ids(count: int) -> list[UUID]:
    """Ids of events to be."""
    return [new_id() for _ in range(count)]


@asynccontextmanager
async def alongside(*running: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Run these until the body is done; when one of them fails, so does the body."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one) for one in running]
        yield
        for task in tasks:
            task.cancel()
