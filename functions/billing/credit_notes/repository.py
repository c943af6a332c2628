"""Credit notes in PostgreSQL, which refuses what is more than was invoiced, and what would change."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from billing.credit_notes.models import Allocation, CreditNote
from llmo_data.postgres import Database, every, insert, one

_NOTES = "SELECT * FROM billing.credit_notes WHERE org_id = %(org_id)s"
_PAGE = (
    _NOTES
    + """
        AND (%(invoice_id)s::uuid IS NULL OR invoice_id = %(invoice_id)s::uuid)
        AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid)
    ORDER BY id DESC
    LIMIT %(limit)s
    """
)
_NOTE = _NOTES + " AND id = %(note_id)s"
_OF_INVOICE = _NOTES + " AND invoice_id = %(invoice_id)s ORDER BY sequence"
_NEXT_SEQUENCE = """
    INSERT INTO billing.credit_note_numbers AS numbers (org_id, last) VALUES (%(org_id)s, 1)
    ON CONFLICT (org_id) DO UPDATE SET last = numbers.last + 1
    RETURNING last
    """


class PostgresCreditNotes:
    """Credit notes and their numbers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, org_id: UUID, *, invoice_id: UUID | None, before: UUID | None, limit: int
    ) -> Sequence[CreditNote]:
        """At most `limit` notes, of an invoice if one is named, the newest first, older than the one with this id."""
        wanted = {"org_id": org_id, "invoice_id": invoice_id, "before": before, "limit": limit}
        async with self._database.transaction(org_id) as connection:
            return [_note(row) for row in await every(connection, _PAGE, **wanted)]

    async def find(self, org_id: UUID, note_id: UUID) -> CreditNote | None:
        """The one with this id."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, _NOTE, org_id=org_id, note_id=note_id)
        return _note(row) if row is not None else None

    async def of_invoice(self, org_id: UUID, invoice_id: UUID) -> Sequence[CreditNote]:
        """An invoice's, the oldest first."""
        async with self._database.transaction(org_id) as connection:
            rows = await every(connection, _OF_INVOICE, org_id=org_id, invoice_id=invoice_id)
        return [_note(row) for row in rows]

    async def add(self, note: CreditNote) -> None:
        """Keep a new one."""
        async with self._database.transaction(note.org_id) as connection:
            await connection.execute(*insert("billing.credit_notes", _row(note)))

    async def next_sequence(self, org_id: UUID) -> int:
        """The organization's next number. Whoever else wants one waits until the transaction under way has ended."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, _NEXT_SEQUENCE, org_id=org_id)
        if row is None:
            raise LookupError("an INSERT that returns a row returned none")
        last: int = row["last"]
        return last


def _note(row: Mapping[str, Any]) -> CreditNote:
    amounts = {name: row[f"amount_{name}"] for name in ("deducted", "returned", "refunded", "granted")}
    allocation = Allocation.model_validate({**amounts, "restored": row["restored"]})
    fields = {name: row[name] for name in CreditNote.model_fields if name in row}
    return CreditNote.model_validate({**fields, "allocation": allocation})


def _row(note: CreditNote) -> dict[str, Any]:
    given = note.allocation
    documents = note.model_dump(mode="json", include={"lines", "issuer", "customer"})
    return {
        **note.model_dump(exclude={"allocation", "lines", "issuer", "customer"}),
        "currency": note.currency.value,
        "reason": note.reason.value,
        "outcome": note.outcome.value,
        **{name: Jsonb(document) if document is not None else None for name, document in documents.items()},
        **{f"amount_{name}": getattr(given, name) for name in ("deducted", "returned", "refunded", "granted")},
        "restored": Jsonb([credit.model_dump(mode="json") for credit in given.restored]),
    }
