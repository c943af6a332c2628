"""Registrations, resets and changed addresses that meet, and a Redis that is away meanwhile."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest
import pytest_asyncio
from psycopg.conninfo import make_conninfo

from auth.one_time_tokens import InvalidToken
from auth.sign_in.attempts import AttemptsUnknown
from auth.sign_in.models import InvalidCredentials, InvalidRefreshToken
from auth.sign_in.repository import PostgresPeople
from llmo_core.ids import new_id
from llmo_data import redis as redis_layer
from llmo_data.postgres import Database
from tests.integration.auth.announcements import announced_about
from tests.integration.auth.house import PASSWORD, attempts
from tests.integration.auth.registering import ORIGIN, OTHER_PASSWORD, Desk, password_service
from tests.integration.auth.test_oauth_tokens import somebody_waits
from tests.integration.stores import Postgres


async def test_a_pending_registration_is_mailed_again_with_another_link(desk: Desk) -> None:
    await desk.register(name="Ada", organization="Analytical Engines")
    first = await desk.token()

    await desk.registrations.resend(desk.email.upper(), origin=ORIGIN)

    mail = (await desk.mails())[-1]
    assert (mail.type, mail.data["name"]) == ("llmo.auth.email.verification_requested", "Ada")
    assert mail.data["token"] != first
    await desk.registrations.verify(await desk.token())
    await desk.home.login(PASSWORD)


async def test_a_registration_that_was_mailed_again_can_be_so_once_more(desk: Desk) -> None:
    await desk.register()
    for _ in range(2):
        await desk.registrations.resend(desk.email, origin=ORIGIN)

    assert [mail.type for mail in await desk.mails()] == ["llmo.auth.email.verification_requested"] * 3


async def test_of_registrations_with_different_passwords_none_is_mailed_again(desk: Desk) -> None:
    await desk.register(PASSWORD)
    await desk.register(OTHER_PASSWORD)
    before = await desk.mails()

    await desk.registrations.resend(desk.email, origin=ORIGIN)

    [mail] = (await desk.mails())[len(before) :]
    assert mail.type == "llmo.auth.registration.ambiguous"
    assert mail.data == {"registration_id": before[-1].data["registration_id"], "email": desk.email}


async def test_the_links_of_registrations_with_different_passwords_still_lead_to_their_own(desk: Desk) -> None:
    await desk.register(PASSWORD)
    own = await desk.token()
    await desk.register(OTHER_PASSWORD)
    await desk.registrations.resend(desk.email, origin=ORIGIN)

    await desk.registrations.verify(own)

    await desk.home.login(PASSWORD)
    with pytest.raises(InvalidCredentials):
        await desk.home.login(OTHER_PASSWORD)


async def test_nothing_is_mailed_to_an_address_that_nobody_registered(desk: Desk) -> None:
    await desk.registrations.resend(desk.email, origin=ORIGIN)

    assert await desk.mails() == []


async def test_of_two_that_use_one_reset_token_at_once_one_sets_the_password(known: Desk) -> None:
    await known.passwords.forgot(known.email, origin=ORIGIN)
    token, wanted = await known.token(), ["the first one's new password", "the second one's new password"]

    outcomes = await asyncio.gather(*(known.passwords.reset(token, one) for one in wanted), return_exceptions=True)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["InvalidToken", "NoneType"]
    winner = outcomes.index(None)
    await known.home.login(wanted[winner])
    with pytest.raises(InvalidCredentials):
        await known.home.login(wanted[1 - winner])


async def test_of_two_tokens_of_one_account_that_are_used_at_once_one_sets_the_password(known: Desk) -> None:
    tokens = []
    for _ in range(2):
        await known.passwords.forgot(known.email, origin=ORIGIN)
        tokens.append(await known.token())

    outcomes = await asyncio.gather(
        *(known.passwords.reset(token, OTHER_PASSWORD) for token in tokens), return_exceptions=True
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["InvalidToken", "NoneType"]


async def test_a_reset_stands_although_failures_cannot_be_forgotten(known: Desk) -> None:
    pair = await known.home.login()
    await known.passwords.forgot(known.email, origin=ORIGIN)
    nobody = redis_layer.connect("redis://127.0.0.1:1/0")
    cut_off = password_service(known.database, known.home, attempts(nobody))
    with pytest.raises(AttemptsUnknown):
        await attempts(nobody).succeeded(known.email)

    await cut_off.reset(await known.token(), OTHER_PASSWORD)

    await known.home.login(OTHER_PASSWORD)
    with pytest.raises(InvalidRefreshToken):
        await known.home.refresh(pair)
    assert (await known.mails())[-1].type == "llmo.auth.password.changed"
    await nobody.aclose()


async def test_a_reset_that_stands_has_used_its_token_up_without_redis_too(known: Desk) -> None:
    await known.passwords.forgot(known.email, origin=ORIGIN)
    token, nobody = await known.token(), redis_layer.connect("redis://127.0.0.1:1/0")
    cut_off = password_service(known.database, known.home, attempts(nobody))
    await cut_off.reset(token, OTHER_PASSWORD)

    with pytest.raises(InvalidToken):
        await cut_off.reset(token, PASSWORD)
    await nobody.aclose()


@pytest_asyncio.fixture
async def administrator(postgres: Postgres) -> AsyncIterator[psycopg.AsyncConnection]:
    async with await psycopg.AsyncConnection.connect(make_conninfo("", **postgres.admin)) as connection:
        yield connection


async def test_an_address_that_changes_at_this_moment_is_mailed_no_link(
    known: Desk, auth_database: Database, administrator: psycopg.AsyncConnection
) -> None:
    person = await PostgresPeople(auth_database).by_email(known.email)
    assert person is not None
    other, named = f"{new_id()}@example.com", "SELECT set_config('app.user_id', %s, true)"
    await administrator.execute(named, (str(person.user_id),))
    await administrator.execute("UPDATE auth.users SET email = %s WHERE id = %s", (other, person.user_id))

    asked = asyncio.create_task(known.passwords.forgot(known.email, origin=ORIGIN))
    await somebody_waits(auth_database)
    await administrator.commit()
    await asked

    assert "llmo.auth.password.reset_requested" not in {
        event.type for event in await announced_about(auth_database, person.user_id)
    }
