"""What the billing role reaches of payments, whatever SQL the service sends."""

from typing import LiteralString

import pytest
from psycopg import errors, sql

from billing.payments.errors import PaymentUnderWay
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from tests.fakes.stripe import AUTHENTICATED, DISPUTED, GOOD_CARD, FakeStripe
from tests.integration.billing.calling import Caller
from tests.integration.billing.payments.paying import Paying, invoice
from tests.integration.statements import run

TABLES: list[LiteralString] = [
    "stripe_customers",
    "payment_methods",
    "payments",
    "refunds",
    "disputes",
    "stripe_sessions",
]
tables = pytest.mark.parametrize("table", TABLES)


async def furnish(paying: Paying, caller: Caller, operating: Caller) -> None:
    """A row in every table."""
    await paying.card(caller.org.org_id, DISPUTED)
    payment = await paying.charge(caller.org.org_id)
    await operating.made(f"payments/{payment.id}/refunds", amount=1)
    await paying.told()
    await caller.made("setup-intents")


@tables
async def test_an_organization_sees_its_own_rows_and_nobody_sees_them_all(
    paying: Paying, caller: Caller, operating: Caller, stranger: Caller, table: LiteralString
) -> None:
    await furnish(paying, caller, operating)
    for org_id in (caller.org.org_id, stranger.org.org_id):
        async with paying.database.transaction(org_id) as connection:
            seen = {row["org_id"] for row in await run(connection, "SELECT org_id FROM {}", "billing", table)}
        assert seen == ({org_id} if org_id == caller.org.org_id else set())
    async with paying.database.transaction() as connection:
        assert await run(connection, "SELECT org_id FROM {}", "billing", table) == []


@tables
async def test_rows_cannot_be_written_for_another_organization_nor_deleted(
    paying: Paying, caller: Caller, operating: Caller, stranger: Caller, table: LiteralString
) -> None:
    await furnish(paying, caller, operating)
    async with paying.database.transaction(caller.org.org_id) as connection:
        row = (await run(connection, "SELECT * FROM {}", "billing", table))[0]
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier("billing", table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(map(sql.Placeholder, row)),
    )
    with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
        async with paying.database.transaction(stranger.org.org_id) as connection:
            await connection.execute(statement, row)
    with pytest.raises(errors.InsufficientPrivilege):
        async with paying.database.transaction(caller.org.org_id) as connection:
            await run(connection, "DELETE FROM {}", "billing", table)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("payments", "amount"),
        ("payments", "currency"),
        ("payments", "purpose_id"),
        ("payments", "org_id"),
        ("payments", "method_id"),
        ("payment_methods", "stripe_id"),
        ("stripe_customers", "stripe_id"),
        ("refunds", "amount"),
        ("refunds", "payment_id"),
        ("disputes", "stripe_id"),
        ("stripe_events", "type"),
    ],
)
async def test_what_never_changes_cannot_be_changed(
    billing_database: Database, caller: Caller, table: str, column: str
) -> None:
    change = sql.SQL("UPDATE {} SET {} = NULL").format(sql.Identifier("billing", table), sql.Identifier(column))
    with pytest.raises(errors.InsufficientPrivilege):
        async with billing_database.transaction(caller.org.org_id) as connection:
            await connection.execute(change)


async def test_events_are_seen_where_no_organization_is(paying: Paying, caller: Caller) -> None:
    event = "INSERT INTO billing.stripe_events VALUES (%s, 'refund.created', 're_1', now(), NULL, now())"
    event_id = f"evt_{new_id().hex}"
    async with paying.database.transaction() as connection:
        await connection.execute(event.encode(), (event_id,))
    async with paying.database.transaction(caller.org.org_id) as connection:
        assert await run(connection, "SELECT id FROM {}", "billing", "stripe_events") == []
    with pytest.raises(errors.InsufficientPrivilege):
        async with paying.database.transaction(caller.org.org_id) as connection:
            await connection.execute(event.encode(), (f"{event_id}2",))


async def test_the_views_tell_whose_something_is_and_no_more(paying: Paying, caller: Caller) -> None:
    card = await paying.card(caller.org.org_id, GOOD_CARD)
    payment = await paying.charge(caller.org.org_id)
    assert await paying.customers.owner_of(card.stripe_id) == caller.org.org_id
    assert await paying.payments.owner_of(payment.id) == caller.org.org_id
    assert await paying.payments.owner_of(new_id()) is None
    async with paying.database.statements() as connection:
        for view, columns in (
            ("stripe_owners", {"stripe_id", "org_id"}),
            ("payment_owners", {"payment_id", "org_id", "next_check_at"}),
            ("refund_owners", {"refund_id", "org_id", "next_check_at"}),
        ):
            found = await connection.execute(
                sql.SQL("SELECT * FROM {} LIMIT 0").format(sql.Identifier("billing", view))
            )
            assert {column.name for column in found.description or ()} == columns


async def test_the_database_itself_refuses_a_second_payment(paying: Paying, stripe: FakeStripe, caller: Caller) -> None:
    await paying.card(caller.org.org_id, AUTHENTICATED)
    for authenticated in (False, True):
        purpose = invoice()
        payment = await paying.charge(caller.org.org_id, purpose)
        if authenticated:
            await stripe.go_on(stripe.objects("payment_intent")[0]["client_secret"], success=True)
            await paying.told()
        with pytest.raises(PaymentUnderWay):
            await paying.payments.add(payment.model_copy(update={"id": new_id(), "stripe_id": f"pi_{new_id().hex}"}))
