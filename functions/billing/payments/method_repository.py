"""Customers of Stripe's and their payment methods in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from billing.payments.models import PaymentMethod
from llmo_data.postgres import Database, every, insert, one

CUSTOMER = "SELECT stripe_id FROM billing.stripe_customers WHERE org_id = %(org_id)s"
ADD_CUSTOMER = """
    INSERT INTO billing.stripe_customers (org_id, stripe_id, created_at)
    VALUES (%(org_id)s, %(stripe_id)s, %(now)s)
    ON CONFLICT (org_id) DO NOTHING
    """
OWNER = "SELECT org_id FROM billing.stripe_owners WHERE stripe_id = %(stripe_id)s"

_METHODS = "SELECT * FROM billing.payment_methods WHERE org_id = %(org_id)s"
METHOD_PAGE = (
    _METHODS
    + """
        AND detached_at IS NULL AND (%(before)s::uuid IS NULL OR id < %(before)s::uuid)
    ORDER BY id DESC
    LIMIT %(limit)s
    """
)
METHOD = _METHODS + " AND id = %(method_id)s"
DEFAULT_METHOD = _METHODS + " AND is_default"
LOCK_METHODS = "SELECT pg_advisory_xact_lock(hashtextextended(%(name)s, 0))"
ALL_METHODS = _METHODS + " ORDER BY id"
CHANGE_METHOD = """
    UPDATE billing.payment_methods
    SET brand = %(brand)s, last4 = %(last4)s, exp_month = %(exp_month)s, exp_year = %(exp_year)s,
        is_default = %(is_default)s, revision = %(revision)s, detached_at = %(detached_at)s
    WHERE org_id = %(org_id)s AND id = %(id)s
    """


class PostgresCustomers:
    """Which customer of Stripe's an organization is."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, org_id: UUID) -> str | None:
        """Its id there."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, CUSTOMER, org_id=org_id)
        return row["stripe_id"] if row is not None else None

    async def add(self, org_id: UUID, stripe_id: str, now: datetime) -> str:
        """Keep the id; the one that was kept before, if there is one."""
        async with self._database.transaction(org_id) as connection:
            await connection.execute(ADD_CUSTOMER, {"org_id": org_id, "stripe_id": stripe_id, "now": now})
            row = await one(connection, CUSTOMER, org_id=org_id)
        return row["stripe_id"] if row is not None else stripe_id

    async def owner_of(self, stripe_id: str) -> UUID | None:
        """Whose customer, or payment method, it is."""
        async with self._database.statements() as connection:
            row = await one(connection, OWNER, stripe_id=stripe_id)
        return row["org_id"] if row is not None else None

    async def begin_session(self, session_id: UUID, org_id: UUID, *, kind: str, by: UUID, now: datetime) -> None:
        """Note that somebody is sent to a page or a form of Stripe's."""
        row = {"id": session_id, "org_id": org_id, "kind": kind, "created_by": by, "created_at": now}
        async with self._database.transaction(org_id) as connection:
            await connection.execute(*insert("billing.stripe_sessions", row))


class PostgresMethods:
    """Payment methods."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, org_id: UUID, *, before: UUID | None, limit: int) -> Sequence[PaymentMethod]:
        """At most `limit` that are not detached, the newest first, older than the one with the id `before`."""
        async with self._database.transaction(org_id) as connection:
            rows = await every(connection, METHOD_PAGE, org_id=org_id, before=before, limit=limit)
        return [PaymentMethod(**row) for row in rows]

    async def find(self, org_id: UUID, method_id: UUID) -> PaymentMethod | None:
        """The one with this id, also when it is detached."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, METHOD, org_id=org_id, method_id=method_id)
        return PaymentMethod(**row) if row is not None else None

    async def default(self, org_id: UUID) -> PaymentMethod | None:
        """The one that is charged where no other is named."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, DEFAULT_METHOD, org_id=org_id)
        return PaymentMethod(**row) if row is not None else None

    async def locked(self, org_id: UUID) -> Sequence[PaymentMethod]:
        """All, which nobody else adds to or changes before the end of the transaction under way."""
        async with self._database.transaction(org_id) as connection:
            await one(connection, LOCK_METHODS, name=f"billing.payment_methods {org_id}")
            rows = await every(connection, ALL_METHODS, org_id=org_id)
        return [PaymentMethod(**row) for row in rows]

    async def add(self, method: PaymentMethod) -> None:
        """Keep a new one."""
        async with self._database.transaction(method.org_id) as connection:
            await connection.execute(*insert("billing.payment_methods", method.model_dump()))

    async def change(self, method: PaymentMethod) -> None:
        """Keep what has changed of one."""
        async with self._database.transaction(method.org_id) as connection:
            await connection.execute(CHANGE_METHOD, method.model_dump())
