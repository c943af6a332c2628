"""Proving anew who one is, on the real stores: what a stolen token is not enough for."""

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from auth.second_factors.models import Code, InvalidSecondFactor, Password, PasswordNotEnough, RecoveryCode
from auth.sign_in.models import InvalidCredentials, ReauthenticationRequired, TooManyAttempts
from llmo_auth.principal import Person
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from tests.integration.auth.house import PASSWORD
from tests.integration.auth.safe import ORIGIN, Safe
from tests.integration.auth.test_second_factors import made


@pytest_asyncio.fixture
async def ada(auth_database: Database, authorizer_database: Database, redis_client: Redis) -> Safe:
    """Somebody without a second factor."""
    return await made(auth_database, authorizer_database, redis_client)


async def test_somebody_has_signed_in_recently_for_ten_minutes_and_refreshing_makes_it_no_longer(ada: Safe) -> None:
    pair = await ada.home.login()
    person = await ada.home.person(pair)
    ada.home.clock.advance(minutes=10)
    await ada.home.refresh(pair)
    await ada.home.service.require_recent(person)

    ada.home.clock.advance(seconds=1)
    with pytest.raises(ReauthenticationRequired):
        await ada.home.service.require_recent(person)


async def test_a_password_makes_the_callers_session_a_recent_one_and_no_other(ada: Safe) -> None:
    person, other = await ada.person(), await ada.person()
    ada.home.clock.advance(minutes=11)

    await ada.reauthentication.reauthenticate(person, Password(text=PASSWORD), origin=ORIGIN)

    await ada.home.service.require_recent(person)
    with pytest.raises(ReauthenticationRequired):
        await ada.home.service.require_recent(other)


async def test_a_session_that_has_ended_or_is_somebody_elses_is_not_recent(ada: Safe) -> None:
    person = await ada.person()
    await ada.home.service.end(person, person.session_id)

    for nobody in (person, Person(user_id=new_id(), session_id=person.session_id)):
        with pytest.raises(ReauthenticationRequired):
            await ada.home.service.require_recent(nobody)


async def test_a_wrong_password_changes_nothing_and_is_an_attempt_to_sign_in(ada: Safe) -> None:
    person = await ada.person()
    ada.home.clock.advance(minutes=11)
    for _ in range(5):
        with pytest.raises(InvalidCredentials):
            await ada.reauthentication.reauthenticate(person, Password(text="wrong"), origin=ORIGIN)

    with pytest.raises(TooManyAttempts):
        await ada.reauthentication.reauthenticate(person, Password(text=PASSWORD), origin=ORIGIN)
    with pytest.raises(ReauthenticationRequired):
        await ada.home.service.require_recent(person)


async def test_whoever_has_a_second_factor_shows_it_and_a_password_is_not_enough(ada: Safe) -> None:
    person = await ada.with_totp()
    ada.home.clock.advance(minutes=11)
    with pytest.raises(PasswordNotEnough) as refused:
        await ada.reauthentication.reauthenticate(person, Password(text=PASSWORD), origin=ORIGIN)
    assert refused.value.extensions == {"methods": ["totp", "recovery_code"]}
    with pytest.raises(ReauthenticationRequired):
        await ada.home.service.require_recent(person)

    await ada.reauthentication.reauthenticate(person, Code(text=ada.code()), origin=ORIGIN)
    await ada.home.service.require_recent(person)
    with pytest.raises(InvalidSecondFactor):  # it is used up, here as at a login
        await ada.answer(await ada.mfa_token(), code=ada.code())


async def test_guesses_at_codes_are_attempts_to_sign_in(ada: Safe) -> None:
    person = await ada.with_totp()
    for _ in range(5):
        with pytest.raises(InvalidSecondFactor):
            await ada.reauthentication.reauthenticate(person, Code(text=ada.code(steps=9)), origin=ORIGIN)

    with pytest.raises(TooManyAttempts):
        await ada.reauthentication.reauthenticate(person, Code(text=ada.code()), origin=ORIGIN)
    with pytest.raises(TooManyAttempts):
        await ada.home.login()


async def test_a_passkey_and_a_recovery_code_are_proofs_too(ada: Safe) -> None:
    await ada.with_passkey()
    person = await ada.home.person(await ada.passkey_login())
    for proof in (await ada.assertion(), RecoveryCode(text=ada.recovery_codes[0])):
        ada.home.clock.advance(minutes=4)
        await ada.reauthentication.reauthenticate(person, proof, origin=ORIGIN)
        ada.home.clock.advance(minutes=6)
        await ada.home.service.require_recent(person)
