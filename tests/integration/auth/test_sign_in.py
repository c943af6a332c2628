"""Signing in, keeping signed in and signing out, on the real stores, as the authorizer sees it."""

import asyncio
from typing import override
from uuid import UUID

import argon2
import psycopg
import pytest
import pytest_asyncio
from psycopg.conninfo import make_conninfo
from redis.asyncio import Redis

from auth.models import Origin
from auth.sign_in.attempts import AttemptsUnknown
from auth.sign_in.models import (
    Credentials,
    InvalidCredentials,
    InvalidRefreshToken,
    NotAMember,
    TooManyAttempts,
    UnknownSession,
)
from auth.sign_in.passwords import Argon2Passwords
from auth.sign_in.repository import PostgresPeople
from auth.sign_in.service import Which
from authorizer.models import SessionEnded
from llmo_auth.access_token import AccessTokenExpired
from llmo_auth.principal import PERMISSIONS_OF, ActorType, NoOrganization, NotSignedIn, Person, Principal, Role
from llmo_core.ids import new_id
from llmo_data import redis as redis_layer
from llmo_data.postgres import Database, insert
from tests.integration.auth.announcements import announced_about
from tests.integration.auth.house import PASSWORD, House, attempts, house
from tests.integration.auth.test_accounts import opened
from tests.integration.organizations import MakeOrg
from tests.integration.stores import Postgres


@pytest_asyncio.fixture
async def ada(auth_database: Database, authorizer_database: Database, redis_client: Redis) -> House:
    """Somebody who owns an organization."""
    email = f"{new_id()}@example.com"
    account = await opened(auth_database, email)
    return house(
        auth_database, authorizer_database, redis_client, email=email, user_id=account.user_id, org_id=account.org_id
    )


async def join(database: Database, who: House, org_id: UUID, role: Role) -> None:
    async with database.transaction(org_id) as connection:
        row = {"org_id": org_id, "user_id": who.user_id, "role": role.value}
        await connection.execute(*insert("auth.memberships", row))


async def set_role(postgres: Postgres, who: House, role: Role | None) -> None:
    """Give somebody another role in their organization, or none."""
    async with await psycopg.AsyncConnection.connect(make_conninfo("", **postgres.admin)) as connection:
        await connection.execute("SELECT set_config('app.org_id', %s, true)", (str(who.org_id),))
        of = (who.org_id, who.user_id)
        if role is None:
            await connection.execute("DELETE FROM auth.memberships WHERE org_id = %s AND user_id = %s", of)
        else:
            await connection.execute(
                "UPDATE auth.memberships SET role = %s WHERE org_id = %s AND user_id = %s", (role, *of)
            )


async def test_a_password_gets_tokens_that_the_authorizer_takes(ada: House) -> None:
    pair = await ada.login()

    principal = await ada.principal(pair)
    assert (principal.actor_type, principal.actor_id, principal.org_id) == (ActorType.USER, ada.user_id, ada.org_id)
    assert principal.permissions == PERMISSIONS_OF[Role.OWNER]
    assert principal.project_id is None


async def test_addresses_are_the_same_in_any_case_of_letters(ada: House) -> None:
    ada.email = ada.email.upper()

    assert (await ada.principal(await ada.login())).actor_id == ada.user_id


async def test_a_wrong_password_and_an_unknown_address_are_refused_alike(ada: House) -> None:
    with pytest.raises(InvalidCredentials) as wrong:
        await ada.login("wrong")
    ada.email = f"{new_id()}@example.com"
    with pytest.raises(InvalidCredentials) as unknown:
        await ada.login()

    assert wrong.value.detail == unknown.value.detail


async def test_a_session_is_for_the_organization_that_was_asked_for(
    ada: House, make_org: MakeOrg, auth_database: Database
) -> None:
    other = await make_org()
    await join(auth_database, ada, other.org_id, Role.VIEWER)

    pair = await ada.login(org_id=other.org_id)

    principal = await ada.principal(pair)
    assert (principal.org_id, principal.permissions) == (other.org_id, PERMISSIONS_OF[Role.VIEWER])
    assert (await ada.principal(await ada.refresh(pair, ada.org_id))).org_id == ada.org_id


async def test_nobody_signs_in_to_an_organization_of_others(ada: House, make_org: MakeOrg) -> None:
    other, pair = await make_org(), await ada.login()

    with pytest.raises(NotAMember):
        await ada.login(org_id=other.org_id)
    with pytest.raises(NotAMember):
        await ada.refresh(pair, other.org_id)
    await ada.refresh(pair)  # the refusals did not use the token up


async def test_from_the_fifth_failure_on_an_account_waits_twice_as_long_each_time_until_a_success(
    ada: House, redis_client: Redis
) -> None:
    for _ in range(5):
        with pytest.raises(InvalidCredentials):
            await ada.login("wrong")
    with pytest.raises(TooManyAttempts) as first:
        await ada.login()
    assert 29 < first.value.retry_after_seconds <= 30

    lock = attempts(redis_client)._names(ada.email)[1]
    await redis_client.delete(lock)  # as if the time were over
    with pytest.raises(InvalidCredentials):
        await ada.login("wrong")
    with pytest.raises(TooManyAttempts) as second:
        await ada.login()
    assert 59 < second.value.retry_after_seconds <= 60

    await redis_client.delete(lock)
    await ada.login()
    with pytest.raises(InvalidCredentials):
        await ada.login("wrong")
    await ada.login()


async def test_an_unknown_address_waits_as_well(ada: House) -> None:
    ada.email = f"{new_id()}@example.com"
    for _ in range(5):
        with pytest.raises(InvalidCredentials):
            await ada.login()

    with pytest.raises(TooManyAttempts):
        await ada.login()


async def test_guesses_at_the_same_time_are_no_more_than_one_after_the_other(ada: House) -> None:
    outcomes = await asyncio.gather(*(ada.login("wrong") for _ in range(20)), return_exceptions=True)

    assert sum(isinstance(outcome, InvalidCredentials) for outcome in outcomes) == 5
    assert sum(isinstance(outcome, TooManyAttempts) for outcome in outcomes) == 15


@pytest.mark.parametrize("prefix", ["2001:db8:{}::", "10.{}.0."])
async def test_one_address_of_the_network_cannot_try_many_accounts(
    ada: House, redis_client: Redis, prefix: str
) -> None:
    counted = attempts(redis_client, per_ip=3)
    network = prefix.format(new_id().int % 250)
    ips = [f"{network}{number if ':' in network else 7}" for number in range(1, 5)]
    for ip in ips[:3]:
        await counted.begin(f"{new_id()}@example.com", ip)

    with pytest.raises(TooManyAttempts) as refused:
        await counted.begin(f"{new_id()}@example.com", ips[3])
    assert 0 < refused.value.retry_after_seconds <= 60
    assert ada.email


async def test_without_redis_nobody_signs_in(ada: House, auth_database: Database, redis_client: Redis) -> None:
    nobody = redis_layer.connect("redis://127.0.0.1:1/0")
    cut_off = house(
        auth_database,
        auth_database,
        redis_client,
        email=ada.email,
        user_id=ada.user_id,
        org_id=ada.org_id,
        counted=attempts(nobody),
    )

    with pytest.raises(AttemptsUnknown):
        await cut_off.login()
    await nobody.aclose()


async def test_a_hash_of_lower_cost_is_renewed_when_its_password_is_known(ada: House, auth_database: Database) -> None:
    weak = argon2.PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(PASSWORD)
    async with auth_database.transaction() as connection:
        await connection.execute("SELECT set_config('app.user_id', %s, true)", (str(ada.user_id),))
        await connection.execute("UPDATE auth.users SET password_hash = %s WHERE id = %s", (weak, ada.user_id))

    await ada.login()

    async with auth_database.transaction() as connection:
        await connection.execute("SELECT set_config('app.user_id', %s, true)", (str(ada.user_id),))
        row = await (await connection.execute("SELECT password_hash FROM auth.users")).fetchone()
    assert row is not None
    assert row["password_hash"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_a_refresh_token_gets_a_new_pair_and_is_used_up_after_ten_seconds(ada: House) -> None:
    first = await ada.login()
    second = await ada.refresh(first)
    third = await ada.refresh(second)
    assert len({pair.refresh_token for pair in (first, second, third)}) == 3
    ada.clock.advance(seconds=11)

    with pytest.raises(InvalidRefreshToken):
        await ada.refresh(second)

    with pytest.raises(InvalidRefreshToken):  # the whole family has ended, and stays ended although the call failed
        await ada.refresh(third)
    with pytest.raises(SessionEnded):
        await ada.principal(third)


async def test_a_refresh_token_that_is_used_twice_is_announced_once_and_without_it(
    ada: House, auth_database: Database
) -> None:
    first = await ada.login()
    await ada.refresh(first)
    ada.clock.advance(seconds=11)

    for _ in range(2):
        with pytest.raises(InvalidRefreshToken):
            await ada.refresh(first)

    [event] = await announced_about(auth_database, ada.user_id)
    assert event.type == "llmo.auth.login.suspicious"
    assert (event.data["email"], event.data["reason"]) == (ada.email, "refresh_token_reused")
    assert first.refresh_token not in event.to_json()


async def test_for_ten_seconds_a_used_token_gets_the_same_successor(ada: House) -> None:
    first = await ada.login()
    second = await ada.refresh(first)
    ada.clock.advance(seconds=10)

    again = await ada.refresh(first)

    assert again.refresh_token == second.refresh_token
    await ada.principal(again)


async def test_fifty_refreshes_at_once_are_one_family(ada: House, auth_database: Database) -> None:
    first = await ada.login()

    pairs = await asyncio.gather(*(ada.refresh(first) for _ in range(50)))

    assert len({pair.refresh_token for pair in pairs}) == 1
    async with auth_database.transaction() as connection:
        await connection.execute("SELECT set_config('app.user_id', %s, true)", (str(ada.user_id),))
        row = await (
            await connection.execute(
                "SELECT count(*) AS tokens, count(used_at) AS used, count(DISTINCT session_id) AS families"
                " FROM auth.refresh_tokens"
            )
        ).fetchone()
    assert row == {"tokens": 2, "used": 1, "families": 1}
    await ada.principal(await ada.refresh(pairs[0]))


async def test_a_refresh_token_lasts_thirty_days_unused_and_its_session_ninety_in_all(ada: House) -> None:
    pair = await ada.login()
    ada.clock.advance(days=30, seconds=1)
    with pytest.raises(InvalidRefreshToken):
        await ada.refresh(pair)

    pair = await ada.login()
    for _ in range(3):
        ada.clock.advance(days=29)
        pair = await ada.refresh(pair)
    ada.clock.advance(days=3)
    with pytest.raises(InvalidRefreshToken):
        await ada.refresh(pair)


async def test_an_access_token_lasts_a_quarter_of_an_hour(ada: House) -> None:
    pair = await ada.login()
    ada.clock.advance(minutes=15)

    with pytest.raises(AccessTokenExpired):
        await ada.principal(pair)


@pytest.mark.parametrize("text", ["", "x", "llmor_", "llmor_" + "A" * 43, "ä", "\x00", "x" * 10_000])
async def test_what_is_no_refresh_token_is_refused(ada: House, text: str) -> None:
    with pytest.raises(InvalidRefreshToken):
        await ada.service.refresh(text, org_id=None, origin=Origin())


async def test_the_database_has_neither_tokens_nor_what_would_open_their_successors(
    ada: House, auth_database: Database
) -> None:
    pairs = [await ada.login()]
    pairs.append(await ada.refresh(pairs[0]))

    async with auth_database.transaction() as connection:
        await connection.execute("SELECT set_config('app.user_id', %s, true)", (str(ada.user_id),))
        rows = await (
            await connection.execute(
                "SELECT row_to_json(token)::text || encode(coalesce(successor, ''), 'escape') AS row"
                " FROM auth.refresh_tokens AS token"
            )
        ).fetchall()
    assert len(rows) == 2
    assert not [row for row in rows for pair in pairs if pair.refresh_token in row["row"]]


@pytest.mark.parametrize(
    ("which", "alive"), [(Which.THIS, (False, True)), (Which.OTHERS, (True, False)), (Which.ALL, (False, False))]
)
async def test_signing_out_ends_the_sessions_that_were_meant(
    ada: House, which: Which, alive: tuple[bool, bool]
) -> None:
    pairs = [await ada.login(), await ada.login()]
    await ada.service.logout(await ada.person(pairs[0]), which)

    for pair, lives in zip(pairs, alive, strict=True):
        if lives:
            await ada.principal(await ada.refresh(pair))
        else:
            with pytest.raises(SessionEnded):
                await ada.principal(pair)
            with pytest.raises(InvalidRefreshToken):
                await ada.refresh(pair)


async def test_sessions_are_listed_and_ended_one_by_one_by_their_owner_only(
    ada: House, auth_database: Database, authorizer_database: Database, redis_client: Redis
) -> None:
    own, other = await ada.person(await ada.login()), await ada.person(await ada.login())
    email = f"{new_id()}@example.com"
    account = await opened(auth_database, email)
    eve = house(
        auth_database, authorizer_database, redis_client, email=email, user_id=account.user_id, org_id=account.org_id
    )
    eves = await eve.person(await eve.login())

    listed = await ada.service.sessions(own)
    assert [session.id for session in listed] == [other.session_id, own.session_id]
    assert (listed[0].ip, listed[0].user_agent) == ("203.0.113.10", "a browser")
    with pytest.raises(UnknownSession):
        await ada.service.end(eves, other.session_id)
    await ada.service.end(own, other.session_id)
    with pytest.raises(UnknownSession):
        await ada.service.end(own, other.session_id)
    assert [session.id for session in await ada.service.sessions(own)] == [own.session_id]


async def test_all_sessions_are_all_of_them_however_many(ada: House, auth_database: Database) -> None:
    first = await ada.login()
    async with auth_database.transaction() as connection:
        await connection.execute("SELECT set_config('app.user_id', %s, true)", (str(ada.user_id),))
        await connection.execute(
            """
            INSERT INTO auth.sessions (id, user_id, org_id, created_at, authenticated_at, last_used_at, expires_at)
            SELECT gen_random_uuid(), %(user)s, %(org)s, %(now)s, %(now)s, %(now)s, %(now)s + interval '90 days'
            FROM generate_series(1, 1001)
            """,
            {"user": ada.user_id, "org": ada.org_id, "now": ada.clock.now()},
        )
    last = await ada.login()

    await ada.service.logout(await ada.person(last), Which.OTHERS)

    with pytest.raises(InvalidRefreshToken):
        await ada.refresh(first)
    assert len(await ada.service.sessions(await ada.person(last))) == 1


class SlowPeople(PostgresPeople):
    """Somebody's password is changed while it is being verified."""

    @override
    async def by_email(self, email: str) -> Credentials | None:
        found = await super().by_email(email)
        assert found is not None
        await self.set_password(found.user_id, Argon2Passwords().hash("another one entirely"))
        return found


async def test_a_password_that_is_changed_meanwhile_gets_no_session(ada: House, auth_database: Database) -> None:
    ada.service._people = SlowPeople(auth_database)

    with pytest.raises(InvalidCredentials):
        await ada.login()


async def test_whoever_left_the_sessions_organization_goes_on_in_another(
    ada: House, make_org: MakeOrg, auth_database: Database, postgres: Postgres
) -> None:
    other = await make_org()
    await join(auth_database, ada, other.org_id, Role.VIEWER)
    pair = await ada.login(org_id=ada.org_id)
    await set_role(postgres, ada, None)

    assert (await ada.principal(await ada.refresh(pair))).org_id == other.org_id


async def test_whoever_left_every_organization_signs_in_as_nobodys_member(ada: House, postgres: Postgres) -> None:
    before = await ada.login()
    await set_role(postgres, ada, None)
    with pytest.raises(SessionEnded):
        await ada.person(before)

    for pair in (await ada.login(), await ada.refresh(before)):
        caller = await ada.authenticator.authenticate(f"Bearer {pair.access_token}")
        assert isinstance(caller, Person)
        assert caller.org_id is None
    with pytest.raises(NotAMember):
        await ada.login(org_id=ada.org_id)


async def test_an_api_key_is_no_person() -> None:
    key = Principal(
        org_id=new_id(), project_id=None, actor_type=ActorType.API_KEY, actor_id=new_id(), permissions=frozenset()
    )
    with pytest.raises(NotSignedIn):
        Person.from_context(key.to_context())


async def test_somebody_in_no_organization_is_no_principal() -> None:
    person = Person(user_id=new_id(), session_id=new_id())
    with pytest.raises(NoOrganization):
        Principal.from_context(person.to_context())
    assert Person.from_context(person.to_context()) == person


async def test_another_role_counts_at_once_and_who_has_left_is_refused(ada: House, postgres: Postgres) -> None:
    pair = await ada.login()

    await set_role(postgres, ada, Role.VIEWER)
    assert (await ada.principal(pair)).permissions == PERMISSIONS_OF[Role.VIEWER]
    await set_role(postgres, ada, None)
    with pytest.raises(SessionEnded):
        await ada.principal(pair)


async def test_a_session_is_visible_to_its_owner_alone(ada: House, auth_database: Database) -> None:
    await ada.login()

    for table in (b"auth.sessions", b"auth.refresh_tokens"):
        async with auth_database.transaction(ada.org_id) as connection:
            rows = await (await connection.execute(b"SELECT 1 FROM " + table)).fetchall()
        assert rows == []
