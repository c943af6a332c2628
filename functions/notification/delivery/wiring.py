"""What all senders are made of: real adapters, made once per process at the first use."""

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from llmo_core.clock import SystemClock
from llmo_core.composition import Composition
from llmo_core.secrets import read_secret
from llmo_data.postgres import Database
from notification.contacts.repository import PostgresContacts
from notification.delivery.circuit import Rate
from notification.delivery.contents import RenderedContents
from notification.delivery.failover import Failover
from notification.delivery.models import Leased
from notification.delivery.ports import Outcome, Outgoing, Provider, Refused, Senders
from notification.delivery.repository import PostgresDeliveries
from notification.delivery.sending import Sending
from notification.delivery.settings import SenderSettings
from notification.delivery.suppressions import PostgresSuppressions, RemovedDevices
from notification.inbox.repository import PostgresInbox
from notification.kinds.models import Channel
from notification.templates.wiring import templates_of
from notification.unsubscribing.tokens import UnsubscribeLinks

CONNECTIONS = 4  # what came of some messages is kept while others are sent
parts = Composition()
once, close = parts.once, parts.close


def unset(secret: str) -> str | None:
    """A secret's value; None where the deployment has none."""
    value = read_secret(secret)
    return None if value == "unset" else value


class _Nobody:
    """Stands where the deployment has no account of any provider: nothing is sent, and messages say why."""

    name = "nobody"
    batch = 1

    def available(self) -> bool:
        """At any time: it says no."""
        return True

    def room(self) -> int | None:
        """As many as there are."""
        return None

    async def ready(self, _until: datetime) -> bool:
        """At once."""
        return True

    async def send(self, messages: Sequence[Outgoing]) -> Sequence[Outcome]:
        """Nobody is asked."""
        return [Refused("This deployment has no provider of this channel.") for _ in messages]

    async def close(self) -> None:
        """Nothing is open."""


def first_of(providers: Sequence[Provider], rates: Mapping[str, Rate]) -> Senders:
    """The first of these that works, the preferred one first."""
    if not providers:
        return _Nobody()
    return parts.closing(Failover(providers, clock=SystemClock(), random=random.random, rates=rates), Failover.close)


def sending_by(channel: Channel, senders: Senders, settings: Callable[[], SenderSettings]) -> Sending:
    """The use case of sending on a channel."""
    told = settings()
    clock, pepper = SystemClock(), read_secret(told.api_key_pepper_secret).encode()
    database = parts.closing(Database(told.conninfo(), max_connections=CONNECTIONS), Database.close)
    links = UnsubscribeLinks(public_url=told.public_url.rstrip("/"), pepper=pepper, clock=clock)
    templates = templates_of(database, app_url=told.links_to)

    def unsubscribe_url(message: Leased) -> str | None:
        if channel is not Channel.EMAIL or message.address is None:
            return None
        return links.unsubscribe_url(
            org_id=message.org_id, user_id=message.user_id, address=message.address, category=message.category
        )

    return Sending(
        channel=channel,
        deliveries=PostgresDeliveries(database),
        suppressions=(
            RemovedDevices(PostgresContacts(database))
            if channel is Channel.PUSH
            else PostgresSuppressions(database, pepper)
        ),
        contents=RenderedContents(templates.render, organization_locale=told.default_locale, clock=clock),
        inboxes=PostgresInbox(database),
        senders=senders,
        unsubscribe_url=unsubscribe_url,
        clock=clock,
        random=random.random,
        prices=told.message_prices,
    )
