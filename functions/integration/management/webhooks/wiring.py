"""The use cases of webhooks with their adapters.

What calls AWS or a receiver is imported when one is called: aiohttp takes a while.
"""

import os
import time

from integration.management import wiring as shared
from integration.management.webhooks.delivering import DeliveryService
from integration.management.webhooks.ports import Receiver
from integration.management.webhooks.repository import PostgresDeliveries, PostgresWebhooks
from integration.management.webhooks.secrets import SecretSafe
from integration.management.webhooks.service import WebhookService
from integration.management.wiring import once
from integration.webhook_messages.secrets import SigningSecrets
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id


@once
def _safe() -> SecretSafe:
    return SecretSafe(SigningSecrets(shared.encryption()))


class _CallsLater:
    async def receiver(self, url: str) -> Receiver:
        from integration.webhook_messages.calls import WebhookCalls  # noqa: PLC0415 - see above

        return await WebhookCalls(policy=shared.address_policy(), clock=SystemClock()).receiver(url)


async def webhook_service() -> WebhookService:
    """The use cases of webhooks."""
    return WebhookService(
        webhooks=PostgresWebhooks(shared.database()),
        deliveries=PostgresDeliveries(shared.database()),
        safe=_safe(),
        policy=shared.address_policy(),
        events=shared.events(),
        change=shared.changes().change,
        clock=SystemClock(),
        new_id=new_id,
        random_bytes=os.urandom,
    )


async def delivery_service() -> DeliveryService:
    """The use cases of deliveries."""
    return DeliveryService(
        webhooks=PostgresWebhooks(shared.database()),
        deliveries=PostgresDeliveries(shared.database()),
        safe=_safe(),
        calls=_CallsLater(),
        transaction=shared.database().transaction,
        clock=SystemClock(),
        new_id=new_id,
        timer=time.perf_counter,
    )
