"""Somebody whose account is deleted, and whose token API Gateway still lets in: there is nothing they can do."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from auth.accounts.closing import ClosingService
from auth.accounts.closing_repository import PostgresEmailChanges
from auth.accounts.email_changes import EmailService
from auth.one_time_tokens import OneTimeTokens
from auth.organizations.member_repository import PostgresMembers
from auth.sign_in.repository import PostgresPeople, PostgresSessions
from llmo_auth.principal import NotSignedIn, Person, Role
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from tests.integration.auth.announcements import announced, announced_about, outbox
from tests.integration.auth.colleagues import Colleague
from tests.integration.auth.ending import closing_service
from tests.integration.auth.house import House, attempts, house
from tests.integration.auth.registering import ORIGIN
from tests.integration.auth.tenancy import request, wire
from tests.integration.auth.test_accounts import opened
from tests.integration.organizations import Org


@dataclass
class Leaver:
    """Somebody who is about to delete their account.

    Attributes:
        person: As their last token has them.
    """

    home: House
    person: Person
    closing: ClosingService
    emails: EmailService
    database: Database

    async def leave(self) -> None:
        await self.closing.delete(self.person)

    async def organizations(self) -> list[Any]:
        """Where they are a member."""
        return [*await PostgresMembers(self.database).of(self.home.user_id)]

    async def news(self) -> list[str]:
        """What was announced of them."""
        return [event.type for event in await announced_about(self.database, self.home.user_id)]


@pytest_asyncio.fixture
async def leaver(
    auth_database: Database, authorizer_database: Database, redis_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> Leaver:
    email = f"{new_id()}@example.com"
    account = await opened(auth_database, email)
    home = house(
        auth_database, authorizer_database, redis_client, email=email, user_id=account.user_id, org_id=account.org_id
    )
    wire(monkeypatch, auth_database, redis_client, home.clock)
    emails = EmailService(
        changes=PostgresEmailChanges(auth_database),
        people=PostgresPeople(auth_database),
        sessions=PostgresSessions(auth_database),
        attempts=attempts(redis_client),
        tokens=OneTimeTokens(b"secret"),
        events=outbox(auth_database),
        transaction=auth_database.transaction,
        clock=home.clock,
    )
    closing = closing_service(auth_database, redis_client, home.clock)
    return Leaver(home, await home.person(await home.login()), closing, emails, auth_database)


@pytest.fixture
def owner(org: Org) -> Colleague:
    return Colleague(org.org_id, org.user_id)


async def invited(owner: Colleague, leaver: Leaver) -> str:
    """The token of an invitation of theirs."""
    made = await owner("POST", "invitations", json={"email": leaver.home.email, "role": Role.VIEWER})
    assert made.status_code == 201, made.text
    return str((await announced(leaver.database, owner.org_id))[-1].data["token"])


async def test_they_found_no_organization(leaver: Leaver) -> None:
    await leaver.leave()

    answer = await request(leaver.person, "POST", "/api/v1/orgs", json={"name": "Late"})

    assert (answer.status_code, answer.json()["type"]) == (403, "urn:llmo:problem:not_signed_in")
    assert await leaver.organizations() == []


async def test_they_are_called_nothing_else(leaver: Leaver) -> None:
    await leaver.leave()

    answer = await request(leaver.person, "PATCH", "/api/v1/me", json={"name": "Ada again"})

    assert (answer.status_code, answer.json()["type"]) == (403, "urn:llmo:problem:not_signed_in")
    async with leaver.database.transaction() as connection:
        await connection.execute("SELECT set_config('app.user_id', %s, true)", (str(leaver.home.user_id),))
        [row] = await (await connection.execute("SELECT name FROM auth.users")).fetchall()
    assert row["name"] == "Deleted user"
    assert (await leaver.news())[-1] == "llmo.auth.user.deleted"


async def test_they_are_told_nothing_of_who_they_were(leaver: Leaver) -> None:
    await leaver.leave()

    answer = await request(leaver.person.model_copy(update={"org_id": None}), "GET", "/api/v1/me")

    assert (answer.status_code, answer.json()["user"]) == (200, None)


async def test_they_join_no_organization(leaver: Leaver, owner: Colleague) -> None:
    token = await invited(owner, leaver)
    await leaver.leave()

    path = f"/api/v1/orgs/{owner.org_id}/members"
    answer = await request(leaver.person, "POST", path, json={"invitation_token": token})

    assert (answer.status_code, answer.json()["type"]) == (400, "urn:llmo:problem:invalid_token")
    assert await leaver.organizations() == []


async def test_they_ask_for_no_other_address(leaver: Leaver) -> None:
    await leaver.leave()

    with pytest.raises(NotSignedIn):
        await leaver.emails.ask(leaver.person, f"{new_id()}@example.com", origin=ORIGIN)

    assert (await leaver.news())[-1] == "llmo.auth.user.deleted"


async def test_they_get_no_address_that_they_asked_for_before(leaver: Leaver) -> None:
    wanted = f"{new_id()}@example.com"
    await leaver.emails.ask(leaver.person, wanted, origin=ORIGIN)
    token = str((await announced_about(leaver.database, leaver.home.user_id))[-1].data["token"])
    await leaver.leave()

    with pytest.raises(NotSignedIn):
        await leaver.emails.confirm(leaver.person, token)

    assert await PostgresPeople(leaver.database).by_email(wanted) is None


async def test_they_are_not_deleted_twice(leaver: Leaver) -> None:
    await leaver.leave()

    with pytest.raises(NotSignedIn):
        await leaver.leave()

    assert (await leaver.news()).count("llmo.auth.user.deleted") == 1


@pytest.mark.parametrize("first", ["leaving", "joining"])
async def test_who_founds_or_joins_an_organization_while_leaving_is_in_none_afterwards(
    leaver: Leaver, owner: Colleague, first: str
) -> None:
    token = await invited(owner, leaver)
    path = f"/api/v1/orgs/{owner.org_id}/members"
    does = [
        leaver.leave(),
        request(leaver.person, "POST", "/api/v1/orgs", json={"name": "Late"}),
        request(leaver.person, "POST", path, json={"invitation_token": token}),
    ]

    done = await asyncio.gather(*(does if first == "leaving" else reversed(does)))

    assert await leaver.organizations() == []
    assert {answer.status_code for answer in done if answer is not None} <= {201, 400, 403}
    members = (await owner("GET", "members")).json()["data"]
    assert [member["user_id"] for member in members] == [str(owner.user_id)]
