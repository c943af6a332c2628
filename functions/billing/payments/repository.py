"""Payments, refunds and disputes in PostgreSQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation

from billing.payments.errors import PaymentUnderWay
from billing.payments.models import Dispute, Payment, Purpose, Refund
from llmo_data.postgres import Database, every, insert, one

_PAYMENTS = "SELECT * FROM billing.payments WHERE org_id = %(org_id)s"
PAYMENT_PAGE = _PAYMENTS + " AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid) ORDER BY id DESC LIMIT %(limit)s"
PAYMENT = _PAYMENTS + " AND id = %(payment_id)s"
LOCKED_PAYMENT = PAYMENT + " FOR UPDATE"
NEWEST_PAYMENT = (
    _PAYMENTS + " AND purpose_kind = %(kind)s AND purpose_id = %(purpose_id)s ORDER BY attempt DESC, id DESC LIMIT 1"
)
CHANGE_PAYMENT = """
    UPDATE billing.payments
    SET status = %(status)s, stripe_id = %(stripe_id)s, failure_code = %(failure_code)s,
        next_check_at = %(next_check_at)s, updated_at = %(updated_at)s
    WHERE org_id = %(org_id)s AND id = %(id)s
    """
LEASE_PAYMENT = """
    UPDATE billing.payments SET next_check_at = %(until)s
    WHERE org_id = %(org_id)s AND id = %(payment_id)s AND next_check_at <= %(now)s
    RETURNING *
    """
PAYMENT_OWNER = "SELECT org_id FROM billing.payment_owners WHERE payment_id = %(payment_id)s"
PAYMENTS_DUE = """
    SELECT org_id, payment_id AS id FROM billing.payment_owners
    WHERE next_check_at <= %(now)s ORDER BY next_check_at LIMIT %(limit)s
    """

REFUNDS = "SELECT * FROM billing.refunds WHERE org_id = %(org_id)s AND payment_id = %(payment_id)s ORDER BY id DESC"
REFUND = "SELECT * FROM billing.refunds WHERE org_id = %(org_id)s AND id = %(refund_id)s"
CHANGE_REFUND = """
    UPDATE billing.refunds
    SET status = %(status)s, stripe_id = %(stripe_id)s, failure_code = %(failure_code)s,
        next_check_at = %(next_check_at)s, updated_at = %(updated_at)s
    WHERE org_id = %(org_id)s AND id = %(id)s
    """
LEASE_REFUND = """
    UPDATE billing.refunds SET next_check_at = %(until)s
    WHERE org_id = %(org_id)s AND id = %(refund_id)s AND next_check_at <= %(now)s
    RETURNING *
    """
REFUNDS_DUE = """
    SELECT org_id, refund_id AS id FROM billing.refund_owners
    WHERE next_check_at <= %(now)s ORDER BY next_check_at LIMIT %(limit)s
    """

DISPUTES = "SELECT * FROM billing.disputes WHERE org_id = %(org_id)s AND payment_id = %(payment_id)s ORDER BY id DESC"
CHANGE_DISPUTE = """
    UPDATE billing.disputes SET amount = %(amount)s, status = %(status)s, closed_at = %(closed_at)s
    WHERE org_id = %(org_id)s AND id = %(id)s
    """


class PostgresPayments:
    """Payments. A partial unique index is what lets each purpose be paid once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, org_id: UUID, *, before: UUID | None, limit: int) -> Sequence[Payment]:
        """At most `limit`, the newest first, older than the one with the id `before`."""
        async with self._database.transaction(org_id) as connection:
            rows = await every(connection, PAYMENT_PAGE, org_id=org_id, before=before, limit=limit)
        return [_payment(row) for row in rows]

    async def find(self, org_id: UUID, payment_id: UUID) -> Payment | None:
        """The one with this id."""
        return await self._one(PAYMENT, org_id, payment_id=payment_id)

    async def newest_for(self, org_id: UUID, purpose: Purpose) -> Payment | None:
        """The last attempt to pay for this."""
        return await self._one(NEWEST_PAYMENT, org_id, kind=purpose.kind, purpose_id=purpose.id)

    async def locked(self, org_id: UUID, payment_id: UUID) -> Payment | None:
        """The same as `find`, which nobody else changes before the end of the transaction under way."""
        return await self._one(LOCKED_PAYMENT, org_id, payment_id=payment_id)

    async def add(self, payment: Payment) -> None:
        """Keep a new one. Raises PaymentUnderWay when another of its purpose is open, or has succeeded."""
        purpose = {"purpose_kind": payment.purpose.kind, "purpose_id": payment.purpose.id}
        try:
            async with self._database.transaction(payment.org_id) as connection:
                row = {**payment.model_dump(exclude={"purpose"}), **purpose}
                await connection.execute(*insert("billing.payments", row))
        except UniqueViolation as error:
            raise PaymentUnderWay from error

    async def change(self, payment: Payment) -> None:
        """Keep what has changed of one."""
        async with self._database.transaction(payment.org_id) as connection:
            await connection.execute(CHANGE_PAYMENT, payment.model_dump(exclude={"purpose"}))

    async def lease(self, org_id: UUID, payment_id: UUID, *, now: datetime, until: datetime) -> Payment | None:
        """Leave one that is to be checked to the caller alone until then; None when another has it, or it is final."""
        return await self._one(LEASE_PAYMENT, org_id, payment_id=payment_id, now=now, until=until)

    async def owner_of(self, payment_id: UUID) -> UUID | None:
        """Whose payment it is."""
        async with self._database.statements() as connection:
            row = await one(connection, PAYMENT_OWNER, payment_id=payment_id)
        return row["org_id"] if row is not None else None

    async def due(self, now: datetime, limit: int) -> Sequence[tuple[UUID, UUID]]:
        """Organization and id of payments that are to be checked, those first that wait for longest."""
        async with self._database.statements() as connection:
            rows = await every(connection, PAYMENTS_DUE, now=now, limit=limit)
        return [(row["org_id"], row["id"]) for row in rows]

    async def _one(self, statement: str, org_id: UUID, **parameters: object) -> Payment | None:
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, statement, org_id=org_id, **parameters)
        return _payment(row) if row is not None else None


class PostgresRefunds:
    """Refunds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_payment(self, org_id: UUID, payment_id: UUID) -> Sequence[Refund]:
        """A payment's, the newest first."""
        async with self._database.transaction(org_id) as connection:
            return [Refund(**row) for row in await every(connection, REFUNDS, org_id=org_id, payment_id=payment_id)]

    async def find(self, org_id: UUID, refund_id: UUID) -> Refund | None:
        """The one with this id."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, REFUND, org_id=org_id, refund_id=refund_id)
        return Refund(**row) if row is not None else None

    async def add(self, refund: Refund) -> None:
        """Keep a new one."""
        async with self._database.transaction(refund.org_id) as connection:
            await connection.execute(*insert("billing.refunds", refund.model_dump()))

    async def change(self, refund: Refund) -> None:
        """Keep what has changed of one."""
        async with self._database.transaction(refund.org_id) as connection:
            await connection.execute(CHANGE_REFUND, refund.model_dump())

    async def lease(self, org_id: UUID, refund_id: UUID, *, now: datetime, until: datetime) -> Refund | None:
        """Leave one that is to be checked to the caller alone until then; None when another has it, or it is final."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, LEASE_REFUND, org_id=org_id, refund_id=refund_id, now=now, until=until)
        return Refund(**row) if row is not None else None

    async def due(self, now: datetime, limit: int) -> Sequence[tuple[UUID, UUID]]:
        """Organization and id of refunds that are to be checked, those first that wait for longest."""
        async with self._database.statements() as connection:
            rows = await every(connection, REFUNDS_DUE, now=now, limit=limit)
        return [(row["org_id"], row["id"]) for row in rows]


class PostgresDisputes:
    """Disputes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_payment(self, org_id: UUID, payment_id: UUID) -> Sequence[Dispute]:
        """A payment's, the newest first."""
        async with self._database.transaction(org_id) as connection:
            return [Dispute(**row) for row in await every(connection, DISPUTES, org_id=org_id, payment_id=payment_id)]

    async def add(self, dispute: Dispute) -> None:
        """Keep a new one."""
        async with self._database.transaction(dispute.org_id) as connection:
            await connection.execute(*insert("billing.disputes", dispute.model_dump()))

    async def change(self, dispute: Dispute) -> None:
        """Keep what has changed of one."""
        async with self._database.transaction(dispute.org_id) as connection:
            await connection.execute(CHANGE_DISPUTE, dispute.model_dump())


def _payment(row: Mapping[str, Any]) -> Payment:
    fields = {name: value for name, value in row.items() if name in Payment.model_fields}
    return Payment(**fields, purpose=Purpose(kind=row["purpose_kind"], id=row["purpose_id"]))
