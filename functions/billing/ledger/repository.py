"""The ledger in PostgreSQL, which refuses what does not add up, what comes twice and what would change."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from billing.ledger.bookings import Account, Booked, Booking, Entry
from llmo_core.ids import NewId
from llmo_data.postgres import Database, every, one

_BOOK = """
    INSERT INTO billing.ledger_transactions (id, org_id, kind, reference, currency, entries, booked_at)
    VALUES (%(id)s, %(org_id)s, %(kind)s, %(reference)s, %(currency)s, %(entries)s, %(booked_at)s)
    ON CONFLICT (org_id, kind, reference) DO NOTHING
    RETURNING id
    """
_ENTER = """
    INSERT INTO billing.ledger_entries (transaction_id, position, org_id, currency, account, subject, amount)
    SELECT %(id)s, entry.position, %(org_id)s, %(currency)s, entry.account, entry.subject, entry.amount
    FROM unnest(%(accounts)s::text[], %(subjects)s::uuid[], %(amounts)s::bigint[])
        WITH ORDINALITY AS entry (account, subject, amount, position)
    """
_PAGE = """
    SELECT booked.id, booked.org_id, booked.kind, booked.reference, booked.currency, booked.booked_at,
        json_agg(
            json_build_object('account', entry.account, 'subject', entry.subject, 'amount', entry.amount)
            ORDER BY entry.position
        ) AS entries
    FROM billing.ledger_transactions AS booked
    JOIN billing.ledger_entries AS entry ON entry.transaction_id = booked.id
    WHERE booked.org_id = %(org_id)s AND (%(before)s::uuid IS NULL OR booked.id < %(before)s::uuid)
    GROUP BY booked.id
    ORDER BY booked.id DESC
    LIMIT %(limit)s
    """
_BALANCE = """
    SELECT coalesce(sum(amount), 0)::bigint AS balance FROM billing.ledger_entries
    WHERE org_id = %(org_id)s AND account = %(account)s AND subject = %(subject)s
    """


class PostgresLedger:
    """Bookings and their entries.

    Args:
        new_id: The ids of what is booked.
    """

    def __init__(self, database: Database, new_id: NewId) -> None:
        self._database = database
        self._new_id = new_id

    async def book(self, org_id: UUID, booking: Booking, *, at: datetime) -> bool:
        """Book something in the transaction under way; False, and nothing, where it is booked already."""
        row = {
            "id": self._new_id(),
            "org_id": org_id,
            "kind": booking.kind.value,
            "reference": booking.reference,
            "currency": booking.currency.value,
            "entries": len(booking.entries),
            "booked_at": at,
        }
        entries = {
            "accounts": [entry.account.value for entry in booking.entries],
            "subjects": [entry.subject for entry in booking.entries],
            "amounts": [entry.amount for entry in booking.entries],
        }
        async with self._database.transaction(org_id) as connection:
            if await one(connection, _BOOK, **row) is None:
                return False
            await connection.execute(_ENTER, {**row, **entries})
        return True

    async def balance(self, org_id: UUID, account: Account, subject: UUID) -> int:
        """What an account of something comes to, with what the transaction under way has booked."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, _BALANCE, org_id=org_id, account=account.value, subject=subject)
        return int(row["balance"]) if row is not None else 0

    async def page(self, org_id: UUID, *, before: UUID | None, limit: int) -> Sequence[Booked]:
        """At most `limit` of an organization's bookings, the newest first, that are older than the one with this id."""
        async with self._database.joined(org_id) as connection:
            return [_booked(row) for row in await every(connection, _PAGE, org_id=org_id, before=before, limit=limit)]


def _booked(row: Mapping[str, Any]) -> Booked:
    return Booked(**{**row, "entries": tuple(Entry.model_validate(entry) for entry in row["entries"])})
