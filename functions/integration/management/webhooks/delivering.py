"""What one can know of deliveries, and have delivered."""

from collections.abc import Callable
from typing import Final
from uuid import UUID

from integration.management.webhooks.models import (
    Delivery,
    Tried,
    UnknownDelivery,
    UnknownWebhook,
    Webhook,
    WebhookIsDisabled,
)
from integration.management.webhooks.ports import Calls, Deliveries, Safe, Webhooks
from integration.webhook_messages.catalogue import TEST
from integration.webhook_messages.signing import body_of, signed_headers
from llmo_auth.principal import Principal
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_core.paging import Page
from llmo_data.ports import Transaction

_TEST_DATA: Final = {"message": "Somebody tries this webhook."}


class DeliveryService:
    """Shows deliveries, makes them again, and tries webhooks.

    Args:
        timer: Seconds that only go forward.
    """

    def __init__(
        self,
        *,
        webhooks: Webhooks,
        deliveries: Deliveries,
        safe: Safe,
        calls: Calls,
        transaction: Transaction,
        clock: Clock,
        new_id: NewId,
        timer: Callable[[], float],
    ) -> None:
        self._webhooks = webhooks
        self._deliveries = deliveries
        self._safe = safe
        self._calls = calls
        self._transaction = transaction
        self._clock = clock
        self._new_id = new_id
        self._timer = timer

    async def page(self, principal: Principal, webhook_id: UUID, *, before: UUID | None, limit: int) -> Page[Delivery]:
        """Deliveries to a webhook, the newest first. Raises UnknownWebhook."""
        webhook = await self._find(principal, webhook_id)
        return Page.of(await self._deliveries.page(webhook, before=before, limit=limit + 1), limit)

    async def retry(self, principal: Principal, webhook_id: UUID, delivery_id: UUID) -> Delivery:
        """Have a delivery made again within a minute, whatever came of it; the schedule goes on after it.

        One that had its last attempt gets one more. Raises UnknownWebhook, UnknownDelivery, WebhookIsDisabled.
        """
        async with self._transaction(principal.org_id):
            webhook = await self._find(principal, webhook_id, locked=True)
            if not webhook.enabled:
                raise WebhookIsDisabled
            delivery = await self._deliveries.retry(webhook, delivery_id, now=self._clock.now())
        if delivery is None:
            raise UnknownDelivery
        return delivery

    async def test(self, principal: Principal, webhook_id: UUID) -> Tried:
        """Send a test event now, once, whether the webhook is enabled or not; it is no delivery, and disables nothing.

        Raises UnknownWebhook, and Unavailable without the key service or when too many names are looked up.
        """
        webhook = await self._find(principal, webhook_id)
        now, event_id = self._clock.now(), self._new_id()
        secrets = [
            await self._safe.opened(secret, org_id=webhook.org_id, webhook_id=webhook.id)
            for secret in webhook.secrets(now)
        ]
        body = body_of(TEST, now, _TEST_DATA).encode()
        started = self._timer()
        receiver = await self._calls.receiver(webhook.url)
        answer = await receiver.send(body, signed_headers(str(event_id), body, secrets, now=now))
        return Tried(
            event_id=event_id,
            delivered=answer.delivered,
            status=answer.status,
            latency_ms=round((self._timer() - started) * 1000),
            problem=answer.error,
        )

    async def _find(self, principal: Principal, webhook_id: UUID, *, locked: bool = False) -> Webhook:
        found = await self._webhooks.find(principal.org_id, webhook_id, locked=locked)
        if found is None:
            raise UnknownWebhook
        return found
