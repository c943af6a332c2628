"""Registering and resetting passwords, on the real stores: no answer tells who has an account."""

import asyncio
import hmac

import pytest

from auth.one_time_tokens import InvalidToken
from auth.registration.models import PasswordRefused
from auth.sign_in.models import InvalidCredentials, InvalidRefreshToken, TooManyAttempts
from llmo_core.ids import new_id
from llmo_messaging.envelope import Envelope
from tests.integration.auth.announcements import announced
from tests.integration.auth.house import PASSWORD
from tests.integration.auth.registering import ORIGIN, OTHER_PASSWORD, Desk


async def test_a_mailed_token_makes_a_user_who_owns_an_organization_and_can_sign_in(desk: Desk) -> None:
    await desk.register(name="Ada", organization="Analytical Engines")
    with pytest.raises(InvalidCredentials):  # nobody is a user before the mail was read
        await desk.home.login()

    account = await desk.registrations.verify(await desk.token())

    principal = await desk.home.principal(await desk.home.login())
    assert (principal.actor_id, principal.org_id) == (account.user_id, account.org_id)
    events = await announced(desk.database, account.org_id)
    assert [event.type for event in events] == [
        "llmo.auth.user.registered",
        "llmo.auth.organization.created",
        "llmo.auth.session.started",
    ]
    assert events[0].data == {
        "user_id": str(account.user_id),
        "email": desk.email,
        "name": "Ada",
        "org_id": str(account.org_id),
    }
    assert events[1].data["name"] == "Analytical Engines"


async def test_names_that_were_left_out_come_from_the_address(desk: Desk) -> None:
    await desk.register()
    account = await desk.registrations.verify(await desk.token())

    created = (await announced(desk.database, account.org_id))[1]
    assert created.data["name"] == f"{desk.email.partition('@')[0]}'s organization"


async def test_a_long_address_has_a_name_that_fits(desk: Desk) -> None:
    desk.email = "a" * 230 + f"@{new_id().hex[-16:]}.io"
    await desk.register()

    await desk.registrations.verify(await desk.token())


async def test_a_verification_token_works_once_and_for_an_hour(desk: Desk) -> None:
    await desk.register()
    late = await desk.token()
    desk.home.clock.advance(hours=1)
    with pytest.raises(InvalidToken):
        await desk.registrations.verify(late)

    await desk.registrations.resend(desk.email, origin=ORIGIN)
    token = await desk.token()
    outcomes = await asyncio.gather(*(desk.registrations.verify(token) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(outcome, InvalidToken) for outcome in outcomes) == 3
    with pytest.raises(InvalidToken):
        await desk.registrations.verify(late)


async def test_whoever_registers_somebody_elses_address_gains_and_destroys_nothing(desk: Desk) -> None:
    await desk.register()
    owners = await desk.token()
    await desk.register("the attacker's own password")

    await desk.registrations.verify(owners)

    with pytest.raises(InvalidCredentials):
        await desk.home.login("the attacker's own password")
    await desk.home.login()
    with pytest.raises(InvalidToken):  # the other link leads nowhere any more
        await desk.registrations.verify(await desk.token())


async def test_registering_an_address_that_has_an_account_changes_nothing_and_tells_its_owner(known: Desk) -> None:
    await known.register(OTHER_PASSWORD)

    [mail] = await known.mails()
    assert mail.type == "llmo.auth.registration.repeated"
    assert "token" not in mail.data
    with pytest.raises(InvalidCredentials):
        await known.home.login(OTHER_PASSWORD)
    await known.home.login()


async def test_an_address_gets_five_mails_an_hour_and_nobody_is_told(known: Desk) -> None:
    for _ in range(3):
        await known.register()
        await known.passwords.forgot(known.email, origin=ORIGIN)
        await known.registrations.resend(known.email, origin=ORIGIN)

    assert len(await known.mails()) == 4  # resending to an address that has an account mails nothing, but counts


async def test_a_mail_about_nobody_leaves_the_same_trace_as_one_about_somebody(desk: Desk) -> None:
    async with desk.database.transaction() as connection:
        before = await (await connection.execute("SELECT max(position) AS last FROM auth.outbox")).fetchone()
    await desk.passwords.forgot(desk.email, origin=ORIGIN)

    assert before is not None
    async with desk.database.transaction() as connection:
        rows = await (
            await connection.execute("SELECT envelope FROM auth.outbox WHERE position > %s", (before["last"] or 0,))
        ).fetchall()
    assert "llmo.auth.password.reset_unknown" in [Envelope.model_validate_json(row["envelope"]).type for row in rows]
    assert desk.email not in str(rows)


@pytest.mark.parametrize(
    "password",
    ["short", "1234567", "x" * 129, "password", "PASSWORD1", "12345678", "Qwerty123", "sunshine"],
)
async def test_a_password_that_is_easily_guessed_is_refused_with_the_reason(desk: Desk, password: str) -> None:
    with pytest.raises(PasswordRefused, match=r"8 to 128 characters|most common"):
        await desk.register(password)
    assert await desk.mails() == []


async def test_a_password_is_not_ones_own_address(desk: Desk) -> None:
    for password in (desk.email.upper(), desk.email.partition("@")[0]):
        with pytest.raises(PasswordRefused, match="own e-mail address"):
            await desk.register(password)


@pytest.mark.parametrize("password", ["aaaaaaaa-xyz", "        eight", "пароль-из-слов", "x" * 128, "Å" * 9])
async def test_nothing_is_demanded_of_a_passwords_characters(desk: Desk, password: str) -> None:
    await desk.register(password)
    await desk.registrations.verify(await desk.token())

    await desk.home.login(password)
    if "Å" in password:
        await desk.home.login("A\u030a" * 9)  # the same letters, as another keyboard writes them


async def test_a_reset_sets_the_password_ends_every_session_and_signs_nobody_in(known: Desk) -> None:
    pair = await known.home.login()
    await known.passwords.forgot(known.email.upper(), origin=ORIGIN)

    await known.passwords.reset(await known.token(), OTHER_PASSWORD)

    with pytest.raises(InvalidRefreshToken):
        await known.home.refresh(pair)
    with pytest.raises(InvalidCredentials):
        await known.home.login()
    await known.home.login(OTHER_PASSWORD)
    mail = (await known.mails())[-1]
    assert (mail.type, mail.data["by_reset"]) == ("llmo.auth.password.changed", True)


async def test_a_reset_is_possible_while_the_account_waits_and_ends_the_wait(known: Desk) -> None:
    for _ in range(5):
        with pytest.raises(InvalidCredentials):
            await known.home.login("wrong")
    with pytest.raises(TooManyAttempts):
        await known.home.login()

    await known.passwords.forgot(known.email, origin=ORIGIN)
    await known.passwords.reset(await known.token(), OTHER_PASSWORD)

    await known.home.login(OTHER_PASSWORD)


async def test_a_reset_token_works_once_for_half_an_hour_and_voids_the_others(known: Desk) -> None:
    await known.passwords.forgot(known.email, origin=ORIGIN)
    first = await known.token()
    await known.passwords.forgot(known.email, origin=ORIGIN)
    second = await known.token()
    known.home.clock.advance(minutes=29)

    outcomes = await asyncio.gather(
        *(known.passwords.reset(second, OTHER_PASSWORD) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(outcome, InvalidToken) for outcome in outcomes) == 3
    with pytest.raises(InvalidToken):
        await known.passwords.reset(first, PASSWORD)

    await known.passwords.forgot(known.email, origin=ORIGIN)
    third = await known.token()
    known.home.clock.advance(minutes=30)
    with pytest.raises(InvalidToken):
        await known.passwords.reset(third, PASSWORD)


async def test_a_refused_password_does_not_use_the_token_up(known: Desk) -> None:
    await known.passwords.forgot(known.email, origin=ORIGIN)
    token = await known.token()
    with pytest.raises(PasswordRefused):
        await known.passwords.reset(token, "password")

    await known.passwords.reset(token, OTHER_PASSWORD)


async def test_a_token_for_one_purpose_is_none_for_another(desk: Desk) -> None:
    await desk.register()
    verification = await desk.token()
    with pytest.raises(InvalidToken):
        await desk.passwords.reset(verification, OTHER_PASSWORD)

    await desk.registrations.verify(verification)
    await desk.passwords.forgot(desk.email, origin=ORIGIN)
    with pytest.raises(InvalidToken):
        await desk.registrations.verify(await desk.token())


@pytest.mark.parametrize("token", ["", "x", "ä", "\x00", "A" * 43])
async def test_what_is_no_token_is_refused(desk: Desk, token: str) -> None:
    with pytest.raises(InvalidToken):
        await desk.registrations.verify(token)
    with pytest.raises(InvalidToken):
        await desk.passwords.reset(token, OTHER_PASSWORD)


async def test_changing_a_password_takes_the_old_one_and_ends_the_other_sessions(known: Desk) -> None:
    own, other = await known.home.login(), await known.home.login()
    person = await known.home.person(own)
    with pytest.raises(InvalidCredentials):
        await known.passwords.change(person, current="wrong", new=OTHER_PASSWORD, origin=ORIGIN)

    await known.passwords.change(person, current=PASSWORD, new=OTHER_PASSWORD, origin=ORIGIN)

    await known.home.refresh(own)
    with pytest.raises(InvalidRefreshToken):
        await known.home.refresh(other)
    await known.home.login(OTHER_PASSWORD)


async def test_the_current_password_cannot_be_guessed_at_either(known: Desk) -> None:
    person = await known.home.person(await known.home.login())
    for _ in range(5):
        with pytest.raises(InvalidCredentials):
            await known.passwords.change(person, current="wrong", new=OTHER_PASSWORD, origin=ORIGIN)

    with pytest.raises(TooManyAttempts):
        await known.passwords.change(person, current=PASSWORD, new=OTHER_PASSWORD, origin=ORIGIN)


async def test_tokens_are_kept_as_digests_only(known: Desk) -> None:
    await known.passwords.forgot(known.email, origin=ORIGIN)
    token = await known.token()

    async with known.database.transaction() as connection:
        digest = hmac.digest(b"secret", f"reset-password {token}".encode(), "sha256").hex()
        await connection.execute("SELECT set_config('app.credential', %s, true)", (digest,))
        cursor = await connection.execute("SELECT row_to_json(kept)::text AS row FROM auth.password_resets AS kept")
        [kept] = await cursor.fetchall()
    assert token not in kept["row"]
