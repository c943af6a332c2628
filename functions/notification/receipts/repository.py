"""Receipts in PostgreSQL. Everything raises DatabaseUnavailable."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from llmo_data.postgres import Database, every
from notification.address_hashes import address_hash
from notification.delivery.repository import FORGET
from notification.erasing import erase_final
from notification.kinds.models import Channel
from notification.receipts.models import Changed, Receipt, Suppression, Told

OWNERS: Final = "SELECT id, org_id FROM notification.message_owners WHERE id = ANY(%(ids)s)"
# In the order of ids: two deliveries of the same wait for each other, and never both for one another.
LOCK: Final = """
    SELECT id, channel, status, address FROM notification.messages WHERE id = ANY(%(ids)s) ORDER BY id FOR UPDATE
    """
ADD: Final = """
    INSERT INTO notification.receipts
        (provider, event_id, org_id, message_id, status, reason, occurred_at, received_at)
    SELECT provider, event_id, %(org_id)s, message_id, status, reason, occurred_at, %(now)s
    FROM unnest(
        %(providers)s::text[], %(event_ids)s::text[], %(message_ids)s::uuid[], %(statuses)s::text[],
        %(reasons)s::text[], %(moments)s::timestamptz[]
    ) AS told (provider, event_id, message_id, status, reason, occurred_at)
    ON CONFLICT (provider, event_id) DO NOTHING
    RETURNING event_id
    """
# A sender that died after the provider's answer has left its lease: without it nobody sends the message again.
CHANGE: Final = """
    UPDATE notification.messages AS message
    SET status = changed.status, reason = changed.reason, leased_until = NULL, updated_at = %(now)s,
        sent_at = coalesce(message.sent_at, %(now)s), provider = coalesce(message.provider, changed.provider),
        provider_id = coalesce(message.provider_id, changed.provider_id)
    FROM unnest(%(ids)s::uuid[], %(statuses)s::text[], %(reasons)s::text[], %(providers)s::text[],
        %(provider_ids)s::text[]) AS changed (id, status, reason, provider, provider_id)
    WHERE message.id = changed.id
        -- What is sent again waits with the moment of the first time: news of that time are none of this one.
        AND NOT (message.status IN ('queued', 'sending') AND message.sent_at IS NOT NULL)
    """
SUPPRESS: Final = """
    INSERT INTO notification.suppressions (channel, address_hash, reason, message_id, created_at)
    SELECT channel, address_hash, reason, message_id, %(now)s
    FROM unnest(%(channels)s::text[], %(hashes)s::text[], %(reasons)s::text[], %(message_ids)s::uuid[])
        AS told (channel, address_hash, reason, message_id)
    ORDER BY channel, address_hash
    ON CONFLICT (channel, address_hash) DO UPDATE SET reason = excluded.reason
        WHERE notification.suppressions.reason NOT IN ('bounced', 'gone')
            AND (notification.suppressions.reason, excluded.reason) <> ('complained', 'unsubscribed')
    """


class PostgresReceipts:
    """Receipts, and the messages that they are about.

    Args:
        pepper: The secret that addresses are hashed under.
    """

    def __init__(self, database: Database, pepper: bytes) -> None:
        self._database = database
        self._pepper = pepper

    async def owners(self, message_ids: Collection[UUID]) -> Mapping[UUID, UUID | None]:
        """Whose those of the messages are that exist."""
        async with self._database.statements() as connection:
            rows = await every(connection, OWNERS, ids=[*message_ids])
        return {row["id"]: row["org_id"] for row in rows}

    async def lock(self, org_id: UUID | None, message_ids: Collection[UUID]) -> Sequence[Told]:
        """Those of the organization's messages, which nobody else changes until the transaction ends."""
        async with self._database.joined(org_id) as connection:
            rows = await every(connection, LOCK, ids=[*message_ids])
        return [Told(**row) for row in rows]

    async def add(self, org_id: UUID | None, receipts: Sequence[Receipt], now: datetime) -> Collection[str]:
        """Keep receipts; the ids of those that were not kept before."""
        given = {
            "providers": [each.provider for each in receipts],
            "event_ids": [each.event_id for each in receipts],
            "message_ids": [each.message_id for each in receipts],
            "statuses": [each.status for each in receipts],
            "reasons": [each.reason for each in receipts],
            "moments": [each.occurred_at for each in receipts],
        }
        async with self._database.joined(org_id) as connection:
            rows = await every(connection, ADD, org_id=org_id, now=now, **given)
            await erase_final(connection, [each.message_id for each in receipts])
        return {row["event_id"] for row in rows}

    async def change(self, org_id: UUID | None, changed: Sequence[Changed], now: datetime) -> None:
        """Keep what becomes of messages. What no sender has noted as sent is by this."""
        if not changed:
            return
        given = {
            "ids": [each.id for each in changed],
            "statuses": [each.status for each in changed],
            "reasons": [each.reason for each in changed],
            "providers": [each.provider for each in changed],
            "provider_ids": [each.provider_id for each in changed],
        }
        async with self._database.joined(org_id) as connection:
            await connection.execute(CHANGE.encode(), {**given, "now": now})
            await connection.execute(FORGET.encode(), {"ids": given["ids"]})
            await erase_final(connection, [each.id for each in changed])

    async def suppress(self, addresses: Mapping[tuple[Channel, str], tuple[Suppression, UUID]], now: datetime) -> None:
        """Send nothing to these any more, for these reasons, of which messages."""
        once = {(channel, address_hash(address, self._pepper)): why for (channel, address), why in addresses.items()}
        if not once:
            return
        given = {
            "channels": [channel for channel, _ in once],
            "hashes": [hashed for _, hashed in once],
            "reasons": [reason for reason, _ in once.values()],
            "message_ids": [message_id for _, message_id in once.values()],
        }
        async with self._database.joined(None) as connection:
            await connection.execute(SUPPRESS.encode(), {**given, "now": now})
