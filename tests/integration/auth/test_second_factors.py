"""Authenticator apps and recovery codes on the real stores: what is asked for, accepted once, and refused."""

import asyncio
from typing import LiteralString

import pyotp
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from auth.one_time_tokens import OneTimeTokens
from auth.registration.common_passwords import is_common
from auth.registration.password_changes import PasswordService
from auth.registration.password_policy import PasswordPolicy
from auth.registration.repository import PostgresPasswordResets
from auth.second_factors.models import (
    Code,
    InvalidMfaToken,
    InvalidSecondFactor,
    NoSecondFactor,
    NotEnrolling,
    NoTotp,
    TotpEnrolled,
    WrongCode,
)
from auth.sign_in.models import InvalidCredentials, NotAMember, SecondFactorRequired, TokenPair, TooManyAttempts
from auth.sign_in.passwords import Argon2Passwords
from auth.sign_in.ports import Attempts
from auth.sign_in.repository import PostgresPeople, PostgresSessions
from auth.sign_in.service import Which
from llmo_auth.principal import Role
from llmo_core.ids import new_id
from llmo_data.postgres import Database, insert
from tests.integration.auth.announcements import announced_about, outbox
from tests.integration.auth.house import PASSWORD, attempts, house
from tests.integration.auth.safe import ORIGIN, Safe, Uncounted, safe
from tests.integration.auth.test_accounts import opened
from tests.integration.organizations import MakeOrg

TABLES: list[LiteralString] = [
    "auth.totp",
    "auth.recovery_codes",
    "auth.passkeys",
    "auth.passkey_challenges",
    "auth.second_factor_challenges",
]


async def made(auth_database: Database, authorizer_database: Database, redis_client: Redis) -> Safe:
    email = f"{new_id()}@example.com"
    account = await opened(auth_database, email)
    home = house(
        auth_database, authorizer_database, redis_client, email=email, user_id=account.user_id, org_id=account.org_id
    )
    return safe(home, auth_database, redis_client)


@pytest_asyncio.fixture
async def ada(auth_database: Database, authorizer_database: Database, redis_client: Redis) -> Safe:
    """Somebody without a second factor."""
    return await made(auth_database, authorizer_database, redis_client)


@pytest_asyncio.fixture
async def eve(auth_database: Database, authorizer_database: Database, redis_client: Redis) -> Safe:
    """Somebody else."""
    return await made(auth_database, authorizer_database, redis_client)


async def test_whoever_has_an_app_is_asked_for_its_code_and_signs_in_with_it(ada: Safe) -> None:
    await ada.with_totp()

    asked = await ada.asked()
    pair = await ada.answer(asked.extensions["mfa_token"], code=ada.code())

    assert asked.extensions["methods"] == ["totp", "recovery_code"]
    assert (await ada.home.principal(pair)).actor_id == ada.home.user_id
    assert await ada.news() == [("second_factor.added", "totp")]


async def test_an_app_is_no_factor_before_its_first_code(ada: Safe) -> None:
    person = await ada.person()
    enrolment = await ada.totp.enrol(person)

    await ada.home.login()
    assert (await ada.factors.overview(person)).totp_since is None
    parsed = pyotp.parse_uri(enrolment.otpauth_uri)
    assert (parsed.secret, parsed.issuer, parsed.name) == (enrolment.secret, "LLMOptimizer", ada.home.email)


async def test_an_enrolment_needs_the_right_code_within_ten_minutes_and_one_secret_is_enough(ada: Safe) -> None:
    person = await ada.person()
    with pytest.raises(NotEnrolling):
        await ada.totp.confirm(person, "123456")
    first = (await ada.totp.enrol(person)).secret
    ada.secret = (await ada.totp.enrol(person)).secret
    now = ada.home.clock.now()
    with pytest.raises(WrongCode):
        await ada.totp.confirm(person, pyotp.TOTP(first).at(now))

    ada.home.clock.advance(minutes=10)
    with pytest.raises(NotEnrolling):
        await ada.totp.confirm(person, ada.code())

    await ada.with_totp()
    with pytest.raises(TotpEnrolled):
        await ada.totp.enrol(person)
    with pytest.raises(TotpEnrolled):
        await ada.totp.confirm(person, ada.code())


async def test_a_code_is_accepted_once_and_none_of_an_earlier_step_after_it(ada: Safe) -> None:
    await ada.with_totp()
    confirmed_with = ada.code(steps=-1)
    with pytest.raises(InvalidSecondFactor):
        await ada.answer(await ada.mfa_token(), code=confirmed_with)
    code = ada.code()
    await ada.answer(await ada.mfa_token(), code=code)

    for used in (code, ada.code(steps=-1)):
        with pytest.raises(InvalidSecondFactor):
            await ada.answer(await ada.mfa_token(), code=used)


@pytest.mark.parametrize(("steps", "accepted"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
async def test_a_clock_may_be_half_a_minute_off(ada: Safe, steps: int, *, accepted: bool) -> None:
    await ada.with_totp()
    ada.home.clock.advance(minutes=5)
    token = await ada.mfa_token()

    if accepted:
        await ada.answer(token, code=ada.code(steps=steps))
    else:
        with pytest.raises(InvalidSecondFactor):
            await ada.answer(token, code=ada.code(steps=steps))


async def test_one_code_at_the_same_time_signs_in_once(ada: Safe, auth_database: Database, redis_client: Redis) -> None:
    await ada.with_totp()
    uncounted = safe(ada.home, auth_database, redis_client, counted=Uncounted())
    tokens = [await ada.mfa_token() for _ in range(4)]
    code = ada.code()

    outcomes = await asyncio.gather(
        *(uncounted.answer(token, code=code) for token in tokens for _ in range(3)), return_exceptions=True
    )

    assert sum(isinstance(outcome, TokenPair) for outcome in outcomes) == 1


async def test_a_token_of_a_sign_in_works_once_and_for_five_minutes(ada: Safe) -> None:
    await ada.with_totp()
    token = await ada.mfa_token()
    await ada.answer(token, code=ada.code())
    with pytest.raises(InvalidMfaToken):
        await ada.answer(token, code=ada.code(steps=1))

    late = await ada.mfa_token()
    ada.home.clock.advance(minutes=5)
    with pytest.raises(InvalidMfaToken):
        await ada.answer(late, code=ada.code())


@pytest.mark.parametrize("token", ["", "x", "ä", "\x00", "A" * 43])
async def test_what_is_no_token_is_refused(ada: Safe, token: str) -> None:
    await ada.with_totp()
    with pytest.raises(InvalidMfaToken):
        await ada.answer(token, code=ada.code())


async def test_a_challenge_takes_its_own_persons_factors_only(ada: Safe, eve: Safe) -> None:
    await ada.with_totp()
    await eve.with_totp()

    with pytest.raises(InvalidSecondFactor):
        await eve.answer(await ada.mfa_token(), code=eve.code())
    with pytest.raises(InvalidSecondFactor):
        await eve.answer(await ada.mfa_token(), recovery_code=eve.recovery_codes[0])

    await eve.answer(await eve.mfa_token(), code=eve.code())  # and uses none of anybody else's up
    await eve.answer(await eve.mfa_token(), recovery_code=eve.recovery_codes[0])


async def test_the_fifth_wrong_answer_ends_a_challenge_and_is_announced(
    ada: Safe, auth_database: Database, redis_client: Redis
) -> None:
    await ada.with_totp()
    uncounted = safe(ada.home, auth_database, redis_client, counted=Uncounted())
    token = await ada.mfa_token()

    outcomes = await asyncio.gather(
        *(uncounted.answer(token, code=ada.code(steps=9)) for _ in range(8)), return_exceptions=True
    )

    assert sum(isinstance(outcome, InvalidSecondFactor) for outcome in outcomes) == 5
    with pytest.raises(InvalidMfaToken):
        await uncounted.answer(token, code=ada.code())
    assert (await ada.news())[1:] == [("login.suspicious", "second_factor_guessed")]


async def test_a_right_password_does_not_forget_the_failures_that_only_the_second_factor_ends(ada: Safe) -> None:
    await ada.with_totp()
    with pytest.raises(InvalidCredentials):
        await ada.home.login("wrong")
    for _ in range(2):
        with pytest.raises(InvalidSecondFactor):
            await ada.answer(await ada.mfa_token(), code=ada.code(steps=9))

    with pytest.raises(TooManyAttempts):  # each password and each code was one attempt
        await ada.asked()


@pytest.mark.parametrize("by_mail", [True, False])
async def test_whoever_knows_or_resets_the_password_gets_no_more_guesses_at_codes_for_it(
    ada: Safe, auth_database: Database, redis_client: Redis, *, by_mail: bool
) -> None:
    person = await ada.with_totp()
    passwords = password_service(ada, auth_database, attempts(redis_client))
    for _ in range(4):
        with pytest.raises(InvalidSecondFactor):
            await ada.reauthentication.reauthenticate(person, Code(text=ada.code(steps=9)), origin=ORIGIN)

    if by_mail:
        await passwords.reset(await reset_token(passwords, ada), "incorrect horse battery staple")
        with pytest.raises(SecondFactorRequired):
            await ada.home.login("incorrect horse battery staple")
    else:
        await passwords.change(person, current=PASSWORD, new="incorrect horse battery staple", origin=ORIGIN)

    with pytest.raises(TooManyAttempts):
        await ada.reauthentication.reauthenticate(person, Code(text=ada.code()), origin=ORIGIN)


async def test_a_second_factor_ends_the_failures(ada: Safe) -> None:
    await ada.with_totp()
    with pytest.raises(InvalidSecondFactor):
        await ada.answer(await ada.mfa_token(), code=ada.code(steps=9))
    await ada.answer(await ada.mfa_token(), code=ada.code())

    for _ in range(4):
        with pytest.raises(InvalidCredentials):
            await ada.home.login("wrong")
    await ada.asked()


async def test_the_tokens_are_for_the_organization_that_the_password_was_shown_for(
    ada: Safe, make_org: MakeOrg, auth_database: Database
) -> None:
    await ada.with_totp()
    other, foreign = await make_org(), await make_org()
    async with auth_database.transaction(other.org_id) as connection:
        row = {"org_id": other.org_id, "user_id": ada.home.user_id, "role": Role.VIEWER.value}
        await connection.execute(*insert("auth.memberships", row))

    pair = await ada.answer(await ada.mfa_token(org_id=other.org_id), code=ada.code())
    assert (await ada.home.principal(pair)).org_id == other.org_id
    for org_id in (foreign.org_id, new_id()):
        ada.home.clock.advance(seconds=30)
        with pytest.raises(NotAMember):
            await ada.answer(await ada.mfa_token(org_id=org_id), code=ada.code())


async def test_a_recovery_code_works_once_however_it_is_written(ada: Safe) -> None:
    await ada.with_totp()
    assert len(set(ada.recovery_codes)) == 10
    code = ada.recovery_codes[3].upper().replace("-", " ")

    await ada.answer(await ada.mfa_token(), recovery_code=code)

    with pytest.raises(InvalidSecondFactor):
        await ada.answer(await ada.mfa_token(), recovery_code=ada.recovery_codes[3])
    assert (await ada.news())[1:] == [("recovery_code.used", 9)]


async def test_of_twenty_uses_of_a_recovery_code_at_once_one_wins(
    ada: Safe, auth_database: Database, redis_client: Redis
) -> None:
    await ada.with_totp()
    uncounted = safe(ada.home, auth_database, redis_client, counted=Uncounted())
    tokens = [await ada.mfa_token() for _ in range(4)]

    outcomes = await asyncio.gather(
        *(uncounted.answer(tokens[turn % 4], recovery_code=ada.recovery_codes[0]) for turn in range(20)),
        return_exceptions=True,
    )

    assert sum(isinstance(outcome, TokenPair) for outcome in outcomes) == 1
    assert all(isinstance(outcome, TokenPair | InvalidSecondFactor | InvalidMfaToken) for outcome in outcomes)


async def test_new_recovery_codes_are_the_end_of_the_old_ones(ada: Safe) -> None:
    person = await ada.person()
    with pytest.raises(NoSecondFactor):
        await ada.factors.renew_recovery_codes(person)
    await ada.with_totp()

    new = await ada.factors.renew_recovery_codes(person)

    assert not set(new) & set(ada.recovery_codes)
    with pytest.raises(InvalidSecondFactor):
        await ada.answer(await ada.mfa_token(), recovery_code=ada.recovery_codes[0])
    await ada.answer(await ada.mfa_token(), recovery_code=new[0])
    assert (await ada.factors.overview(person)).recovery_codes == 9


async def test_whoever_removes_the_last_factor_is_asked_for_none_and_has_no_recovery_codes(ada: Safe) -> None:
    person = await ada.with_totp()
    waiting = await ada.mfa_token()

    await ada.totp.remove(person)

    await ada.home.login()
    with pytest.raises(InvalidSecondFactor):
        await ada.answer(waiting, recovery_code=ada.recovery_codes[0])
    assert (await ada.factors.overview(person)).recovery_codes == 0
    assert await ada.news() == [("second_factor.added", "totp"), ("second_factor.removed", "totp")]
    with pytest.raises(NoTotp):
        await ada.totp.remove(person)


def password_service(ada: Safe, auth_database: Database, counted: Attempts | None = None) -> PasswordService:
    return PasswordService(
        resets=PostgresPasswordResets(auth_database),
        people=PostgresPeople(auth_database),
        sessions=PostgresSessions(auth_database),
        passwords=Argon2Passwords(),
        policy=PasswordPolicy(is_common),
        attempts=counted or Uncounted(),
        tokens=OneTimeTokens(b"secret"),
        events=outbox(auth_database),
        transaction=auth_database.transaction,
        clock=ada.home.clock,
    )


async def reset_token(passwords: PasswordService, ada: Safe) -> str:
    await passwords.forgot(ada.home.email, origin=ORIGIN)
    return str((await announced_about(ada.database, ada.home.user_id))[-1].data["token"])


async def test_a_password_reset_is_no_way_around_and_ends_what_waited_for_a_second_factor(
    ada: Safe, auth_database: Database
) -> None:
    await ada.with_totp()
    waiting = await ada.mfa_token()
    passwords = password_service(ada, auth_database)

    await passwords.reset(await reset_token(passwords, ada), "incorrect horse battery staple")

    with pytest.raises(InvalidMfaToken):
        await ada.answer(waiting, code=ada.code())
    with pytest.raises(SecondFactorRequired):
        await ada.home.login("incorrect horse battery staple")


async def test_a_password_reset_at_the_same_time_as_an_answer_leaves_no_session(
    ada: Safe, auth_database: Database, redis_client: Redis
) -> None:
    person = await ada.with_totp()
    passwords = password_service(ada, auth_database)
    uncounted = safe(ada.home, auth_database, redis_client, counted=Uncounted())
    password = PASSWORD
    for turn in range(6):
        await ada.home.service._attempts.succeeded(ada.home.email)
        waiting = await ada.mfa_token(password=password)
        password = f"incorrect horse battery staple {turn}"
        token = await reset_token(passwords, ada)

        answered, changed = await asyncio.gather(
            uncounted.answer(waiting, recovery_code=ada.recovery_codes[turn]),
            passwords.reset(token, password),
            return_exceptions=True,
        )

        assert isinstance(answered, TokenPair | InvalidMfaToken)
        assert changed is None
        assert await ada.home.service.sessions(person) == []


async def test_signing_out_everywhere_ends_what_waits_for_a_second_factor(ada: Safe) -> None:
    person = await ada.with_totp()
    waiting = await ada.mfa_token()

    await ada.home.service.logout(person, Which.OTHERS)

    with pytest.raises(InvalidMfaToken):
        await ada.answer(waiting, code=ada.code())


async def test_the_rows_are_visible_to_their_owner_alone(ada: Safe, eve: Safe, auth_database: Database) -> None:
    await ada.with_passkey()
    await ada.totp.enrol(await ada.home.person(await ada.passkey_login()))
    await ada.passkeys.options(await ada.home.person(await ada.passkey_login()))
    await ada.mfa_token()

    for table in TABLES:
        for reader, rows in ((ada, True), (eve, False), (None, False)):
            async with auth_database.transaction(eve.home.org_id) as connection:
                if reader is not None:
                    await connection.execute("SELECT set_config('app.user_id', %s, true)", (str(reader.home.user_id),))
                found = await (await connection.execute(b"SELECT * FROM " + table.encode())).fetchall()
            assert bool(found) == rows, table


async def test_the_database_has_nothing_that_could_be_shown(ada: Safe, auth_database: Database) -> None:
    await ada.with_totp()
    secrets = [ada.secret, *ada.recovery_codes, await ada.mfa_token()]

    async with auth_database.transaction() as connection:
        await connection.execute("SELECT set_config('app.user_id', %s, true)", (str(ada.home.user_id),))
        kept = []
        for table in TABLES:
            statement = b"SELECT row_to_json(kept)::text AS row FROM " + table.encode() + b" AS kept"
            kept += await (await connection.execute(statement)).fetchall()
        kept += await (await connection.execute("SELECT envelope AS row FROM auth.outbox")).fetchall()
    said = str(kept)
    assert len(kept) > 12
    for secret in secrets:
        assert secret not in said
        assert secret.encode().hex() not in said
        assert secret.replace("-", "") not in said
