"""What the worker needs of the world around it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from integration.webhook_delivery.models import (
    Attempted,
    Delivery,
    DisabledReason,
    Message,
    Subscription,
    Waiting,
    Webhook,
)
from integration.webhook_messages.answers import Answer
from llmo_core.envelope_encryption import Sealed
from llmo_messaging.envelope import Envelope


class Arrivals(Protocol):
    """Where events arrive. Everything raises DatabaseUnavailable."""

    async def new(self, org_id: UUID, events: Sequence[Envelope], *, now: datetime) -> Sequence[Envelope]:
        """Those that never arrived before; in the transaction under way they are noted as dealt with."""
        ...

    async def subscriptions(self, org_id: UUID) -> Sequence[Subscription]:
        """What the organization's enabled webhooks want to be told of. None is disabled before the transaction ends."""
        ...

    async def add(self, org_id: UUID, messages: Sequence[Message], *, now: datetime) -> None:
        """Keep messages, due now; one that there is already stays as it is."""
        ...


class Deliveries(Protocol):
    """What is to be delivered. Everything raises DatabaseUnavailable."""

    async def waiting(self, *, now: datetime, besides: Collection[UUID], limit: int) -> Sequence[Waiting]:
        """The webhooks, besides some, that something is due for and no worker has, of all organizations.

        Those that work come first, and among them those that wait for the longest time.
        """
        ...

    async def lease(self, waiting: Waiting, *, now: datetime, until: datetime) -> Webhook | None:
        """The webhook, for one worker until then; None when another one has it, or nothing is delivered to it."""
        ...

    async def release(self, webhook: Webhook, *, now: datetime) -> bool:
        """Let other workers have the webhook; whether something is due for it that came meanwhile."""
        ...

    async def due(self, webhook: Webhook, *, now: datetime, limit: int) -> Sequence[Delivery]:
        """What is due for the webhook, the longest waiting first."""
        ...

    async def keep(
        self, webhook: Webhook, attempted: Sequence[Attempted], *, succeeded: bool, now: datetime
    ) -> datetime | None:
        """Keep what came of attempts; since when the webhook fails, as long as nothing of it `succeeded`.

        None for a webhook that does not fail, or that was disabled meanwhile.
        """
        ...

    async def forget_failures(self, webhook: Webhook) -> None:
        """Let the webhook begin anew, unless something waits for it."""
        ...

    async def disable(self, webhook: Webhook, reason: DisabledReason, *, now: datetime) -> bool:
        """Deliver nothing to the webhook any more, what waits included; False when that is so already."""
        ...


class Secrets(Protocol):
    """Opens signing secrets."""

    async def open(self, sealed: Sealed, *, org_id: UUID, webhook_id: UUID) -> str:
        """The secret. Raises Unopenable, Unavailable."""
        ...


class Receiver(Protocol):
    """Who gets messages, at addresses that were looked at."""

    async def send(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send one message, for fifteen seconds at most. Whatever goes wrong is in what it gives."""
        ...


class Calls(Protocol):
    """Finds receivers."""

    async def receiver(self, url: str) -> Receiver:
        """Who gets messages at a URL, whose host is looked up here and not again. Raises Unavailable.

        That is when we are too busy to look; what is wrong with the host comes of each message.
        """
        ...
