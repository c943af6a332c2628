"""Passkeys on the real stores, with an authenticator in software: every check of WebAuthn refuses what it is for."""

import asyncio
import json
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from auth.second_factors.ceremonies import WebAuthnCeremonies
from auth.second_factors.models import (
    MOST_PASSKEYS,
    Assertion,
    AssertionResponse,
    Attestation,
    AttestationResponse,
    InvalidSecondFactor,
    PasskeyKnown,
    PasskeyRefused,
    TooManyPasskeys,
    UnknownPasskey,
)
from auth.sign_in.models import NotAMember, TokenPair
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from tests.fakes.authenticator import Authenticator, decoded, encoded
from tests.integration.auth.house import ISSUER
from tests.integration.auth.safe import ORIGIN, Safe
from tests.integration.auth.test_second_factors import made

WRONG: list[dict[str, Any]] = [
    {"origin": "https://llmo.example.evil.example"},
    {"origin": "http://llmo.example"},
    {"origin": "https://llmo.example:8443"},
    {"rp_id": "evil.example"},
    {"verified": False},
]


@pytest_asyncio.fixture
async def ada(auth_database: Database, authorizer_database: Database, redis_client: Redis) -> Safe:
    """Somebody without a passkey."""
    return await made(auth_database, authorizer_database, redis_client)


@pytest_asyncio.fixture
async def eve(auth_database: Database, authorizer_database: Database, redis_client: Redis) -> Safe:
    """Somebody else."""
    return await made(auth_database, authorizer_database, redis_client)


async def test_a_passkey_signs_in_alone_and_is_asked_for_after_a_password(ada: Safe) -> None:
    passkey = await ada.with_passkey()

    principal = await ada.home.principal(await ada.passkey_login())

    assert (principal.actor_id, principal.org_id) == (ada.home.user_id, ada.home.org_id)
    asked = await ada.asked()
    assert asked.extensions["methods"] == ["recovery_code", "passkey"]
    token = asked.extensions["mfa_token"]
    await ada.login.answer(token, await ada.assertion(), origin=ORIGIN)
    assert len(ada.recovery_codes) == 10
    overview = await ada.factors.overview(await ada.home.person(await ada.passkey_login()))
    [listed] = overview.passkeys
    assert (listed.id, listed.name, listed.last_used_at) == (passkey.id, "laptop", ada.home.clock.now())
    assert await ada.news() == [("second_factor.added", "passkey")]


async def test_options_ask_for_a_verified_user_a_discoverable_key_and_no_key_twice(ada: Safe) -> None:
    await ada.with_passkey()

    options = await ada.passkeys.options(await ada.home.person(await ada.passkey_login()))

    assert options["rp"]["id"] == "llmo.example"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["authenticatorSelection"]["residentKey"] == "preferred"
    assert options["attestation"] == "none"
    assert [decoded(known["id"]) for known in options["excludeCredentials"]] == [ada.authenticator.credential_id]
    assert decoded(options["user"]["id"]) == ada.home.user_id.bytes
    request = await ada.login.passkey_options(origin=ORIGIN)
    assert (request["userVerification"], request["allowCredentials"]) == ("required", [])
    assert len(decoded(request["challenge"])) == 32


@pytest.mark.parametrize("wrong", [*WRONG, {"ceremony": "webauthn.get"}], ids=str)
async def test_a_wrong_registration_is_refused_and_its_challenge_used_up(ada: Safe, wrong: dict[str, Any]) -> None:
    person = await ada.person()
    options = await ada.passkeys.options(person)
    bad = Attestation.model_validate(ada.authenticator.create(options, **wrong))
    good = Attestation.model_validate(ada.authenticator.create(options))

    for attestation in (bad, good):
        with pytest.raises(PasskeyRefused):
            await ada.passkeys.add(person, name="laptop", attestation=attestation)
    await ada.home.login()


async def test_a_registration_is_for_whoever_asked_within_five_minutes(ada: Safe, eve: Safe) -> None:
    person = await ada.person()
    options = await ada.passkeys.options(person)
    attestation = Attestation.model_validate(ada.authenticator.create(options))
    with pytest.raises(PasskeyRefused):
        await eve.passkeys.add(await eve.person(), name="laptop", attestation=attestation)

    ada.home.clock.advance(minutes=5)
    with pytest.raises(PasskeyRefused):
        await ada.passkeys.add(person, name="laptop", attestation=attestation)


async def test_a_challenge_to_sign_in_registers_nothing_and_the_other_way_round(ada: Safe) -> None:
    await ada.with_passkey()
    person = await ada.home.person(await ada.passkey_login())
    other = Authenticator(origin=ISSUER)
    to_register = await ada.passkeys.options(person)
    to_sign_in = await ada.login.passkey_options(origin=ORIGIN)

    made_for_another = other.create({**to_register, "challenge": to_sign_in["challenge"]})
    with pytest.raises(PasskeyRefused):
        await ada.passkeys.add(person, name="x", attestation=Attestation.model_validate(made_for_another))
    signed = ada.authenticator.get({**to_sign_in, "challenge": to_register["challenge"]})
    with pytest.raises(InvalidSecondFactor):
        await ada.login.with_passkey(Assertion.model_validate(signed), org_id=None, origin=ORIGIN)


async def test_a_key_is_registered_once_whosever_it_is(ada: Safe, eve: Safe) -> None:
    await ada.with_passkey()
    eve.authenticator = ada.authenticator

    with pytest.raises(PasskeyKnown):
        await eve.with_passkey()
    await eve.home.login()


async def test_there_are_twenty_passkeys_at_most(ada: Safe) -> None:
    person = await ada.person()
    early = await ada.passkeys.options(person)
    for _ in range(MOST_PASSKEYS):
        ada.authenticator = Authenticator(origin=ISSUER)
        await ada.register(person)

    with pytest.raises(TooManyPasskeys):
        await ada.passkeys.options(person)
    made_early = Attestation.model_validate(Authenticator(origin=ISSUER).create(early))
    with pytest.raises(TooManyPasskeys):
        await ada.passkeys.add(person, name="one more", attestation=made_early)


@pytest.mark.parametrize("wrong", [*WRONG, {"altered": True}, {"ceremony": "webauthn.create"}], ids=str)
async def test_a_wrong_assertion_is_refused_and_its_challenge_used_up(ada: Safe, wrong: dict[str, Any]) -> None:
    await ada.with_passkey()
    options = await ada.login.passkey_options(origin=ORIGIN)
    bad = Assertion.model_validate(ada.authenticator.get(options, **wrong))
    good = Assertion.model_validate(ada.authenticator.get(options))

    for assertion in (bad, good):
        with pytest.raises(InvalidSecondFactor):
            await ada.login.with_passkey(assertion, org_id=None, origin=ORIGIN)
    token = await ada.mfa_token()
    with pytest.raises(InvalidSecondFactor):
        await ada.login.answer(token, await ada.assertion(**wrong), origin=ORIGIN)
    await ada.passkey_login()
    assert len(await ada.news()) == 1


async def test_an_assertion_works_once_and_for_five_minutes(ada: Safe) -> None:
    await ada.with_passkey()
    assertion = await ada.assertion()
    outcomes = await asyncio.gather(
        *(ada.login.with_passkey(assertion, org_id=None, origin=ORIGIN) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(outcome, TokenPair) for outcome in outcomes) == 1

    late = await ada.assertion()
    ada.home.clock.advance(minutes=5)
    with pytest.raises(InvalidSecondFactor):
        await ada.login.with_passkey(late, org_id=None, origin=ORIGIN)


@pytest.mark.parametrize("counts", [True, False])
async def test_an_authenticator_that_counts_less_than_before_is_refused_and_announced(
    ada: Safe, *, counts: bool
) -> None:
    await ada.with_passkey()
    await ada.passkey_login()
    before = ada.authenticator.sign_count
    ada.authenticator.counts, ada.authenticator.sign_count = counts, 0

    with pytest.raises(InvalidSecondFactor):
        await ada.passkey_login()

    assert (await ada.news())[1:] == [("login.suspicious", "passkey_copied")]
    ada.authenticator.counts, ada.authenticator.sign_count = True, before
    await ada.passkey_login()


async def test_nobody_has_a_passkey_taken_for_a_copied_one_without_its_key(ada: Safe) -> None:
    await ada.with_passkey()
    await ada.passkey_login()
    forger = Authenticator(
        origin=ISSUER, credential_id=ada.authenticator.credential_id, user_handle=ada.home.user_id.bytes
    )
    options = await ada.login.passkey_options(origin=ORIGIN)

    with pytest.raises(InvalidSecondFactor):
        await ada.login.with_passkey(Assertion.model_validate(forger.get(options)), org_id=None, origin=ORIGIN)
    assert len(await ada.news()) == 1


async def test_an_authenticator_that_never_counts_is_accepted(ada: Safe) -> None:
    ada.authenticator.counts = False
    await ada.with_passkey()

    for _ in range(2):
        await ada.passkey_login()


async def test_a_passkey_answers_its_own_persons_challenge_only_and_says_whose_it_is(ada: Safe, eve: Safe) -> None:
    await ada.with_passkey()
    await eve.with_passkey()

    token = await ada.mfa_token()
    for handle in (None, b"", ada.home.user_id.bytes):
        with pytest.raises(InvalidSecondFactor):
            await ada.login.answer(token, await eve.assertion(user_handle=handle), origin=ORIGIN)
    for handle in (eve.home.user_id.bytes, b""):
        with pytest.raises(InvalidSecondFactor):
            await ada.passkey_login(user_handle=handle)
    # Whoever is known already need not be named again.
    await ada.login.answer(token, await ada.assertion(user_handle=b""), origin=ORIGIN)


async def test_a_passkey_signs_in_to_its_persons_organizations_only(ada: Safe, eve: Safe) -> None:
    await ada.with_passkey()

    with pytest.raises(NotAMember):
        await ada.login.with_passkey(await ada.assertion(), org_id=eve.home.org_id, origin=ORIGIN)


async def test_a_removed_passkey_signs_nobody_in_and_is_removed_by_its_owner_alone(ada: Safe, eve: Safe) -> None:
    passkey = await ada.with_passkey()
    person = await ada.home.person(await ada.passkey_login())
    with pytest.raises(UnknownPasskey):
        await eve.passkeys.remove(await eve.person(), passkey.id)
    with pytest.raises(UnknownPasskey):
        await ada.passkeys.remove(person, new_id())

    await ada.passkeys.remove(person, passkey.id)

    with pytest.raises(InvalidSecondFactor):
        await ada.passkey_login()
    await ada.home.login()
    assert (await ada.news())[1:] == [("second_factor.removed", "passkey")]


async def test_an_app_beside_a_passkey_brings_no_second_set_of_recovery_codes_and_stays_without_it(ada: Safe) -> None:
    passkey = await ada.with_passkey()
    person = await ada.home.person(await ada.passkey_login())
    ada.secret = (await ada.totp.enrol(person)).secret
    assert await ada.totp.confirm(person, ada.code()) == []

    await ada.passkeys.remove(person, passkey.id)

    assert (await ada.asked()).extensions["methods"] == ["totp", "recovery_code"]
    assert (await ada.factors.overview(person)).recovery_codes == 10


@given(noise=st.binary(min_size=1, max_size=200), more=st.binary(min_size=1, max_size=200))
@settings(max_examples=60)
def test_noise_is_refused_and_breaks_nothing(noise: bytes, more: bytes) -> None:
    ceremonies = WebAuthnCeremonies(ISSUER)
    challenge = encoded(b"x" * 32)
    said = json.dumps({"type": "webauthn.create", "challenge": challenge, "origin": ISSUER}).encode()
    for client_data in (noise, said, said.replace(b"create", b"get")):
        credential = {"id": "AAAA", "raw_id": "AAAA", "type": "public-key"}
        created = AttestationResponse(client_data_json=encoded(client_data), attestation_object=encoded(more))
        signed = AssertionResponse(
            client_data_json=encoded(client_data), authenticator_data=encoded(more), signature=encoded(noise)
        )
        attestation = Attestation(**credential, response=created)
        assertion = Assertion(**credential, response=signed)

        ceremonies.presented(attestation)
        ceremonies.presented(assertion)
        assert ceremonies.created(attestation, challenge) is None
        assert ceremonies.signed(assertion, challenge, noise) is None
