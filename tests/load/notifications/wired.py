"""Planning and sending as their functions are wired, over real adapters, by whatever clock a measurement needs."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from redis.asyncio import Redis

from llmo_core.clock import Clock
from llmo_core.ids import new_id
from llmo_data.inbox import Inbox
from llmo_data.outbox import Outbox
from llmo_data.postgres import Database
from llmo_messaging.bus import EventBus
from llmo_messaging.envelope import Envelope
from notification.address_hashes import address_hash
from notification.contacts.repository import PostgresContacts
from notification.delivery.contents import RenderedContents
from notification.delivery.failover import Failover
from notification.delivery.models import Leased
from notification.delivery.ports import Provider
from notification.delivery.repository import PostgresDeliveries
from notification.delivery.sending import Sending
from notification.delivery.suppressions import PostgresSuppressions, RemovedDevices
from notification.delivery.wiring import CONNECTIONS
from notification.inbox.repository import PostgresInbox
from notification.kinds.models import Channel
from notification.live.announcing import Announcer
from notification.live.store import RedisLiveInboxes
from notification.planning.accepting import Accepting
from notification.planning.delivering import RenderedInboxes
from notification.planning.message_repository import PostgresMessages
from notification.planning.people import PostgresPeople
from notification.planning.planning import Planning
from notification.planning.recipients import Recipients
from notification.planning.repository import PostgresArrivals, PostgresNotifications
from notification.planning.routing import ChosenRouting
from notification.preferences.repository import PostgresPreferences
from notification.providers.mails import Sender
from notification.providers.sendgrid import SendGrid
from notification.providers.smtp import Smtp
from notification.providers.web_push import WebPush
from notification.templates.repository import PostgresTemplateStore
from notification.templates.resolving import Templates
from notification.topics.repository import PostgresTopics
from notification.unsubscribing.tokens import UnsubscribeLinks

PLANNER: Final = "planner"
SENDER: Final = "sender"
_APP: Final = "https://llmo.example"
_SENDER: Final = Sender("no-reply@llmo.example", "LLMOptimizer")
_CONTACT: Final = "mailto:no-reply@llmo.example"
_PEPPER: Final = b"pepper-of-a-measurement"
_QUEUES: Final = {
    "llmo.notification.notification.requested": PLANNER,
    "llmo.notification.email.queued": SENDER,
}


def enough() -> timedelta:
    """As much time as anything takes."""
    return timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class HurriedClock:
    """The time, which goes by faster than elsewhere since a moment: leases, waits and pauses are that much shorter.

    Attributes:
        began: Unix's time since when it hurries.
        times: How many times as fast.
    """

    began: float
    times: float = 1.0

    def now(self) -> datetime:
        """The time that it is."""
        return datetime.fromtimestamp(self.began + (time.time() - self.began) * self.times, UTC)


class Nowhere:
    """Takes events for nobody: who is measured needs no wake-up."""

    async def publish(self, events: Sequence[Envelope]) -> None:
        """Take events."""


class RedisQueues:
    """Takes events for the workers whose queue they go to, as lists of Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def publish(self, events: Sequence[Envelope]) -> None:
        """Take events."""
        for event in events:
            await self._redis.rpush(_QUEUES.get(event.type, PLANNER), event.to_json())


@dataclass(frozen=True, slots=True)
class Wired:
    """All parts of it, each use case with adapters as its function has them.

    Attributes:
        redis: Where inboxes are shown live.
        vendor: Where the stand-ins of vendors are.
        mail_server: The URL of a mail server that sends instead of SendGrid; empty for SendGrid.
    """

    database: Database
    redis: Redis
    vendor: str
    clock: Clock
    bus: EventBus
    mail_server: str = ""
    vapid: str = ""

    @property
    def channel(self) -> Channel:
        """What is sent on."""
        return Channel.PUSH if self.vapid else Channel.EMAIL

    def accepting(self) -> Accepting:
        """What makes notifications of events."""
        return Accepting(
            arrivals=PostgresArrivals(self.database, Inbox(schema="notification", consumer="planner")),
            notifications=PostgresNotifications(self.database),
            transaction=self.database.transaction,
            clock=self.clock,
            new_id=new_id,
        )

    def planning(self) -> Planning:
        """What makes messages of them."""
        announcer = Announcer(
            shown=RedisLiveInboxes(self.redis, clock=self.clock), after_commit=self.database.after_commit
        )
        return Planning(
            notifications=PostgresNotifications(self.database),
            messages=PostgresMessages(self.database),
            recipients=Recipients(PostgresPeople(self.database, PostgresTopics(self.database))),
            routing=ChosenRouting(
                chosen=PostgresPreferences(self.database),
                contacts=PostgresContacts(self.database),
                address_hash=lambda address: address_hash(address, _PEPPER),
                default_locale="en",
            ),
            inboxes=RenderedInboxes(
                filling=PostgresInbox(self.database),
                render=self._templates().render,
                announce=announcer.announce,
                organization_locale="en",
            ),
            events=Outbox(
                database=self.database,
                schema="notification",
                bus=lambda: self.bus,
                clock=self.clock,
                new_id=new_id,
            ),
            transaction=self.database.transaction,
            clock=self.clock,
            new_id=new_id,
        )

    def sending(self) -> Sending:
        """What sends mails, or push notifications. Its provider's threads end with the process."""
        links = UnsubscribeLinks(public_url=_APP, pepper=_PEPPER, clock=self.clock)

        def unsubscribe_url(message: Leased) -> str | None:
            if self.channel is Channel.PUSH:
                return None
            return links.unsubscribe_url(
                org_id=message.org_id,
                user_id=message.user_id,
                address=message.address or "",
                category=message.category,
            )

        devices = RemovedDevices(PostgresContacts(self.database))
        return Sending(
            channel=self.channel,
            deliveries=PostgresDeliveries(self.database),
            suppressions=devices if self.vapid else PostgresSuppressions(self.database, _PEPPER),
            contents=RenderedContents(self._templates().render, organization_locale="en", clock=self.clock),
            inboxes=PostgresInbox(self.database),
            senders=Failover([self._provider()], clock=self.clock, random=random.random),
            unsubscribe_url=unsubscribe_url,
            clock=self.clock,
            random=random.random,
        )

    def _provider(self) -> Provider:
        if self.vapid:
            return WebPush(self.vapid, contact=_CONTACT, clock=self.clock, allow_private=True)
        if self.mail_server:
            return Smtp(self.mail_server, sender=_SENDER)
        return SendGrid("SG.measured", sender=_SENDER, clock=self.clock, base_url=self.vendor)

    def _templates(self) -> Templates:
        return Templates(store=PostgresTemplateStore(self.database), app_url=_APP, clock=self.clock)


def database_of(conninfo: dict[str, str | int]) -> Database:
    """The database, with as many connections as a sender has."""
    return Database(conninfo, max_connections=CONNECTIONS)
