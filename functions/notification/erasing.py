"""Erasing what is known of people, once what was sent to them is final."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from llmo_data.postgres import Connection

NAMES: Final = """(
        audience -> 'user_ids' ? coalesce(%(user_id)s::text, '')
        OR audience -> 'phones' ? coalesce(%(address)s::text, '')
        OR EXISTS (
            SELECT FROM jsonb_array_elements(coalesce(audience -> 'addresses', '[]')) AS each
            WHERE lower(each ->> 'email') = lower(%(address)s::text) OR each ->> 'user_id' = %(user_id)s::text
        )
    )"""
"""Whether an audience lists somebody, by `user_id` or by `address`."""
AUDIENCE_WITHOUT: Final = """audience
        || jsonb_build_object('user_ids', coalesce(audience -> 'user_ids', '[]') - coalesce(%(user_id)s::text, ''))
        || jsonb_build_object('phones', coalesce(audience -> 'phones', '[]') - coalesce(%(address)s::text, ''))
        || jsonb_build_object('addresses', (
            SELECT coalesce(jsonb_agg(each), '[]')
            FROM jsonb_array_elements(coalesce(audience -> 'addresses', '[]')) AS each
            WHERE lower(each ->> 'email') IS DISTINCT FROM lower(%(address)s::text)
                AND NOT coalesce(each ->> 'user_id' = %(user_id)s::text, false)
        ))"""
"""An audience, but for who is found by `NAMES`."""
# What was tried, and what providers told, may name the address; it may be written down after the message was erased.
ERASE_FINAL: Final = """
    WITH final AS (
        UPDATE notification.messages
        SET address = NULL, name = NULL, reason = NULL, erased = true,
            recipient = CASE WHEN user_id IS NULL THEN id::text ELSE recipient END
        WHERE id = ANY(%(ids)s) AND departing AND status NOT IN ('queued', 'sending')
        RETURNING id, notification_id
    ), attempted AS (
        UPDATE notification.attempts SET reason = NULL WHERE message_id IN (SELECT id FROM final)
    ), told AS (
        UPDATE notification.receipts SET reason = NULL WHERE message_id IN (SELECT id FROM final)
    )
    UPDATE notification.notifications AS notification SET variables = '{"_forgotten": true}', audience = '{}'
    WHERE id IN (SELECT notification_id FROM final) AND finished_at IS NOT NULL
        AND NOT EXISTS (
            SELECT FROM notification.messages AS other
            WHERE other.notification_id = notification.id AND NOT other.erased
                AND other.id NOT IN (SELECT id FROM final)
        )
    """
# What ends with messages of its own is erased with the last one of them.
ERASE_ENDED: Final = """
    UPDATE notification.notifications AS notification SET variables = '{"_forgotten": true}', audience = '{}'
    WHERE id = %(id)s AND departing AND finished_at IS NOT NULL AND NOT EXISTS (
        SELECT FROM notification.messages WHERE notification_id = notification.id AND NOT erased
    )
    """


_LEAVING: Final = "hashtextextended('notification.leaving ' || coalesce(%(org_id)s::text, ''), 0)"
WHILE_NOBODY_LEAVES: Final = f"SELECT pg_advisory_xact_lock_shared({_LEAVING})"
WHILE_NOTHING_IS_ADDED: Final = f"SELECT pg_advisory_xact_lock({_LEAVING})"


async def while_nobody_leaves(connection: Connection, org_id: UUID | None) -> None:
    """Until the transaction under way ends nobody is forgotten by this organization; call it before all else.

    Whoever adds messages looks afterwards who is still there. Others may add some at the same time.
    """
    await connection.execute(WHILE_NOBODY_LEAVES.encode(), {"org_id": org_id})


async def while_nothing_is_added(connection: Connection, org_id: UUID | None) -> None:
    """Until the transaction under way ends this organization gets no messages; call it before all else.

    What was added before is seen by what follows, and whoever adds more sees what this transaction has forgotten.
    """
    await connection.execute(WHILE_NOTHING_IS_ADDED.encode(), {"org_id": org_id})


async def erase_ended(connection: Connection, notification_id: UUID) -> None:
    """Keep nothing of a notification to who has left that has ended, when no message of it is to be erased yet.

    It was given up, or cancelled, or planned for nobody any more. Safe to repeat.
    """
    await connection.execute(ERASE_ENDED.encode(), {"id": notification_id})


async def erase_final(connection: Connection, message_ids: Sequence[UUID]) -> None:
    """Erase what is known of the recipients of those of the messages that are final and go to who has left.

    Of a notification whose messages are all erased nothing is kept either. Safe to repeat.
    """
    await connection.execute(ERASE_FINAL.encode(), {"ids": [*message_ids]})
