"""Closing organizations, deleting accounts and changing addresses, on the real stores."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from auth.accounts.closing import ClosingService
from auth.accounts.closing_repository import PostgresEmailChanges
from auth.accounts.email_changes import EmailService
from auth.accounts.models import AccountIds, EmailTaken
from auth.models import Origin
from auth.one_time_tokens import InvalidToken, OneTimeTokens
from auth.organizations.member_repository import PostgresMembers
from auth.organizations.models import LastOwner
from auth.sign_in.models import InvalidCredentials, InvalidRefreshToken, NotAMember
from auth.sign_in.repository import PostgresPeople, PostgresSessions
from authorizer.models import KeyRevoked, SessionEnded
from authorizer.service import Authenticator
from llmo_auth.principal import Role
from llmo_core.ids import new_id
from llmo_data.postgres import Database, insert
from tests.integration.auth.announcements import announced, announced_about, outbox
from tests.integration.auth.ending import closing_service
from tests.integration.auth.house import PASSWORD, House, attempts, house
from tests.integration.auth.test_accounts import opened
from tests.integration.auth.test_sign_in import join


@dataclass
class Desk:
    """Somebody with an account, and the use cases of ending and changing it."""

    home: House
    account: AccountIds
    closing: ClosingService
    emails: EmailService
    database: Database

    async def ask(self, email: str) -> str | None:
        """Ask for another address; the mailed token."""
        person = await self.home.person(await self.home.login())
        await self.emails.ask(person, email, origin=Origin(ip="203.0.113.10"))
        token = (await announced_about(self.database, self.home.user_id))[-1].data["token"]
        return None if token is None else str(token)


async def settled(database: Database, authorizer_database: Database, redis: Redis) -> Desk:
    email = f"{new_id()}@example.com"
    account = await opened(database, email)
    home = house(database, authorizer_database, redis, email=email, user_id=account.user_id, org_id=account.org_id)
    shared: dict[str, Any] = {
        "people": PostgresPeople(database),
        "sessions": PostgresSessions(database),
        "events": outbox(database),
        "transaction": database.transaction,
        "clock": home.clock,
    }
    closing = closing_service(database, redis, home.clock)
    emails = EmailService(
        changes=PostgresEmailChanges(database),
        attempts=attempts(redis),
        tokens=OneTimeTokens(b"secret"),
        **shared,
    )
    return Desk(home, account, closing, emails, database)


@pytest_asyncio.fixture
async def ada(auth_database: Database, authorizer_database: Database, redis_client: Redis) -> Desk:
    return await settled(auth_database, authorizer_database, redis_client)


@pytest_asyncio.fixture
async def grace(auth_database: Database, authorizer_database: Database, redis_client: Redis) -> Desk:
    return await settled(auth_database, authorizer_database, redis_client)


def identity(desk: Desk) -> dict[str, Any]:
    """Somebody at another provider, who signs in to the account."""
    return {
        "id": new_id(),
        "provider": "google",
        "issuer": "https://accounts.google.com",
        "subject": str(new_id()),
        "user_id": desk.home.user_id,
        "email": desk.home.email,
        "created_at": desk.home.clock.now(),
    }


async def test_a_closed_organization_lets_nobody_in(ada: Desk, grace: Desk, auth_database: Database) -> None:
    await join(auth_database, grace.home, ada.account.org_id, Role.ADMIN)
    own, hers = await ada.home.login(), await grace.home.login(org_id=ada.account.org_id)

    await ada.closing.close(await ada.home.principal(own))

    for home, pair in ((ada.home, own), (grace.home, hers)):
        with pytest.raises(SessionEnded):
            await home.principal(pair)
        with pytest.raises(NotAMember):
            await home.login(org_id=ada.account.org_id)
    with pytest.raises(KeyRevoked):
        await _by_key(ada.home.authenticator, ada.account.api_key)
    assert (await grace.home.principal(await grace.home.login())).org_id == grace.account.org_id
    events = [event.type for event in await announced(auth_database, ada.account.org_id)]
    assert events[-2:] == ["llmo.auth.api_key.revoked", "llmo.auth.organization.closed"]


async def _by_key(authenticator: Authenticator, key: str | None) -> object:
    return await authenticator.authenticate(f"Bearer {key}")


async def test_a_deleted_account_signs_in_no_more_and_says_no_more_whose_it_was(
    ada: Desk, auth_database: Database
) -> None:
    pair = await ada.home.login()
    async with auth_database.transaction() as connection:
        await connection.execute("SELECT set_config('app.user_id', %s, true)", (str(ada.home.user_id),))
        await connection.execute(*insert("auth.identities", identity(ada)))

    await ada.closing.delete(await ada.home.person(pair))

    with pytest.raises(SessionEnded):
        await ada.home.person(pair)
    with pytest.raises(InvalidRefreshToken):
        await ada.home.refresh(pair)
    with pytest.raises(InvalidCredentials):
        await ada.home.login()
    for password in (PASSWORD, "none", ""):
        ada.home.email = f"{ada.home.user_id}@deleted.invalid"
        with pytest.raises(InvalidCredentials):
            await ada.home.login(password)
    async with auth_database.transaction() as connection:
        await connection.execute("SELECT set_config('app.user_id', %s, true)", (str(ada.home.user_id),))
        identities = await (await connection.execute("SELECT 1 FROM auth.identities")).fetchall()
    assert identities == []
    profile = await PostgresPeople(auth_database).profile(ada.home.user_id)
    assert profile is None
    with pytest.raises(KeyRevoked):
        await _by_key(ada.home.authenticator, ada.account.api_key)


async def test_the_address_of_a_deleted_account_can_be_used_again(ada: Desk, auth_database: Database) -> None:
    await ada.closing.delete(await ada.home.person(await ada.home.login()))
    again = await opened(auth_database, ada.home.email)
    assert again.user_id != ada.home.user_id


async def test_a_last_owner_cannot_delete_the_account_while_others_are_in(
    ada: Desk, grace: Desk, auth_database: Database
) -> None:
    await join(auth_database, grace.home, ada.account.org_id, Role.ADMIN)
    person = await ada.home.person(await ada.home.login())

    with pytest.raises(LastOwner):
        await ada.closing.delete(person)

    await ada.home.login()
    assert await _by_key(ada.home.authenticator, ada.account.api_key)


async def test_a_member_who_deletes_the_account_leaves_the_others_theirs(
    ada: Desk, grace: Desk, auth_database: Database
) -> None:
    await join(auth_database, grace.home, ada.account.org_id, Role.DEVELOPER)

    await grace.closing.delete(await grace.home.person(await grace.home.login()))

    members = await PostgresMembers(auth_database).all(ada.account.org_id)
    assert [member.user_id for member in members] == [ada.home.user_id]
    assert await _by_key(ada.home.authenticator, ada.account.api_key)
    events = await announced(auth_database, ada.account.org_id)
    assert (events[-1].type, events[-1].data["left"]) == ("llmo.auth.member.removed", True)


async def test_of_two_owners_who_delete_their_accounts_at_once_one_stays_or_the_organization_is_closed(
    ada: Desk, grace: Desk, auth_database: Database
) -> None:
    await join(auth_database, grace.home, ada.account.org_id, Role.OWNER)
    people = [await desk.home.person(await desk.home.login()) for desk in (ada, grace)]

    await asyncio.gather(ada.closing.delete(people[0]), grace.closing.delete(people[1]))

    assert await PostgresMembers(auth_database).all(ada.account.org_id) == []
    with pytest.raises(KeyRevoked):
        await _by_key(ada.home.authenticator, ada.account.api_key)


async def test_an_address_changes_once_its_mail_was_read_and_the_other_sessions_end(ada: Desk) -> None:
    other, wanted = await ada.home.login(), f"{new_id()}@example.com"
    token = await ada.ask(wanted)
    own = await ada.home.login()

    await ada.emails.confirm(await ada.home.person(own), token or "")

    with pytest.raises(InvalidCredentials):
        await ada.home.login()
    with pytest.raises(InvalidRefreshToken):
        await ada.home.refresh(other)
    await ada.home.refresh(own)
    previous, ada.home.email = ada.home.email, wanted
    await ada.home.login()
    changed = [e for e in await announced_about(ada.database, ada.home.user_id) if e.type == "llmo.auth.email.changed"]
    assert (changed[0].data["email"], changed[0].data["previous"]) == (wanted, previous)


async def test_the_token_of_a_new_address_works_once_for_its_own_account_and_an_hour(ada: Desk, grace: Desk) -> None:
    token = await ada.ask(f"{new_id()}@example.com") or ""
    with pytest.raises(InvalidToken):
        await grace.emails.confirm(await grace.home.person(await grace.home.login()), token)
    await ada.emails.confirm(await ada.home.person(await ada.home.login()), token)
    ada.home.email = str((await announced_about(ada.database, ada.home.user_id))[-1].data["email"])
    with pytest.raises(InvalidToken):
        await ada.emails.confirm(await ada.home.person(await ada.home.login()), token)

    late = await ada.ask(f"{new_id()}@example.com") or ""
    person = await ada.home.person(await ada.home.login())
    ada.home.clock.advance(hours=1)
    with pytest.raises(InvalidToken):
        await ada.emails.confirm(person, late)


async def test_a_second_wish_replaces_the_first(ada: Desk) -> None:
    first = await ada.ask(f"{new_id()}@example.com") or ""
    await ada.ask(f"{new_id()}@example.com")
    with pytest.raises(InvalidToken):
        await ada.emails.confirm(await ada.home.person(await ada.home.login()), first)


async def test_an_address_that_has_an_account_gets_a_mail_without_a_token(ada: Desk, grace: Desk) -> None:
    assert await ada.ask(grace.home.email.upper()) is None


async def test_an_address_that_got_an_account_meanwhile_is_not_taken_over(ada: Desk) -> None:
    wanted = f"{new_id()}@example.com"
    token = await ada.ask(wanted) or ""
    await opened(ada.database, wanted)
    person = await ada.home.person(await ada.home.login())
    with pytest.raises(EmailTaken):
        await ada.emails.confirm(person, token)
    await ada.home.login()
