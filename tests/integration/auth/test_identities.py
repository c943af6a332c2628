"""Linking and removing one's identities, on the real stores."""

import asyncio
from collections.abc import AsyncIterator
from typing import LiteralString

import pytest
import pytest_asyncio
from psycopg import errors
from redis.asyncio import Redis

from auth.accounts.closing_repository import PostgresClosings
from auth.federation.models import (
    Answer,
    IdentityTaken,
    InvalidFlow,
    LastWayToSignIn,
    UnknownIdentity,
    identity_digest,
)
from auth.one_time_tokens import OneTimeTokens
from auth.registration.common_passwords import is_common
from auth.registration.password_changes import PasswordService
from auth.registration.password_policy import PasswordPolicy
from auth.registration.repository import PostgresPasswordResets
from auth.second_factors.models import Password
from auth.sign_in.models import InvalidCredentials
from auth.sign_in.passwords import Argon2Passwords
from auth.sign_in.repository import PostgresPeople, PostgresSessions
from llmo_core.errors import Unauthenticated
from llmo_core.ids import new_id
from llmo_data.postgres import Database, insert
from tests.fakes.identity_provider import identity_provider
from tests.integration.auth.abroad import ORIGIN, Abroad, abroad
from tests.integration.auth.announcements import announced_about, outbox
from tests.integration.auth.house import NOW, PASSWORD, attempts
from tests.integration.auth.safe import safe
from tests.integration.auth.test_second_factors import made


@pytest_asyncio.fixture
async def ada(auth_database: Database, authorizer_database: Database, redis_client: Redis) -> AsyncIterator[Abroad]:
    """Somebody with an account, and a provider where they have an address that nobody has here."""
    somebody = await made(auth_database, authorizer_database, redis_client)
    async with identity_provider(somebody.home.clock.now) as fake:
        fake.email = f"{new_id()}@example.com"
        yield abroad(somebody.home, auth_database, redis_client, fake)


def passwords(ada: Abroad, redis: Redis) -> PasswordService:
    return PasswordService(
        resets=PostgresPasswordResets(ada.database),
        people=PostgresPeople(ada.database),
        sessions=PostgresSessions(ada.database),
        passwords=Argon2Passwords(),
        policy=PasswordPolicy(is_common),
        attempts=attempts(redis),
        tokens=OneTimeTokens(b"secret"),
        events=outbox(ada.database),
        transaction=ada.database.transaction,
        clock=ada.home.clock,
    )


async def test_a_linked_identity_is_shown_and_announced_and_signs_in_to_the_account(ada: Abroad) -> None:
    person = await ada.person()
    identity = await ada.link(person)

    assert await ada.identities.all(person) == [identity]
    assert (identity.email, identity.created_at, identity.last_used_at) == (ada.provider.email, NOW, None)
    linked = (await announced_about(ada.database, person.user_id))[-1]
    assert (linked.type, linked.data["email"]) == ("llmo.auth.identity.linked", ada.home.email)
    assert (await ada.home.principal(await ada.sign_in())).actor_id == person.user_id


async def test_an_identity_is_linked_once(ada: Abroad) -> None:
    other = await ada.home.person(await ada.sign_in())
    for person in (await ada.person(), other):
        with pytest.raises(IdentityTaken):
            await ada.link(person)
    assert len(await ada.identities.all(other)) == 1


async def test_nobody_finishes_what_somebody_else_began(ada: Abroad) -> None:
    ada_, bob = await ada.person(), await ada.home.person(await ada.sign_in())
    ada.provider.subject = "b0b"

    async def began_by_ada() -> Answer:
        return ada.came_back(await ada.identities.start(ada_, "house", origin=ORIGIN))

    with pytest.raises(InvalidFlow):
        await ada.identities.link(bob, "house", await began_by_ada(), origin=ORIGIN)
    with pytest.raises(InvalidFlow):  # nor as a sign-in
        await ada.finish(await began_by_ada())
    with pytest.raises(InvalidFlow):  # nor links what was begun as a sign-in
        await ada.identities.link(ada_, "house", ada.came_back(await ada.begin()), origin=ORIGIN)
    assert await ada.identities.all(ada_) == []


async def test_a_removed_identity_signs_in_no_more_and_is_announced(ada: Abroad) -> None:
    person = await ada.person()
    identity = await ada.link(person)
    await ada.identities.remove(person, identity.id)

    assert await ada.identities.all(person) == []
    assert (await announced_about(ada.database, person.user_id))[-1].type == "llmo.auth.identity.removed"
    assert (await ada.home.principal(await ada.sign_in())).actor_id != person.user_id
    with pytest.raises(UnknownIdentity):
        await ada.identities.remove(person, identity.id)


async def test_a_deleted_account_is_signed_in_to_by_no_identity_also_not_by_one_that_was_being_linked(
    ada: Abroad,
) -> None:
    person = await ada.person()
    await ada.link(person)
    begun = await ada.identities.start(person, "house", origin=ORIGIN)

    await PostgresClosings(ada.database).erase(person.user_id, NOW)

    assert (await ada.home.principal(await ada.sign_in())).actor_id != person.user_id
    ada.provider.subject = "another"
    with pytest.raises(InvalidFlow):
        await ada.identities.link(person, "house", ada.came_back(begun), origin=ORIGIN)
    with pytest.raises(Unauthenticated):
        await ada.link(person)


async def test_somebody_elses_identity_is_unknown(ada: Abroad) -> None:
    other = await ada.home.person(await ada.sign_in())
    (identity,) = await ada.identities.all(other)
    with pytest.raises(UnknownIdentity):
        await ada.identities.remove(await ada.person(), identity.id)
    assert await ada.identities.all(other) == [identity]


async def test_somebody_without_a_password_keeps_an_identity_also_when_two_are_removed_at_once(ada: Abroad) -> None:
    person = await ada.home.person(await ada.sign_in())
    (first,) = await ada.identities.all(person)
    with pytest.raises(LastWayToSignIn):
        await ada.identities.remove(person, first.id)

    ada.provider.subject = "another"
    second = await ada.link(person)
    outcomes = await asyncio.gather(
        *(ada.identities.remove(person, identity.id) for identity in (first, second)), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["LastWayToSignIn", "NoneType"]
    assert len(await ada.identities.all(person)) == 1


async def test_a_forgotten_password_is_how_somebody_gets_one_who_had_none(ada: Abroad, redis_client: Redis) -> None:
    person = await ada.home.person(await ada.sign_in())
    ada.home.email = ada.provider.email
    service = passwords(ada, redis_client)
    with pytest.raises(InvalidCredentials):
        await service.change(person, current="", new=PASSWORD, origin=ORIGIN)
    at_home = safe(ada.home, ada.database, redis_client)
    with pytest.raises(InvalidCredentials):
        await at_home.reauthentication.reauthenticate(person, Password(text=PASSWORD), origin=ORIGIN)

    await service.forgot(ada.home.email, origin=ORIGIN)
    mail = (await announced_about(ada.database, person.user_id))[-1]
    await service.reset(str(mail.data["token"]), PASSWORD)

    assert (await ada.home.person(await ada.home.login())).user_id == person.user_id
    (identity,) = await ada.identities.all(person)
    await ada.identities.remove(person, identity.id)


@pytest.mark.parametrize("table", ["auth.identities", "auth.federation_flows"])
async def test_rows_of_others_cannot_be_seen(ada: Abroad, table: LiteralString) -> None:
    person = await ada.person()
    await ada.link(person)
    await ada.begin()
    await ada.identities.start(person, "house", origin=ORIGIN)
    for user_id, rows in ((new_id(), 0), (person.user_id, 1)):
        async with ada.database.transaction(ada.home.org_id) as connection:
            await connection.execute("SELECT set_config('app.user_id', %s, true)", (str(user_id),))
            assert (await connection.execute(b"SELECT FROM " + table.encode())).rowcount == rows


async def test_an_identity_cannot_be_written_for_somebody_else_nor_changed_by_who_shows_it(ada: Abroad) -> None:
    person = await ada.person()
    identity = await ada.link(person)
    stolen = identity.model_copy(update={"id": new_id(), "user_id": new_id(), "subject": "another"})

    async def write_as_ada() -> None:
        async with ada.database.transaction() as connection:
            await connection.execute("SELECT set_config('app.user_id', %s, true)", (str(person.user_id),))
            await connection.execute(*insert("auth.identities", stolen.model_dump()))

    with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
        await write_as_ada()
    async with ada.database.transaction() as connection:
        shown = identity_digest(identity.issuer, identity.subject)
        await connection.execute("SELECT set_config('app.credential', %s, true)", (shown,))
        assert (await connection.execute("SELECT FROM auth.identities")).rowcount == 1
        assert (await connection.execute("DELETE FROM auth.identities")).rowcount == 0


async def test_what_is_kept_of_a_sign_in_under_way_opens_nothing(ada: Abroad) -> None:
    person = await ada.person()
    begun = await ada.identities.start(person, "house", origin=ORIGIN)
    async with ada.database.transaction() as connection:
        await connection.execute("SELECT set_config('app.user_id', %s, true)", (str(person.user_id),))
        row = await (await connection.execute("SELECT * FROM auth.federation_flows")).fetchone()
    kept = repr(row)
    answer = ada.came_back(begun)
    assert not [secret for secret in (begun.flow_token, answer.state) if secret in kept]
    assert begun.flow_token not in repr(begun)
    assert answer.code not in repr(answer)
