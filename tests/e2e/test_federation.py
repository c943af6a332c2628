"""Signing in with an OpenID Connect issuer that is not ours (oidc-provider-mock), as a browser would do it."""

import json
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import aiohttp
import pytest
import pytest_asyncio
from oidc_provider_mock import User, run_server_in_thread
from yarl import URL

from tests.e2e.platform import Json, Platform, Reply
from tests.e2e.stack import Stack, own_stack

EMAIL = f"{uuid4().hex}@example.com"
_VERIFIED = {"email": EMAIL, "email_verified": True, "name": "Ada Lovelace"}
_UNVERIFIED = {"email": f"{uuid4().hex}@example.com", "email_verified": False}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """Where the provider is; it knows Ada, and Eve, whose address it never verified."""
    people = [User(sub="ada", claims=_VERIFIED), User(sub="eve", claims=_UNVERIFIED)]
    with run_server_in_thread(require_nonce=True, user_claims=people) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture(scope="module")
def federated(issuer: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of its own: providers are configured when it starts."""
    provider = {
        "id": "mock",
        "kind": "oidc",
        "name": "Mock",
        "issuer": issuer,
        "client_id": "llmo",
        "client_secret": "provider's secret",
    }
    state = tmp_path_factory.mktemp("federation")
    with own_stack(state, environment={"IDENTITY_PROVIDERS": json.dumps([provider])}) as running:
        yield running


@pytest_asyncio.fixture(scope="module")
async def here(federated: Stack, http: aiohttp.ClientSession) -> AsyncIterator[Platform]:
    platform = Platform(federated, http, federated.demo["api_key"])
    yield platform
    await platform.close()


async def redirected(here: Platform, authorization_url: str, sub: str) -> Json:
    """What the page shows that a browser ends at, once somebody has signed in at the provider."""
    url = URL(authorization_url, encoded=True)
    async with here.http.post(url, data={"sub": sub}, allow_redirects=True) as page:
        assert page.status == 200, await page.text()
        assert page.url.path == "/api/v1/auth/federated/mock/callback"
        assert (page.headers["cache-control"], page.headers["referrer-policy"]) == ("no-store", "no-referrer")
        shown: Json = await page.json()
    return {name: value for name, value in shown.items() if value is not None}


async def sign_in(here: Platform, sub: str) -> Reply:
    begun = (await here.call("POST", "/api/v1/auth/federated/mock/start", api_key=None)).json()
    answer = await redirected(here, begun["authorization_url"], sub)
    body = answer | {"flow_token": begun["flow_token"]}
    return await here.call("POST", "/api/v1/auth/federated/mock/callback", api_key=None, json=body)


async def test_somebody_signs_in_with_a_provider_and_is_the_same_person_the_next_time(here: Platform) -> None:
    providers = await here.call("GET", "/api/v1/auth/providers", api_key=None)
    assert providers.json() == {"data": [{"id": "mock", "kind": "oidc", "name": "Mock"}]}

    people = []
    for _ in range(2):
        answer = await sign_in(here, "ada")
        assert (answer.status, answer.headers["cache-control"]) == (200, "no-store"), answer
        token = answer.json()["access_token"]
        me = (await here.call("GET", "/api/v1/me", api_key=token)).json()
        assert (me["user"]["email"], me["user"]["name"]) == (EMAIL, "Ada Lovelace")
        assert (me["organization"]["name"], "keys:write" in me["permissions"]) == ("Ada Lovelace's organization", True)
        people.append((me["user"]["id"], me["organization"]["id"]))
    assert people[0] == people[1]

    [identity] = (await here.call("GET", "/api/v1/auth/identities", api_key=token)).json()["data"]
    assert (identity["provider"], identity["email"]) == ("mock", EMAIL)
    path = f"/api/v1/auth/identities/{identity['id']}"
    kept = await here.call("DELETE", path, api_key=token)
    assert (kept.status, kept.problem()["type"]) == (409, "urn:llmo:problem:last_way_to_sign_in")


async def test_an_address_that_the_provider_did_not_verify_opens_no_account(here: Platform) -> None:
    refused = await sign_in(here, "eve")
    assert (refused.status, refused.problem()["type"]) == (403, "urn:llmo:problem:email_not_verified")


async def test_an_account_here_is_linked_by_its_owner_only(here: Platform, issuer: str) -> None:
    claims = {"email": here.stack.demo["email"], "email_verified": True}
    async with here.http.put(f"{issuer}/users/claimant", json=claims) as answer:
        assert answer.status == 204
    refused = await sign_in(here, "claimant")
    assert (refused.status, refused.problem()["type"]) == (409, "urn:llmo:problem:account_exists")

    login = {"email": here.stack.demo["email"], "password": here.stack.demo["password"]}
    token = (await here.call("POST", "/api/v1/auth/login", api_key=None, json=login)).json()["access_token"]
    start = await here.call("POST", "/api/v1/auth/identities/start", api_key=token, json={"provider": "mock"})
    begun = start.json()
    answer_ = await redirected(here, begun["authorization_url"], "claimant")
    body = answer_ | {"flow_token": begun["flow_token"], "provider": "mock"}
    linked = await here.call("POST", "/api/v1/auth/identities", api_key=token, json=body)
    assert linked.status == 201, linked

    token = (await sign_in(here, "claimant")).json()["access_token"]
    me = (await here.call("GET", "/api/v1/me", api_key=token)).json()
    assert me["user"]["email"] == here.stack.demo["email"]
    gone = await here.call("DELETE", f"/api/v1/auth/identities/{linked.json()['id']}", api_key=token)
    assert gone.status == 204
