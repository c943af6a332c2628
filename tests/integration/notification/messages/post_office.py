"""Planning and sending over a real database, with providers that a test tells what to do."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from llmo_core.ids import new_id
from llmo_data.inbox import Inbox
from llmo_data.outbox import Outbox
from llmo_data.postgres import Database, every
from llmo_messaging.envelope import Envelope
from notification.contents import Content, SmsContent
from notification.delivery.models import Leased
from notification.delivery.ports import Outcome, Outgoing, Senders, Sent
from notification.delivery.repository import PostgresDeliveries
from notification.delivery.sending import Sending
from notification.inbox.models import Whose
from notification.kinds.models import Address, Audience, Channel, Priority
from notification.planning.accepting import Accepting
from notification.planning.message_repository import PostgresMessages
from notification.planning.models import (
    KEPT,
    Notification,
    NotificationStatus,
    Planned,
    Recipient,
    Route,
    Waiting,
)
from notification.planning.people import PostgresPeople
from notification.planning.planning import Planning
from notification.planning.recipients import Recipients
from notification.planning.repository import PostgresArrivals, PostgresNotifications
from tests.clocks import MovableClock
from tests.integration.auth.announcements import BusDown

ENOUGH = timedelta(hours=1)


def enough() -> timedelta:
    """As much time as anything takes."""
    return ENOUGH


@dataclass
class Routes:
    """Everybody gets mails at once, unless a test says otherwise.

    Attributes:
        meanwhile: What happens while somebody's route is looked for.
    """

    planned: Callable[[Notification, Recipient, datetime], Sequence[Planned]] | None = None
    meanwhile: Callable[[Notification, Recipient], Awaitable[None]] | None = None

    async def routes(
        self, notification: Notification, recipients: Sequence[Recipient], *, now: datetime
    ) -> Sequence[Route]:
        if self.meanwhile is not None:
            for each in recipients:
                await self.meanwhile(notification, each)
        return [
            Route(locale="en", time_zone="UTC", messages=tuple(self._planned(notification, each, now)))
            for each in recipients
        ]

    def _planned(self, notification: Notification, recipient: Recipient, now: datetime) -> Sequence[Planned]:
        if self.planned is not None:
            return self.planned(notification, recipient, now)
        return [Planned(channel=Channel.EMAIL, address=recipient.email, planned_for=now)]


@dataclass
class Inboxes:
    """Remembers what was put into inboxes."""

    entries: list[tuple[UUID, str]] = field(default_factory=list)
    unsaid: Mapping[UUID, str] = field(default_factory=dict)
    read: set[tuple[UUID, UUID]] = field(default_factory=set)

    async def deliver(
        self, notification: Notification, entries: Sequence[tuple[UUID, Recipient, Route]], *, now: datetime
    ) -> Mapping[UUID, str]:
        assert now >= notification.created_at
        self.entries += [(notification.id, recipient.key) for _, recipient, _ in entries]
        return self.unsaid

    async def read_among(self, whose: Whose, notification_ids: Collection[UUID]) -> Collection[UUID]:
        return {each for each in notification_ids if (whose.user_id, each) in self.read}


class Contents:
    """Every message says of what kind it is."""

    async def content(self, message: Leased, *, unsubscribe_url: str | None) -> Content:
        return SmsContent(text=f"{message.kind} {message.variables.get('n', '')} {unsubscribe_url or ''}".strip())


@dataclass
class Vendor:
    """A provider that takes everything, unless a test says otherwise.

    Attributes:
        took: What was handed to it, in order.
        answers: What it says of each message.
    """

    name: str = "vendor"
    batch: int = 1
    took: list[Outgoing] = field(default_factory=list)
    answers: Callable[[Outgoing], Outcome] = lambda message: Sent(f"id-{message.message_id}")
    up: bool = True

    def available(self) -> bool:
        return self.up

    def room(self) -> int | None:
        return None

    async def ready(self, _until: datetime) -> bool:
        return self.up

    async def send(self, messages: Sequence[Outgoing]) -> Sequence[Outcome]:
        await asyncio.sleep(0)
        self.took += messages
        return [replace(self.answers(message), provider=self.name) for message in messages]

    async def close(self) -> None:
        """Nothing is open."""

    @property
    def addresses(self) -> list[str]:
        """Where it sent to, in order."""
        return [message.address for message in self.took]


@dataclass
class Suppressed:
    """Addresses that nothing is sent to, and those that only what is critical is sent to."""

    addresses: set[str] = field(default_factory=set)
    complained: set[str] = field(default_factory=set)

    async def among(self, _channel: Channel, addresses: Sequence[str], *, critical: bool) -> set[str]:
        return (self.addresses if critical else self.addresses | self.complained) & {*addresses}

    async def add(self, _channel: Channel, address: str, *, message_id: UUID, now: datetime) -> None:
        assert message_id.version == 7
        assert now.tzinfo is not None
        self.addresses.add(address)


class PostOffice:
    """All of it, at a time that a test sets."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = MovableClock()
        self.routes, self.inboxes, self.vendor, self.suppressed = Routes(), Inboxes(), Vendor(), Suppressed()
        self.notifications = PostgresNotifications(database)

    def accepting(self) -> Accepting:
        arrivals = PostgresArrivals(self.database, Inbox(schema="notification", consumer="planner"))
        return Accepting(
            arrivals=arrivals,
            notifications=self.notifications,
            transaction=self.database.transaction,
            clock=self.clock,
            new_id=new_id,
        )

    def planning(self) -> Planning:
        outbox = Outbox(database=self.database, schema="notification", bus=BusDown, clock=self.clock, new_id=new_id)
        return Planning(
            notifications=self.notifications,
            messages=PostgresMessages(self.database),
            recipients=Recipients(PostgresPeople(self.database, self)),
            routing=self.routes,
            inboxes=self.inboxes,
            events=outbox,
            transaction=self.database.transaction,
            clock=self.clock,
            new_id=new_id,
        )

    def sending(
        self,
        vendor: Senders | None = None,
        *,
        deliveries: PostgresDeliveries | None = None,
        contents: Contents | None = None,
    ) -> Sending:
        return Sending(
            channel=Channel.EMAIL,
            deliveries=deliveries or PostgresDeliveries(self.database),
            suppressions=self.suppressed,
            contents=contents or Contents(),
            inboxes=self.inboxes,
            senders=vendor or self.vendor,
            unsubscribe_url=lambda message: f"https://llmo.example/unsubscribe/{message.id}",
            clock=self.clock,
            random=lambda: 0.0,
            prices={"vendor": Decimal("0.0008")},
        )

    async def subscribers(self, org_id: UUID, topic: str, *, after: UUID | None, limit: int) -> Sequence[UUID]:
        """Nobody has subscribed to anything."""
        assert after is None
        return [org_id] if (topic, limit) == ("", 0) else []

    async def accept(self, *events: tuple[Envelope, dict[str, Any]]) -> Sequence[Waiting]:
        """Let events arrive."""
        accepted = await self.accepting().accept(events)
        assert not accepted.failed
        return accepted.waiting

    async def ask(self, org_id: UUID | None, *emails: str, **changed: Any) -> Notification:
        """Keep a notification for these addresses."""
        now = self.clock.now()
        fields: dict[str, Any] = {
            "id": new_id(),
            "org_id": org_id,
            "kind": "message",
            "category": "updates",
            "priority": Priority.NORMAL,
            "channels": (Channel.EMAIL,),
            "audience": Audience(addresses=tuple(Address(email=email) for email in emails)),
            "variables": {},
            "dedupe_key": f"test:{new_id()}",
            "status": NotificationStatus.PLANNING,
            "send_at": now,
            "created_at": now,
            "expires_at": now + KEPT,
        }
        notification = Notification(**(fields | changed))
        assert await self.notifications.add(notification)
        return notification

    async def plan(self, *notifications: Notification) -> int:
        """Plan these."""
        return await self.planning().plan([Waiting(each.org_id, each.id) for each in notifications], enough)

    async def send(self, vendor: Vendor | None = None) -> int:
        """Send what is due, of every test's organization."""
        return await self.sending(vendor).send_due(enough)

    async def messages(self, notification: Notification) -> list[dict[str, Any]]:
        """A notification's messages, in order."""
        statement = "SELECT * FROM notification.messages WHERE notification_id = %(id)s ORDER BY id"
        async with self.database.transaction(notification.org_id) as connection:
            return await every(connection, statement, id=notification.id)

    async def statuses(self, notification: Notification) -> list[str]:
        """How far they are."""
        return [message["status"] for message in await self.messages(notification)]

    async def announced(self, org_id: UUID | None) -> list[str]:
        """What was announced, by type."""
        async with self.database.transaction(org_id) as connection:
            rows = await every(connection, "SELECT envelope FROM notification.outbox ORDER BY position")
        return [Envelope.model_validate_json(row["envelope"]).type for row in rows]
