"""Webhooks and what is delivered to them, in PostgreSQL. Everything raises DatabaseUnavailable."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from integration.webhook_delivery.models import (
    Attempted,
    Delivery,
    DisabledReason,
    Message,
    Status,
    Subscription,
    Waiting,
    Webhook,
)
from llmo_core.envelope_encryption import Sealed
from llmo_data.inbox import Inbox
from llmo_data.postgres import Database, every, one
from llmo_messaging.envelope import Envelope

KEPT: Final = timedelta(days=30)
DISABLED: Final = "The webhook was disabled."
# Whoever disables one waits until the messages are there that it then gives up.
SUBSCRIPTIONS: Final = """
    SELECT id, event_types FROM integration.webhooks WHERE enabled AND removed_at IS NULL ORDER BY id FOR SHARE
    """
ADD: Final = """
    INSERT INTO integration.webhook_deliveries
        (id, org_id, webhook_id, event_id, event_type, body, status, attempts, next_attempt_at, created_at, expires_at)
    VALUES (%(id)s, %(org_id)s, %(webhook_id)s, %(event_id)s, %(event_type)s, %(body)s, 'pending', 0, %(now)s, %(now)s,
        %(expires_at)s)
    ON CONFLICT (webhook_id, event_id) DO NOTHING
    """
WAITING: Final = """
    SELECT webhook_id, org_id FROM integration.waiting_webhooks
    WHERE next_attempt_at <= %(now)s AND (leased_until IS NULL OR leased_until <= %(now)s)
        AND webhook_id <> ALL(%(besides)s)
    GROUP BY webhook_id, org_id, failing
    ORDER BY failing, min(next_attempt_at) LIMIT %(limit)s
    """
LEASE: Final = """
    UPDATE integration.webhooks SET leased_until = %(until)s
    WHERE id = %(id)s AND enabled AND removed_at IS NULL AND (leased_until IS NULL OR leased_until <= %(now)s)
    RETURNING id, org_id, url, description, data_key, secret, previous_data_key, previous_secret, previous_until
    """
RELEASE: Final = "UPDATE integration.webhooks SET leased_until = NULL WHERE id = %(id)s"
DUE: Final = """
    SELECT id, event_id, event_type, body, attempts FROM integration.webhook_deliveries
    WHERE webhook_id = %(webhook_id)s AND next_attempt_at <= %(now)s
    ORDER BY next_attempt_at, id LIMIT %(limit)s
    """
# What stands there now, not at the lease: somebody may have enabled it anew, which forgets its failures.
FAILING: Final = """
    UPDATE integration.webhooks
    SET failing_since = CASE WHEN %(succeeded)s THEN NULL ELSE coalesce(failing_since, %(now)s) END
    WHERE id = %(id)s AND enabled AND removed_at IS NULL
    RETURNING failing_since
    """
FORGET: Final = """
    UPDATE integration.webhooks SET failing_since = NULL
    WHERE id = %(id)s AND NOT EXISTS (
        SELECT FROM integration.webhook_deliveries WHERE webhook_id = %(id)s AND next_attempt_at IS NOT NULL)
    """
ATTEMPTED: Final = """
    UPDATE integration.webhook_deliveries
    SET status = %(status)s, attempts = %(attempts)s, next_attempt_at = %(next_attempt_at)s, last_attempt_at = %(at)s,
        last_status_code = %(status_code)s, last_error = %(error)s
    WHERE id = %(id)s
    """
DISABLE: Final = """
    UPDATE integration.webhooks
    SET enabled = false, disabled_reason = %(reason)s, version = version + 1, updated_at = %(now)s
    WHERE id = %(id)s AND enabled AND removed_at IS NULL
    RETURNING id
    """
GIVE_UP: Final = """
    UPDATE integration.webhook_deliveries
    SET status = 'failed', next_attempt_at = NULL, last_error = coalesce(last_error, %(error)s)
    WHERE webhook_id = %(webhook_id)s AND next_attempt_at IS NOT NULL
    """


class PostgresArrivals:
    """Where events arrive."""

    def __init__(self, database: Database, inbox: Inbox) -> None:
        self._database = database
        self._inbox = inbox

    async def new(self, org_id: UUID, events: Sequence[Envelope], *, now: datetime) -> Sequence[Envelope]:
        """Those that never arrived before; in the transaction under way they are noted as dealt with."""
        async with self._database.transaction(org_id) as connection:
            return await self._inbox.admit(connection, events, now=now)

    async def subscriptions(self, org_id: UUID) -> Sequence[Subscription]:
        """What the organization's enabled webhooks want to be told of. None is disabled before the transaction ends."""
        async with self._database.transaction(org_id) as connection:
            rows = await every(connection, SUBSCRIPTIONS)
        return [Subscription(row["id"], frozenset(row["event_types"])) for row in rows]

    async def add(self, org_id: UUID, messages: Sequence[Message], *, now: datetime) -> None:
        """Keep messages, due now; one that there is already stays as it is."""
        rows = [
            {
                "id": each.id,
                "org_id": org_id,
                "webhook_id": each.webhook_id,
                "event_id": each.event_id,
                "event_type": each.event_type,
                "body": each.body,
                "now": now,
                "expires_at": now + KEPT,
            }
            for each in messages
        ]
        async with self._database.transaction(org_id) as connection, connection.cursor() as cursor:
            await cursor.executemany(ADD.encode(), rows)


class PostgresDeliveries:
    """What is to be delivered."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def waiting(self, *, now: datetime, besides: Collection[UUID], limit: int) -> Sequence[Waiting]:
        """The webhooks, besides some, that something is due for and no worker has, of all organizations.

        Those that work come first, and among them those that wait for the longest time.
        """
        async with self._database.transaction() as connection:
            rows = await every(connection, WAITING, now=now, besides=[*besides], limit=limit)
        return [Waiting(row["org_id"], row["webhook_id"]) for row in rows]

    async def lease(self, waiting: Waiting, *, now: datetime, until: datetime) -> Webhook | None:
        """The webhook, for one worker until then; None when another one has it, or nothing is delivered to it."""
        async with self._database.transaction(waiting.org_id) as connection:
            row = await one(connection, LEASE, id=waiting.webhook_id, now=now, until=until)
        return _webhook(row) if row is not None else None

    async def release(self, webhook: Webhook, *, now: datetime) -> bool:
        """Let other workers have the webhook; whether something is due for it that came meanwhile."""
        async with self._database.transaction(webhook.org_id) as connection:
            await connection.execute(RELEASE.encode(), {"id": webhook.id})
        return bool(await self.due(webhook, now=now, limit=1))

    async def due(self, webhook: Webhook, *, now: datetime, limit: int) -> Sequence[Delivery]:
        """What is due for the webhook, the longest waiting first."""
        async with self._database.transaction(webhook.org_id) as connection:
            rows = await every(connection, DUE, webhook_id=webhook.id, now=now, limit=limit)
        return [Delivery(**row) for row in rows]

    async def keep(
        self, webhook: Webhook, attempted: Sequence[Attempted], *, succeeded: bool, now: datetime
    ) -> datetime | None:
        """Keep what came of attempts; since when the webhook fails. Of one that was disabled nothing waits."""
        async with self._database.transaction(webhook.org_id) as connection:
            kept = await one(connection, FAILING, id=webhook.id, succeeded=succeeded, now=now)
            for each in attempted:
                given_up = kept is None and each.status is Status.PENDING
                values = {
                    "id": each.delivery_id,
                    "status": Status.FAILED.value if given_up else each.status.value,
                    "attempts": each.attempts,
                    "next_attempt_at": None if given_up else each.next_attempt_at,
                    "at": each.at,
                    "status_code": each.status_code,
                    "error": each.error,
                }
                await connection.execute(ATTEMPTED.encode(), values)
        return kept["failing_since"] if kept is not None else None

    async def forget_failures(self, webhook: Webhook) -> None:
        """Let the webhook begin anew, unless something waits for it."""
        async with self._database.transaction(webhook.org_id) as connection:
            await connection.execute(FORGET.encode(), {"id": webhook.id})

    async def disable(self, webhook: Webhook, reason: DisabledReason, *, now: datetime) -> bool:
        """Deliver nothing to the webhook any more, what waits included; False when that is so already."""
        async with self._database.transaction(webhook.org_id) as connection:
            if await one(connection, DISABLE, id=webhook.id, reason=reason.value, now=now) is None:
                return False
            await connection.execute(GIVE_UP.encode(), {"webhook_id": webhook.id, "error": DISABLED})
        return True


def _webhook(row: dict[str, Any]) -> Webhook:
    previous = row["previous_secret"]
    return Webhook(
        id=row["id"],
        org_id=row["org_id"],
        url=row["url"],
        description=row["description"],
        secret=Sealed(bytes(row["data_key"]), bytes(row["secret"])),
        previous_secret=Sealed(bytes(row["previous_data_key"]), bytes(previous)) if previous is not None else None,
        previous_until=row["previous_until"],
    )
