"""The database refuses a ledger that is wrong, whoever writes to it."""

from typing import LiteralString

import pytest
from psycopg import AsyncConnection, errors, sql
from psycopg.conninfo import make_conninfo

from billing.ledger.bookings import promoted
from llmo_core.ids import new_id
from llmo_data.postgres import Database, every
from tests.integration.billing.calling import Caller
from tests.integration.billing.credit.bank import USD, Bank
from tests.integration.organizations import Org
from tests.integration.statements import run
from tests.integration.stores import Postgres

TABLES: list[LiteralString] = ["ledger_transactions", "ledger_entries", "wallets", "grants", "top_ups"]


async def booked(bank: Bank, org: Org) -> None:
    await bank.given(org.org_id, 100, promoted(new_id(), 100, USD))


async def enter(bank: Bank, org: Org, *amounts: int, currency: str = "USD") -> None:
    """Book cash in two entries, or so many as are given."""
    transaction_id = new_id()
    async with bank.database.transaction(org.org_id) as connection:
        await connection.execute(
            "INSERT INTO billing.ledger_transactions VALUES (%s, %s, 'paid', %s, 'USD', 2, now())",
            (transaction_id, org.org_id, new_id()),
        )
        for position, amount in enumerate(amounts, start=1):
            await connection.execute(
                "INSERT INTO billing.ledger_entries VALUES (%s, %s, %s, %s, 'cash', NULL, %s)",
                (transaction_id, position, org.org_id, currency, amount),
            )


@pytest.mark.parametrize("amounts", [(5, -4), (5, 5), (5,), (), (5, -5, 1, -1), (5, -5, 0)])
async def test_a_transaction_that_does_not_add_up_is_not_committed(
    bank: Bank, org: Org, amounts: tuple[int, ...]
) -> None:
    await enter(bank, org, 5, -5)
    with pytest.raises(errors.CheckViolation):
        await enter(bank, org, *amounts)
    assert await bank.balances(org.org_id) == {("cash", None): 0}


async def test_entries_in_another_currency_are_refused(bank: Bank, org: Org) -> None:
    with pytest.raises(errors.ForeignKeyViolation):
        await enter(bank, org, 5, -5, currency="EUR")


async def test_nothing_is_added_to_what_is_booked(bank: Bank, org: Org) -> None:
    await booked(bank, org)
    with pytest.raises(errors.CheckViolation, match="is complete"):
        async with bank.database.transaction(org.org_id) as connection:
            await connection.execute(
                "INSERT INTO billing.ledger_entries"
                " SELECT transaction_id, 3, org_id, currency, account, subject, amount FROM billing.ledger_entries"
            )


@pytest.mark.parametrize("table", ["ledger_transactions", "ledger_entries"])
@pytest.mark.parametrize("change", ["UPDATE {} SET currency = 'EUR'", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
async def test_not_even_an_administrator_changes_the_ledger(
    bank: Bank, org: Org, postgres: Postgres, table: LiteralString, change: LiteralString
) -> None:
    await booked(bank, org)
    conninfo = make_conninfo("", **postgres.admin)
    async with await AsyncConnection.connect(conninfo) as connection:
        with pytest.raises(errors.RestrictViolation, match="book the opposite"):
            await connection.execute(sql.SQL(change).format(sql.Identifier("billing", table)))


async def test_nothing_is_booked_twice(bank: Bank, org: Org) -> None:
    booking = promoted(new_id(), 100, USD)

    assert await bank.ledger.book(org.org_id, booking, at=bank.clock.now())
    assert not await bank.ledger.book(org.org_id, booking, at=bank.clock.now())
    assert len(await bank.ledger.page(org.org_id, before=None, limit=10)) == 1


@pytest.mark.parametrize("table", TABLES)
async def test_nobody_sees_or_writes_anothers(
    bank: Bank, org: Org, customer: Caller, billing_database: Database, table: LiteralString
) -> None:
    await booked(bank, org)
    wallet = await bank.wallet(org.org_id)
    async with billing_database.transaction(org.org_id) as connection:
        await connection.execute(
            "INSERT INTO billing.top_ups (id, org_id, wallet_id, currency, amount, automatic, status, created_at)"
            " VALUES (%s, %s, %s, 'USD', 1, false, 'pending', now())",
            (new_id(), org.org_id, wallet.id),
        )
        assert await run(connection, "SELECT * FROM {}", "billing", table)
    for other in (customer.org.org_id, None):
        async with billing_database.transaction(other) as connection:
            assert await run(connection, "SELECT * FROM {}", "billing", table) == []
    with pytest.raises(errors.InsufficientPrivilege):
        async with billing_database.transaction(org.org_id) as connection:
            await run(connection, "DELETE FROM {}", "billing", table)


async def test_of_credit_that_expires_everybody_sees_where_and_no_more(bank: Bank, org: Org) -> None:
    await bank.given(org.org_id, 5, promoted(new_id(), 5, USD), expires_at=bank.clock.now())
    async with bank.database.transaction() as connection:
        rows = await every(connection, "SELECT * FROM billing.expiring_credit")
    assert {"org_id": org.org_id, "currency": "USD", "expires_at": bank.clock.now()} in rows
