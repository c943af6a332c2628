"""What the use cases of subscriptions need of the world around them."""

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from billing.subscriptions.models import Subscription
from llmo_messaging.envelope import Envelope


class Turning(NamedTuple):
    """A subscription that a date has brought something to."""

    org_id: UUID
    subscription_id: UUID


class Subscriptions(Protocol):
    """Where subscriptions are kept, as they were when something of them changed the last time."""

    async def page(self, org_id: UUID, *, before: UUID | None, limit: int) -> Sequence[Subscription]:
        """At most `limit` of them, the newest first, that are older than the one with the id `before`."""
        ...

    async def find(self, org_id: UUID, subscription_id: UUID) -> Subscription | None:
        """The one with this id."""
        ...

    async def locked(self, org_id: UUID, subscription_id: UUID) -> Subscription | None:
        """The same for the transaction under way, before the end of which nobody else changes it."""
        ...

    async def newest(self, org_id: UUID) -> Subscription | None:
        """The one that started last, which is the live one if there is any."""
        ...

    async def add(self, subscription: Subscription) -> None:
        """Keep a new one. Raises AlreadySubscribed."""
        ...

    async def change(self, before: Subscription, after: Subscription) -> None:
        """Keep what has changed of one."""
        ...


class Turns(Protocol):
    """Which subscriptions dates have brought something to, of all organizations."""

    async def due(self, *, now: datetime, besides: Collection[UUID], limit: int) -> Sequence[Turning]:
        """At most `limit` of them, those first that have waited for the longest time."""
        ...

    def free(self, turning: Turning) -> AbstractAsyncContextManager[Subscription | None]:
        """A transaction of the subscription's organization that alone may change it; None when another one may."""
        ...


class Arrivals(Protocol):
    """Where events of other services arrive."""

    async def new(self, org_id: UUID, events: Sequence[Envelope], *, now: datetime) -> Sequence[Envelope]:
        """Those that never arrived before; in the transaction under way they are noted as dealt with."""
        ...
