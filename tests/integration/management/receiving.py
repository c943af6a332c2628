"""A receiver of webhooks on this machine, and the worker that delivers to it; time passes when a test says so."""

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import aiohttp
from aiohttp import web

from integration.provider_addresses import AddressPolicy
from integration.webhook_delivery.arriving import Arriving
from integration.webhook_delivery.models import Waiting
from integration.webhook_delivery.repository import PostgresArrivals, PostgresDeliveries
from integration.webhook_delivery.sending import Sending
from integration.webhook_messages.answers import Answer as Answered
from integration.webhook_messages.calls import WebhookCalls, WebhookReceiver
from llmo_core.addresses import Resolve, resolve
from llmo_core.ids import new_id
from llmo_data.inbox import Inbox
from llmo_data.outbox import Outbox
from llmo_data.postgres import Database
from llmo_messaging.envelope import Envelope
from tests.integration.auth.announcements import BusDown
from tests.integration.management.calling import Caller, Management
from tests.integration.management.clocks import At
from tests.integration.organizations import Org

type Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
QUICK = aiohttp.ClientTimeout(total=0.5)
BATCH = {
    "org_id": "01980a5e-7c00-7000-8000-000000000001",
    "project_id": "01980a5e-7c00-7000-8000-000000000002",
    "key_id": "01980a5e-7c00-7000-8000-000000000003",
    "batch": "batch_01980a5e7c0070008000000000000201",
    "status": "completed",
    "endpoint": "/v1/embeddings",
    "total": 2,
    "completed": 2,
    "failed": 0,
    "cost_usd": "0.0001",
    "output_file": None,
    "error_file": None,
}


class Receiver:
    """What a receiver got, and what it answers.

    Attributes:
        got: Headers and body of every message, by the path that it came to.
        statuses: What it answers next at a path, the first one first; 204 when there is nothing.
        headers: What is in every answer.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.got: dict[str, list[tuple[Mapping[str, str], bytes]]] = defaultdict(list)
        self.statuses: dict[str, list[int]] = defaultdict(list)
        self.headers: dict[str, str] = {}
        self.answers: dict[str, Answer] = {}

    def url(self, path: str = "/hooks") -> str:
        """Where a webhook is called."""
        return f"http://127.0.0.1:{self.port}{path}"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Keep a message, and answer it."""
        self.got[request.path].append((dict(request.headers), await request.read()))
        if request.path in self.answers:
            return await self.answers[request.path](request)
        statuses = self.statuses[request.path]
        return web.Response(status=statuses.pop(0) if statuses else 204, headers=self.headers)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver on a free port."""
    receiver = Receiver(0)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.port = runner.addresses[0][1]
    try:
        yield receiver
    finally:
        await runner.cleanup()


class Breaking:
    """Finds receivers; one message brings out a defect there.

    Attributes:
        breaks_at: Which message does, of those that are still to come; 0 for none.
    """

    def __init__(self, calls: WebhookCalls) -> None:
        self._calls = calls
        self.breaks_at = 0

    async def receiver(self, url: str) -> "BreakingReceiver":
        """Who gets messages at a URL."""
        return BreakingReceiver(self, await self._calls.receiver(url))


class BreakingReceiver:
    """Gets messages, unless one of them breaks."""

    def __init__(self, calls: Breaking, receiver: WebhookReceiver) -> None:
        self._calls = calls
        self._receiver = receiver

    async def send(self, body: bytes, headers: Mapping[str, str]) -> Answered:
        """Send a message."""
        self._calls.breaks_at -= 1
        if self._calls.breaks_at == 0:
            raise RecursionError
        return await self._receiver.send(body, headers)


class Worker:
    """The worker over real stores."""

    def __init__(self, management: Management, *, private: bool = True, resolving: Resolve = resolve) -> None:
        self.clock = At(NOW)
        self.left = timedelta(minutes=1)
        management.clock = self.clock
        self._management = management
        database: Database = management.database
        events = Outbox(database=database, schema="integration", bus=BusDown, clock=self.clock, new_id=new_id)
        self._arriving = Arriving(
            arrivals=PostgresArrivals(database, Inbox(schema="integration", consumer="webhooks")),
            transaction=database.transaction,
            clock=self.clock,
            new_id=new_id,
        )
        policy = AddressPolicy(private=private)
        self.calls = Breaking(WebhookCalls(policy=policy, clock=self.clock, resolve=resolving, timeout=QUICK))
        self.deliveries = PostgresDeliveries(database)
        self.sending = Sending(
            deliveries=self.deliveries,
            secrets=management.secrets,
            calls=self.calls,
            events=events,
            transaction=database.transaction,
            clock=self.clock,
            random=lambda: 0.0,
        )

    async def told(
        self, org: Org, data: Mapping[str, Any] = BATCH, *, event_id: UUID | None = None, kind: str = ""
    ) -> Sequence[Waiting]:
        """An event of an organization arrives; the webhooks that something waits for then."""
        envelope = Envelope(
            id=event_id or new_id(),
            source="llmo.integration",
            type=kind or "llmo.integration.batch.completed",
            time=NOW,
            orgid=org.org_id,
            data=data,
        )
        return await self._arriving.take([(envelope, data)])

    async def send(self, *webhooks: Mapping[str, Any], org: Org) -> int:
        """Send what is due to some webhooks of an organization."""
        waiting = [Waiting(org.org_id, UUID(webhook["id"])) for webhook in webhooks]
        return await self.sending.send(waiting, lambda: self.left)

    async def tick(self) -> int:
        """What the schedule starts."""
        return await self.sending.send_due(lambda: self.left)

    def wait(self, **time: float) -> None:
        """Let some time pass."""
        self.clock.moment += timedelta(**time)


async def deliveries(caller: Caller, webhook: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the API shows of deliveries, the newest first."""
    answer = await caller("GET", f"webhooks/{webhook['id']}/deliveries")
    assert answer.status_code == 200, answer.text
    shown: list[dict[str, Any]] = answer.json()["data"]
    return shown
