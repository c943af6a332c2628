"""Invoices in PostgreSQL."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from billing.invoices.claims import ClaimKey, ClaimKind
from billing.invoices.models import Invoice, InvoiceStatus, Party
from billing.invoices.ports import BilledUsage
from billing.invoicing.breakdown import Breakdown
from billing.invoicing.recurring import Recurring
from billing.periods import Period
from llmo_core.model import Model
from llmo_data.postgres import Database, every, insert, one

_INVOICES = "SELECT * FROM billing.invoices WHERE org_id = %(org_id)s"
_PAGE = (
    _INVOICES
    + """
        AND status = ANY(%(statuses)s) AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid)
    ORDER BY id DESC
    LIMIT %(limit)s
    """
)
_INVOICE = _INVOICES + " AND id = %(invoice_id)s"
_CHANGE = """
    UPDATE billing.invoices
    SET status = %(status)s, sequence = %(sequence)s, number = %(number)s, total = %(total)s,
        amount_due = %(amount_due)s, amount_paid = %(amount_paid)s, amount_credited = %(amount_credited)s,
        amount_deducted = %(amount_deducted)s, breakdown = %(breakdown)s, issuer = %(issuer)s,
        customer = %(customer)s, finalized_at = %(finalized_at)s, due_at = %(due_at)s, paid_at = %(paid_at)s,
        ended_at = %(ended_at)s
    WHERE org_id = %(org_id)s AND id = %(id)s
    """
_FOUND_OVERDUE = """
    UPDATE billing.invoices SET overdue_at = %(at)s
    WHERE org_id = %(org_id)s AND id = %(invoice_id)s AND overdue_at IS NULL
    RETURNING id
    """
_NEXT_SEQUENCE = """
    INSERT INTO billing.invoice_numbers AS numbers (org_id, last) VALUES (%(org_id)s, 1)
    ON CONFLICT (org_id) DO UPDATE SET last = numbers.last + 1
    RETURNING last
    """

_CLAIMED = """
    SELECT kind, at, period_start, period_end FROM billing.invoiced_claims
    WHERE org_id = %(org_id)s AND subscription_id = %(subscription_id)s
    """
_BILLED = """
    SELECT DISTINCT ON (usage.stretch_start, usage.stretch_end, usage.charge)
        usage.stretch_start, usage.stretch_end, usage.charge, usage.quantity
    FROM billing.billed_usage AS usage
    WHERE usage.org_id = %(org_id)s AND usage.subscription_id = %(subscription_id)s
        AND usage.stretch_start >= %(start)s AND usage.stretch_end <= %(end)s
    ORDER BY usage.stretch_start, usage.stretch_end, usage.charge, usage.invoice_id DESC
    """


class PostgresInvoices:
    """Invoices and their numbers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, org_id: UUID, *, statuses: Collection[InvoiceStatus], before: UUID | None, limit: int
    ) -> Sequence[Invoice]:
        """At most `limit` invoices in one of these statuses, the newest first, older than the one with this id."""
        wanted = {"org_id": org_id, "statuses": [status.value for status in statuses], "before": before, "limit": limit}
        async with self._database.transaction(org_id) as connection:
            return [_invoice(row) for row in await every(connection, _PAGE, **wanted)]

    async def find(self, org_id: UUID, invoice_id: UUID) -> Invoice | None:
        """The one with this id."""
        async with self._database.joined(org_id) as connection:
            row = await one(connection, _INVOICE, org_id=org_id, invoice_id=invoice_id)
        return _invoice(row) if row is not None else None

    async def locked(self, org_id: UUID, invoice_id: UUID) -> Invoice | None:
        """The same, which nobody else changes before the transaction under way ends."""
        async with self._database.joined(org_id) as connection:
            row = await one(connection, _INVOICE + " FOR UPDATE", org_id=org_id, invoice_id=invoice_id)
        return _invoice(row) if row is not None else None

    async def add(self, invoice: Invoice) -> None:
        """Keep a draft."""
        async with self._database.joined(invoice.org_id) as connection:
            await connection.execute(*insert("billing.invoices", _row(invoice)))

    async def change(self, invoice: Invoice) -> None:
        """Keep what has changed of one."""
        async with self._database.joined(invoice.org_id) as connection:
            await connection.execute(_CHANGE, _row(invoice))

    async def found_overdue(self, org_id: UUID, invoice_id: UUID, *, at: datetime) -> bool:
        """Note that one is overdue; False where that is noted already."""
        async with self._database.joined(org_id) as connection:
            return await one(connection, _FOUND_OVERDUE, org_id=org_id, invoice_id=invoice_id, at=at) is not None

    async def keep_recurring(self, invoice: Invoice, amounts: Sequence[Recurring]) -> None:
        """Keep what recurs of one, in the transaction that finalizes it."""
        whose = {"org_id": invoice.org_id, "invoice_id": invoice.id, "currency": invoice.currency.value}
        rows = [
            {
                **whose,
                "position": position,
                "net": amount.net,
                "months": amount.months,
                "starts_at": amount.period.start,
                "ends_at": amount.period.end,
            }
            for position, amount in enumerate(amounts)
        ]
        async with self._database.transaction(invoice.org_id) as connection, connection.cursor() as cursor:
            if rows:
                await cursor.executemany(insert("billing.recurring_amounts", rows[0])[0], rows)

    async def next_sequence(self, org_id: UUID) -> int:
        """The organization's next number. Whoever else wants one waits until the transaction under way has ended."""
        async with self._database.joined(org_id) as connection:
            row = await one(connection, _NEXT_SEQUENCE, org_id=org_id)
        if row is None:
            raise LookupError("an INSERT that returns a row returned none")
        last: int = row["last"]
        return last


class PostgresClaims:
    """Which claims are on invoices, and what usage they were billed for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claimed(self, org_id: UUID, subscription_id: UUID) -> Collection[ClaimKey]:
        """Those that are on an invoice."""
        async with self._database.joined(org_id) as connection:
            found = await every(connection, _CLAIMED, org_id=org_id, subscription_id=subscription_id)
        return {ClaimKey(ClaimKind(row["kind"]), row["at"], row["period_start"], row["period_end"]) for row in found}

    async def claim(self, invoice: Invoice, keys: Iterable[ClaimKey], usage: Iterable[BilledUsage]) -> None:
        """Put claims on an invoice, with the usage that it bills."""
        whose = {
            "org_id": invoice.org_id,
            "subscription_id": invoice.subscription_id,
            "invoice_id": invoice.id,
        }
        claims = [{**whose, **key._asdict(), "kind": key.kind.value} for key in keys]
        billed = [
            {
                **whose,
                "stretch_start": used.stretch.start,
                "stretch_end": used.stretch.end,
                "charge": used.charge,
                "quantity": used.quantity,
            }
            for used in usage
        ]
        async with self._database.transaction(invoice.org_id) as connection, connection.cursor() as cursor:
            for table, rows in (("billing.invoiced_claims", claims), ("billing.billed_usage", billed)):
                if rows:
                    statement, _ = insert(table, rows[0])
                    await cursor.executemany(statement, rows)

    async def billed(self, org_id: UUID, subscription_id: UUID, period: Period) -> Sequence[BilledUsage]:
        """What the stretches of a period were billed for the last time."""
        wanted = {"org_id": org_id, "subscription_id": subscription_id, "start": period.start, "end": period.end}
        async with self._database.transaction(org_id) as connection:
            found = await every(connection, _BILLED, **wanted)
        return [
            BilledUsage(Period(start=row["stretch_start"], end=row["stretch_end"]), row["charge"], row["quantity"])
            for row in found
        ]


def _invoice(row: Mapping[str, Any]) -> Invoice:
    fields = {name: row[name] for name in Invoice.model_fields if name in row}
    fields |= {
        "breakdown": Breakdown.model_validate(row["breakdown"]),
        "period": Period(start=row["period_start"], end=row["period_end"]),
        "issuer": _party(row["issuer"]),
        "customer": _party(row["customer"]),
    }
    return Invoice(**fields)


def _party(document: Mapping[str, Any] | None) -> Party | None:
    return Party.model_validate(document) if document is not None else None


def _row(invoice: Invoice) -> dict[str, Any]:
    return {
        **invoice.model_dump(exclude={"breakdown", "period", "issuer", "customer"}),
        "status": invoice.status.value,
        "currency": invoice.currency.value,
        "total": invoice.breakdown.total,
        "amount_due": invoice.breakdown.amount_due,
        "breakdown": _document(invoice.breakdown),
        "period_start": invoice.period.start,
        "period_end": invoice.period.end,
        "issuer": _document(invoice.issuer),
        "customer": _document(invoice.customer),
    }


def _document(model: Model | None) -> Jsonb | None:
    return Jsonb(model.model_dump(mode="json")) if model is not None else None
