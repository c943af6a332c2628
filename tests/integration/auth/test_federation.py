"""Signing in with identity providers on the real stores, with a provider over HTTP that can lie."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from auth.federation.models import (
    AccountExists,
    EmailNotVerified,
    IdentityProvider,
    IdentityRefused,
    InvalidFlow,
    Kind,
    ProviderUnavailable,
    UnknownProvider,
)
from auth.models import Origin
from auth.sign_in.attempts import RedisAttempts
from auth.sign_in.models import InvalidCredentials, SecondFactorRequired, TooManyAttempts
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from tests.fakes.identity_provider import FakeProvider, identity_provider
from tests.integration.auth.abroad import Abroad, abroad
from tests.integration.auth.announcements import announced, announced_about
from tests.integration.auth.house import NOW
from tests.integration.auth.test_second_factors import made


@pytest_asyncio.fixture
async def ada(auth_database: Database, authorizer_database: Database, redis_client: Redis) -> AsyncIterator[Abroad]:
    """Somebody with an account, and a provider where somebody else has an address of their own."""
    safe = await made(auth_database, authorizer_database, redis_client)
    async with identity_provider(safe.home.clock.now) as fake:
        fake.email = f"{new_id()}@example.com"
        yield abroad(safe.home, auth_database, redis_client, fake)


async def sessions(ada: Abroad, user_id: UUID) -> int:
    async with ada.database.transaction() as connection:
        await connection.execute("SELECT set_config('app.user_id', %s, true)", (str(user_id),))
        row = await (await connection.execute("SELECT count(*) AS sessions FROM auth.sessions")).fetchone()
    assert row is not None
    return int(row["sessions"])


async def test_an_unknown_identity_with_a_verified_address_gets_an_account_and_then_signs_in_to_it(ada: Abroad) -> None:
    first = await ada.home.principal(await ada.sign_in())
    again = await ada.home.principal(await ada.sign_in())

    assert (again.actor_id, again.org_id) == (first.actor_id, first.org_id)
    assert again.session_id != first.session_id
    registered, created, *_sessions = await announced(ada.database, first.org_id)
    assert (registered.type, created.type) == ("llmo.auth.user.registered", "llmo.auth.organization.created")
    assert registered.data["name"] == "Ada Lovelace"
    assert created.data["name"] == "Ada Lovelace's organization"
    (linked,) = await announced_about(ada.database, first.actor_id)
    assert (linked.type, linked.data["provider"]) == ("llmo.auth.identity.linked", "house")


async def test_the_client_is_sent_with_state_nonce_challenge_and_the_registered_redirect_uri(ada: Abroad) -> None:
    begun = await ada.begin()
    query = parse_qs(urlsplit(begun.authorization_url).query)
    assert query["redirect_uri"] == ["https://llmo.example/back/house"]
    assert query["scope"] == ["openid email profile"]
    assert query["code_challenge_method"] == ["S256"]
    assert {"state", "nonce", "code_challenge"} <= query.keys()
    assert begun.flow_token not in begun.authorization_url


async def test_an_address_that_has_an_account_is_never_linked_silently(ada: Abroad) -> None:
    ada.provider.email = ada.home.email.upper()
    with pytest.raises(AccountExists):
        await ada.sign_in()

    person = await ada.person()
    assert await ada.identities.all(person) == []
    assert await sessions(ada, ada.home.user_id) == 1  # the one of the password


@pytest.mark.parametrize(
    "claims",
    [
        {"email_verified": False},
        {"email_verified": None},
        {"email_verified": "true"},
        {"email": None},
        {"email": "no address"},
    ],
)
async def test_an_address_that_the_provider_does_not_vouch_for_makes_no_account(
    ada: Abroad, claims: dict[str, Any]
) -> None:
    ada.provider.lies.claims = claims
    ada.provider.lies.userinfo = None
    ada.provider.lies.metadata = {"userinfo_endpoint": None}
    with pytest.raises(EmailNotVerified):
        await ada.sign_in()


async def test_a_known_identity_signs_in_whatever_becomes_of_its_address(ada: Abroad) -> None:
    identity = await ada.link(await ada.person())
    ada.provider.lies.claims = {"email_verified": False, "email": "other@example.com"}

    assert (await ada.home.principal(await ada.sign_in())).actor_id == ada.home.user_id
    (known,) = await ada.identities.all(await ada.person())
    assert (known.id, known.last_used_at) == (identity.id, NOW)


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "somebody else"},
        {"aud": ["llmo", "somebody else"]},
        {"aud": ["llmo", "somebody else"], "azp": "somebody else"},
        {"azp": "somebody else"},
        {"iss": "https://other.example"},
        {"iss": None},
        {"exp": int(NOW.timestamp()) - 61},
        {"exp": None},
        {"iat": int(NOW.timestamp()) - 61},
        {"iat": int(NOW.timestamp()) + 3600},
        {"iat": None},
        {"at_hash": "of another token"},
        {"sub": None},
        {"sub": ""},
        {"sub": "nul\x00"},
        {"sub": 7},
        {"sub": "x" * 256},
    ],
)
async def test_an_id_token_that_is_not_for_this_sign_in_signs_nobody_in(ada: Abroad, claims: dict[str, Any]) -> None:
    ada.provider.lies.claims = claims
    with pytest.raises(IdentityRefused):
        await ada.sign_in()


async def test_several_audiences_with_us_as_the_authorized_party_are_fine(ada: Abroad) -> None:
    ada.provider.lies.claims = {"aud": ["llmo", "somebody else"], "azp": "llmo", "at_hash": None}
    await ada.sign_in()


@pytest.mark.parametrize(
    "lies",
    [{"algorithm": "none"}, {"algorithm": "HS256"}, {"other_key": True}, {"kid": "unknown"}],
)
async def test_an_id_token_that_the_issuer_did_not_sign_signs_nobody_in(ada: Abroad, lies: dict[str, Any]) -> None:
    for name, value in lies.items():
        setattr(ada.provider.lies, name, value)
    with pytest.raises(IdentityRefused):
        await ada.sign_in()


async def test_a_new_key_of_the_issuer_is_found_a_minute_after_the_last_look_and_no_sooner(ada: Abroad) -> None:
    await ada.sign_in()
    ada.provider.rotate("two")
    with pytest.raises(IdentityRefused):
        await ada.sign_in()
    assert ada.provider.asked.count("/jwks") == 1

    ada.home.clock.advance(minutes=1)
    await ada.sign_in()
    assert ada.provider.asked.count("/jwks") == 2
    assert ada.provider.asked.count("/.well-known/openid-configuration") == 1


async def test_an_address_that_the_id_token_lacks_is_asked_of_the_userinfo_endpoint(ada: Abroad) -> None:
    fake = ada.provider
    fake.lies.userinfo = {"sub": fake.subject, "email": fake.email, "email_verified": True}
    await ada.sign_in()

    fake.lies.userinfo = {"sub": "somebody else", "email": fake.email, "email_verified": True}
    with pytest.raises(IdentityRefused):
        await ada.sign_in()


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token", "/jwks"])
@pytest.mark.parametrize("lie", ["oversized", "redirected", "failing"])
async def test_answers_that_are_too_large_redirects_and_failures_are_a_provider_that_is_unavailable(
    ada: Abroad, path: str, lie: str
) -> None:
    setattr(ada.provider.lies, lie, path)
    with pytest.raises(ProviderUnavailable):
        await ada.sign_in()
    assert "/elsewhere" not in ada.provider.asked


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://other.example"},
        {"authorization_endpoint": "http://other.example/authorize"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": None},
    ],
)
async def test_a_discovery_document_that_is_not_the_issuers_own_is_refused(
    ada: Abroad, metadata: dict[str, Any]
) -> None:
    ada.provider.lies.metadata = metadata
    with pytest.raises(ProviderUnavailable):
        await ada.begin()


@pytest.mark.parametrize("endpoint", ["token_endpoint", "jwks_uri"])
@pytest.mark.parametrize("inside", ["http://169.254.169.254/latest", "https://10.0.0.1/", "http://issuer.example/"])
async def test_a_document_cannot_have_us_call_addresses_inside(ada: Abroad, endpoint: str, inside: str) -> None:
    ada.provider.lies.metadata = {endpoint: inside}
    with pytest.raises(ProviderUnavailable):
        await ada.sign_in()


@pytest.mark.parametrize("iss", [None, "https://other.example"])
async def test_an_answer_of_another_issuer_is_refused_before_the_code_is_shown(ada: Abroad, iss: str | None) -> None:
    with pytest.raises(IdentityRefused):
        await ada.sign_in(iss=iss)
    assert "/token" not in ada.provider.asked


async def test_an_answer_belongs_to_the_sign_in_that_the_client_began(ada: Abroad) -> None:
    mine, theirs = await ada.begin(), await ada.begin()
    with pytest.raises(InvalidFlow):  # an attacker's state and code in the victim's client
        await ada.finish(ada.came_back(theirs, flow_token=mine.flow_token))
    with pytest.raises(InvalidFlow):
        await ada.finish(ada.came_back(theirs, flow_token="unknown"))
    with pytest.raises(InvalidFlow):  # using it wrongly has used it up
        await ada.finish(ada.came_back(mine))
    mixed = await ada.begin()
    with pytest.raises(IdentityRefused):  # somebody else's code for one's own flow: its verifier is another
        await ada.finish(ada.came_back(mixed, code=ada.came_back(theirs).code))
    await ada.finish(ada.came_back(theirs))


async def test_a_sign_in_that_was_begun_at_one_provider_is_not_finished_at_another(ada: Abroad) -> None:
    begun = await ada.begin("annex")
    with pytest.raises(InvalidFlow):
        await ada.finish(ada.came_back(begun), "house")
    with pytest.raises(UnknownProvider):
        await ada.begin("nowhere")


async def test_a_sign_in_is_finished_once_and_within_ten_minutes(ada: Abroad) -> None:
    answer = ada.came_back(await ada.begin())
    await ada.finish(answer)
    with pytest.raises(InvalidFlow):
        await ada.finish(answer)

    begun = await ada.begin()
    ada.home.clock.advance(minutes=10)
    with pytest.raises(InvalidFlow):
        await ada.finish(ada.came_back(begun))


async def test_of_many_that_finish_one_sign_in_at_once_one_gets_a_session(ada: Abroad) -> None:
    await ada.link(await ada.person())
    before = await sessions(ada, ada.home.user_id)
    answer = ada.came_back(await ada.begin())

    outcomes = await asyncio.gather(*(ada.finish(answer) for _ in range(4)), return_exceptions=True)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["InvalidFlow"] * 3 + ["TokenPair"]
    assert await sessions(ada, ada.home.user_id) == before + 1


async def test_two_windows_that_register_one_identity_at_once_make_one_account(ada: Abroad) -> None:
    answers = [ada.came_back(await ada.begin()) for _ in range(2)]
    pairs = await asyncio.gather(*map(ada.finish, answers))
    assert len({(await ada.home.principal(pair)).actor_id for pair in pairs}) == 1


async def test_one_address_of_the_network_tries_so_often_in_a_minute_and_asks_no_provider_more(
    ada: Abroad, auth_database: Database, redis_client: Redis
) -> None:
    counted = RedisAttempts(redis_client, secret=b"secret", per_ip=3)
    origin = Origin(ip=f"2001:db8:{new_id().hex[-4:]}:{new_id().hex[-8:-4]}::1")
    busy = abroad(ada.home, auth_database, redis_client, ada.provider, counted=counted).service
    begun = [await busy.start("house", origin=origin) for _ in range(3)]
    asked = len(ada.provider.asked)
    with pytest.raises(TooManyAttempts):
        await busy.start("house", origin=origin)
    with pytest.raises(TooManyAttempts):
        await busy.sign_in("house", ada.came_back(begun[0]), org_id=None, origin=origin)
    assert len(ada.provider.asked) == asked


async def test_whoever_has_a_second_factor_is_asked_for_it(
    auth_database: Database, authorizer_database: Database, redis_client: Redis
) -> None:
    safe = await made(auth_database, authorizer_database, redis_client)
    person = await safe.with_totp()
    async with identity_provider(safe.home.clock.now) as fake:
        ada = abroad(safe.home, auth_database, redis_client, fake)
        await ada.link(person)
        with pytest.raises(SecondFactorRequired) as asked:
            await ada.sign_in()
    pair = await safe.answer(str(asked.value.extensions["mfa_token"]), code=safe.code())
    assert (await safe.home.principal(pair)).actor_id == person.user_id


async def test_somebody_without_a_password_cannot_sign_in_with_any(ada: Abroad) -> None:
    await ada.sign_in()
    ada.home.email = ada.provider.email
    for password in ("", "none", "None"):
        with pytest.raises(InvalidCredentials):
            await ada.home.login(password)


async def test_github_says_who_somebody_is_by_number_and_primary_address(ada: Abroad) -> None:
    first = await ada.home.principal(await ada.sign_in("github"))
    (identity,) = await ada.identities.all(await ada.home.person(await ada.sign_in("github")))
    assert (identity.subject, identity.email) == (str(int(ada.provider.subject, 16)), ada.provider.email)
    assert identity.user_id == first.actor_id

    with pytest.raises(IdentityRefused):
        await ada.sign_in("github", iss="https://other.example")


@pytest.mark.parametrize(
    "addresses",
    [
        [{"email": "a@example.com", "primary": True, "verified": False}],
        [{"email": "a@example.com", "primary": False, "verified": True}],
        [{"email": "not one", "primary": True, "verified": True}],
    ],
)
async def test_github_makes_no_account_for_an_address_that_is_not_verified_or_not_the_primary_one(
    ada: Abroad, addresses: list[dict[str, Any]]
) -> None:
    ada.provider.lies.addresses = addresses
    with pytest.raises(EmailNotVerified):
        await ada.sign_in("github")


@pytest.mark.parametrize("path", ["/access_token", "/user", "/user/emails"])
async def test_a_github_that_fails_is_unavailable(ada: Abroad, path: str) -> None:
    ada.provider.lies.failing = path
    with pytest.raises(ProviderUnavailable):
        await ada.sign_in("github")


async def test_one_subject_at_two_issuers_is_two_people(
    ada: Abroad, auth_database: Database, redis_client: Redis
) -> None:
    async with identity_provider(ada.home.clock.now) as second:
        second.subject, second.email = ada.provider.subject, f"{new_id()}@example.com"
        other = _configured(second)
        both = abroad(ada.home, auth_database, redis_client, ada.provider, others=[other])
        first = await both.home.principal(await both.sign_in())
        answer = both.came_back(await both.begin("other"), fake=second)
        assert (await both.home.principal(await both.finish(answer, "other"))).actor_id != first.actor_id

        mixed = both.came_back(await both.begin("other"), fake=ada.provider)
        with pytest.raises(IdentityRefused):  # the first issuer's redirect for a sign-in at the second
            await both.finish(mixed, "other")


def _configured(fake: FakeProvider) -> IdentityProvider:
    return IdentityProvider(
        id="other", kind=Kind.OIDC, name="Other", issuer=fake.url, client_id="llmo", client_secret="provider's secret"
    )
