"""What the use cases of webhooks need of the world around them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from pydantic import SecretStr

from integration.management.webhooks.models import Delivery, StoredSecret, Webhook
from integration.webhook_messages.answers import Answer


class Webhooks(Protocol):
    """Webhooks; every method is limited to the organization it names."""

    async def page(self, org_id: UUID, *, before: UUID | None, limit: int) -> Sequence[Webhook]:
        """At most `limit` webhooks, the newest first, that are older than the webhook `before`."""
        ...

    async def find(self, org_id: UUID, webhook_id: UUID, *, locked: bool = False) -> Webhook | None:
        """The webhook, unless it is removed; if `locked` nobody changes it until the transaction under way ends."""
        ...

    async def add(self, webhook: Webhook) -> None:
        """Keep a new webhook."""
        ...

    async def change(self, webhook: Webhook) -> None:
        """Keep another version of a webhook."""
        ...

    async def remove(self, webhook: Webhook, *, at: datetime) -> None:
        """Mark a webhook as removed, and forget its secrets and its URL, which may have one in it."""
        ...


class Deliveries(Protocol):
    """What is delivered to webhooks; every method is limited to the organization it names."""

    async def page(self, webhook: Webhook, *, before: UUID | None, limit: int) -> Sequence[Delivery]:
        """At most `limit` deliveries, the newest first, that are older than the one with the id `before`."""
        ...

    async def retry(self, webhook: Webhook, delivery_id: UUID, *, now: datetime) -> Delivery | None:
        """Have a delivery made again now; None when there is none with this id."""
        ...

    async def give_up(self, webhook: Webhook) -> None:
        """Deliver nothing that waits."""
        ...


class Safe(Protocol):
    """Keeps signing secrets."""

    async def sealed(self, secret: SecretStr, *, org_id: UUID, webhook_id: UUID) -> StoredSecret:
        """A secret as it is kept. Raises Unavailable."""
        ...

    async def opened(self, secret: StoredSecret, *, org_id: UUID, webhook_id: UUID) -> str:
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
