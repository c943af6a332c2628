"""Opening accounts on the real database."""

import asyncio
from decimal import Decimal

import argon2
import pytest

from auth.accounts.models import AccountIds, EmailTaken
from auth.accounts.repository import PostgresAccounts
from auth.accounts.service import AccountService
from auth.sign_in.passwords import Argon2Passwords
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from tests.integration.auth.announcements import announced, outbox
from tests.integration.organizations import ALL_PERMISSIONS, PEPPER


def service(database: Database) -> AccountService:
    return AccountService(
        accounts=PostgresAccounts(database),
        events=outbox(database),
        transaction=database.transaction,
        hash_password=Argon2Passwords().hash,
        pepper=PEPPER.encode(),
        clock=SystemClock(),
        new_id=new_id,
    )


async def opened(database: Database, email: str) -> AccountIds:
    return await service(database).open(
        organization="Acme",
        project="Default",
        email=email,
        password="correct horse battery staple",
        monthly_budget_usd=Decimal("25.5"),
    )


async def test_an_account_starts_with_everything_that_a_first_call_needs(auth_database: Database) -> None:
    account = await opened(auth_database, f"{new_id()}@example.com")

    async with auth_database.transaction(account.org_id) as connection:
        organization = await (await connection.execute("SELECT * FROM auth.organizations")).fetchone()
        membership = await (await connection.execute("SELECT * FROM auth.memberships")).fetchone()
        key = await (await connection.execute("SELECT * FROM auth.api_keys")).fetchone()
    assert organization is not None
    assert key is not None
    assert (organization["name"], organization["monthly_budget_usd"]) == ("Acme", Decimal("25.5"))
    assert membership is not None
    assert (membership["org_id"], membership["user_id"], membership["role"]) == (
        account.org_id,
        account.user_id,
        "owner",
    )
    assert (key["id"], key["project_id"]) == (account.key_id, account.project_id)
    assert key["permissions"] == list(ALL_PERMISSIONS)


async def test_the_password_is_kept_as_argon2id_with_owasps_parameters(auth_database: Database) -> None:
    account = await opened(auth_database, f"{new_id()}@example.com")

    async with auth_database.transaction(account.org_id) as connection:
        user = await (await connection.execute("SELECT password_hash FROM auth.users")).fetchone()
    assert user is not None
    assert user["password_hash"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert argon2.PasswordHasher().verify(user["password_hash"], "correct horse battery staple")


async def test_the_same_email_in_other_letters_finds_the_account_and_changes_nothing(auth_database: Database) -> None:
    email = f"{new_id()}@example.com"
    first = await opened(auth_database, email)

    again = await opened(auth_database, email.upper())

    assert first.api_key is not None
    assert again == first.model_copy(update={"api_key": None})


async def test_calls_at_the_same_time_open_one_account_and_one_of_them_learns_the_key(
    auth_database: Database,
) -> None:
    email = f"{new_id()}@example.com"

    accounts = await asyncio.gather(*(opened(auth_database, email) for _ in range(4)))

    assert len({account.org_id for account in accounts}) == 1
    assert len({account.key_id for account in accounts}) == 1
    assert sorted(account.api_key is not None for account in accounts) == [False, False, False, True]


async def test_the_email_of_somebody_who_owns_no_organization_is_refused(auth_database: Database) -> None:
    email = f"{new_id()}@example.com"
    async with auth_database.transaction() as connection:
        await connection.execute("SELECT set_config('app.email', %s, true)", (email,))
        await connection.execute(
            "INSERT INTO auth.users (id, email, password_hash, name) VALUES (%s, %s, 'x', 'Guest')", (new_id(), email)
        )

    with pytest.raises(EmailTaken):
        await opened(auth_database, email)


async def test_a_new_account_is_announced_once_with_its_first_key(auth_database: Database) -> None:
    email = f"{new_id()}@example.com"
    account = await opened(auth_database, email)
    await opened(auth_database, email)

    events = await announced(auth_database, account.org_id)

    assert [event.type for event in events] == ["llmo.auth.organization.created", "llmo.auth.api_key.created"]
    assert {event.orgid for event in events} == {account.org_id}
    assert events[0].data["owner_id"] == str(account.user_id)
    assert events[1].data["key_id"] == str(account.key_id)
