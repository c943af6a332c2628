"""Webhooks and what is delivered to them, in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from integration.management.rows import Row, Rows
from integration.management.webhooks.models import Delivery, StoredSecret, Webhook
from llmo_data.postgres import Database, every, one

_SECRETS: Final = frozenset({"secret", "previous_secret"})
_FIELDS: Final = frozenset(Webhook.model_fields) - _SECRETS
_COLUMNS: Final = [*sorted(_FIELDS), "data_key", "secret", "previous_data_key", "previous_secret"]
LOCK: Final = "SELECT id FROM integration.webhooks WHERE id = %(id)s FOR UPDATE"
REMOVE: Final = """
    UPDATE integration.webhooks
    SET removed_at = %(at)s, enabled = false, url = '', data_key = NULL, secret = NULL, previous_data_key = NULL,
        previous_secret = NULL, previous_until = NULL
    WHERE id = %(id)s AND removed_at IS NULL
    """
_DELIVERY: Final = ", ".join(Delivery.model_fields)
PAGE: Final = f"""
    SELECT {_DELIVERY} FROM integration.webhook_deliveries
    WHERE webhook_id = %(webhook_id)s AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid)
    ORDER BY id DESC LIMIT %(limit)s
    """  # noqa: S608 - of constants
RETRY: Final = f"""
    UPDATE integration.webhook_deliveries SET status = 'pending', next_attempt_at = %(now)s
    WHERE webhook_id = %(webhook_id)s AND id = %(id)s
    RETURNING {_DELIVERY}
    """  # noqa: S608 - of constants
GIVE_UP: Final = """
    UPDATE integration.webhook_deliveries
    SET status = 'failed', next_attempt_at = NULL, last_error = coalesce(last_error, 'The webhook was disabled.')
    WHERE webhook_id = %(webhook_id)s AND next_attempt_at IS NOT NULL
    """


class PostgresWebhooks:
    """Webhooks."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows = Rows(database, "integration.webhooks", _COLUMNS)

    async def page(self, org_id: UUID, *, before: UUID | None, limit: int) -> Sequence[Webhook]:
        """At most `limit` webhooks, the newest first, that are older than the webhook `before`."""
        return [_webhook(row) for row in await self._rows.page(org_id, before=before, limit=limit)]

    async def find(self, org_id: UUID, webhook_id: UUID, *, locked: bool = False) -> Webhook | None:
        """The webhook, unless it is removed; if `locked` nobody changes it until the transaction under way ends."""
        async with self._database.transaction(org_id) as connection:
            if locked:
                await connection.execute(LOCK, {"id": webhook_id})
            row = await self._rows.find(org_id, webhook_id)
        return _webhook(row) if row is not None else None

    async def add(self, webhook: Webhook) -> None:
        """Keep a new webhook."""
        await self._rows.add(_row(webhook))

    async def change(self, webhook: Webhook) -> None:
        """Keep another version of a webhook."""
        await self._rows.change(_row(webhook))

    async def remove(self, webhook: Webhook, *, at: datetime) -> None:
        """Mark a webhook as removed, and forget its secrets and its URL, which may have one in it."""
        async with self._database.transaction(webhook.org_id) as connection:
            await connection.execute(REMOVE, {"id": webhook.id, "at": at})


class PostgresDeliveries:
    """What is delivered to webhooks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, webhook: Webhook, *, before: UUID | None, limit: int) -> Sequence[Delivery]:
        """At most `limit` deliveries, the newest first, that are older than the one with the id `before`."""
        async with self._database.transaction(webhook.org_id) as connection:
            rows = await every(connection, PAGE, webhook_id=webhook.id, before=before, limit=limit)
        return [Delivery(**row) for row in rows]

    async def retry(self, webhook: Webhook, delivery_id: UUID, *, now: datetime) -> Delivery | None:
        """Have a delivery made again now; None when there is none with this id."""
        async with self._database.transaction(webhook.org_id) as connection:
            row = await one(connection, RETRY, webhook_id=webhook.id, id=delivery_id, now=now)
        return Delivery(**row) if row is not None else None

    async def give_up(self, webhook: Webhook) -> None:
        """Deliver nothing that waits."""
        async with self._database.transaction(webhook.org_id) as connection:
            await connection.execute(GIVE_UP, {"webhook_id": webhook.id})


def _webhook(row: Row) -> Webhook:
    return Webhook(
        **{name: row[name] for name in _FIELDS},
        secret=StoredSecret(data_key=bytes(row["data_key"]), ciphertext=bytes(row["secret"])),
        previous_secret=StoredSecret(data_key=bytes(row["previous_data_key"]), ciphertext=bytes(row["previous_secret"]))
        if row["previous_secret"] is not None
        else None,
    )


def _row(webhook: Webhook) -> dict[str, Any]:
    previous = webhook.previous_secret
    return {
        **webhook.model_dump(include=set(_FIELDS)),
        "event_types": [each.value for each in webhook.event_types],
        "data_key": webhook.secret.data_key,
        "secret": webhook.secret.ciphertext,
        "previous_data_key": previous and previous.data_key,
        "previous_secret": previous and previous.ciphertext,
    }
