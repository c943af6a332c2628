"""The authorization server through the front door, with Authlib's clients and joserfc, as a customer uses them."""

import re
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio
from authlib.common.security import generate_token
from authlib.integrations.httpx_client import AsyncOAuth2Client, OAuthError
from joserfc import jwt
from joserfc.jwk import KeySet

from llmo_auth.service_token import Answer, ServiceTokens
from llmo_core.clock import SystemClock
from tests.e2e.platform import Json, Platform

REDIRECT = "http://127.0.0.1:8765/callback"


@pytest_asyncio.fixture(scope="module")
async def person(platform: Platform) -> str:
    """The demo user's own access token."""
    demo = platform.stack.demo
    body = {"email": demo["email"], "password": demo["password"]}
    answer = await platform.call("POST", "/api/v1/auth/login", api_key=None, json=body)
    return str(answer.json()["access_token"])


@pytest_asyncio.fixture
async def browser(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    """Keeps cookies, and follows nothing by itself."""
    async with httpx.AsyncClient(base_url=platform.base_url) as client:
        yield client


async def made(platform: Platform, person: str, what: str, **body: Any) -> Json:
    """A new service account or application of the demo organization."""
    path = f"/api/v1/orgs/{platform.stack.demo['org_id']}/{what}"
    answer = await platform.call("POST", path, api_key=person, json={"name": "e2e", **body})
    assert answer.status == HTTPStatus.CREATED, answer
    return answer.json()


def client_of(platform: Platform, registered: Json, **options: Any) -> AsyncOAuth2Client:
    return AsyncOAuth2Client(
        registered["client_id"],
        registered["client_secret"],
        token_endpoint=f"{platform.base_url}/oauth2/token",
        revocation_endpoint=f"{platform.base_url}/oauth2/revoke",
        redirect_uri=REDIRECT,
        **options,
    )


def form_in(page: httpx.Response) -> str:
    found = re.search(r'name="form" value="([^"]+)"', page.text)
    assert found is not None, page.text
    return found[1]


async def allowed(platform: Platform, browser: httpx.AsyncClient, address: str) -> str:
    """Where somebody is sent who follows an application's link, signs in and allows it."""
    demo = platform.stack.demo
    page = await browser.get(address)
    credentials = {"email": demo["email"], "password": demo["password"]}
    consent = await browser.post(
        "/oauth2/authorize", data={"form": form_in(page), "decision": "sign_in", **credentials}
    )
    assert consent.status_code == HTTPStatus.OK, consent.text
    answer = await browser.post("/oauth2/authorize", data={"form": form_in(consent), "decision": "allow"})
    assert answer.status_code == HTTPStatus.SEE_OTHER, answer.text
    return str(answer.headers["location"])


async def test_authlib_signs_somebody_in_and_refreshes_and_gives_back(
    platform: Platform, browser: httpx.AsyncClient, person: str
) -> None:
    metadata = (await browser.get("/.well-known/openid-configuration")).json()
    registered = await made(platform, person, "oauth-clients", redirect_uris=[REDIRECT], permissions=["usage:read"])
    scope, verifier = "openid profile email usage:read", generate_token(48)
    async with client_of(platform, registered, scope=scope, code_challenge_method="S256") as client:
        address, state = client.create_authorization_url(
            metadata["authorization_endpoint"], code_verifier=verifier, nonce="a nonce"
        )
        location = await allowed(platform, browser, address)
        assert parse_qs(urlsplit(location).query)["iss"] == [metadata["issuer"]]
        tokens = await client.fetch_token(authorization_response=location, state=state, code_verifier=verifier)

        assert set(tokens["scope"].split()) == set(scope.split())
        await verified(browser, metadata, tokens, registered)
        me = (await client.get(metadata["userinfo_endpoint"])).json()
        assert (me["email"], me["email_verified"]) == (platform.stack.demo["email"], True)
        assert (await client.get(f"{platform.base_url}/api/v1/analytics/usage")).status_code == HTTPStatus.OK
        refused = await client.get(f"{platform.base_url}/api/v1/auth/sessions")
        assert refused.status_code == HTTPStatus.FORBIDDEN

        before = tokens["refresh_token"]
        following = await client.refresh_token(metadata["token_endpoint"])
        assert following["refresh_token"] != before
        revoked = await client.revoke_token(metadata["revocation_endpoint"], token=following["refresh_token"])
        assert revoked.status_code == HTTPStatus.OK
        inspected = await client.introspect_token(metadata["introspection_endpoint"], token=following["access_token"])
        assert inspected.json() == {"active": False}


async def test_authlib_signs_somebody_in_for_a_program_that_keeps_no_secret(
    platform: Platform, browser: httpx.AsyncClient, person: str
) -> None:
    registered = await made(
        platform, person, "oauth-clients", redirect_uris=[REDIRECT], permissions=["keys:read"], confidential=False
    )
    verifier, endpoint = generate_token(48), f"{platform.base_url}/oauth2/token"
    options = {"scope": "keys:read", "code_challenge_method": "S256", "token_endpoint_auth_method": "none"}
    async with client_of(platform, registered, **options) as client:
        address, state = client.create_authorization_url(
            f"{platform.base_url}/oauth2/authorize", code_verifier=verifier
        )
        location = await allowed(platform, browser, address)
        shown = {"authorization_response": location, "state": state, "code_verifier": verifier}
        await client.fetch_token(endpoint, **shown)
        assert (await client.get(f"{platform.base_url}/api/v1/api-keys")).status_code == HTTPStatus.OK
        await client.refresh_token(endpoint)
        with pytest.raises(OAuthError, match="invalid_grant"):
            await client.fetch_token(endpoint, **shown)
        with pytest.raises(OAuthError, match="invalid_grant"):  # the second use ended what the first one got
            await client.refresh_token(endpoint)


async def verified(browser: httpx.AsyncClient, metadata: Json, tokens: Json, registered: Json) -> None:
    """Fail unless joserfc takes the id token for one that is meant for the application."""
    keys = KeySet.import_key_set((await browser.get(metadata["jwks_uri"])).json())
    token = jwt.decode(tokens["id_token"], keys, algorithms=["ES256"])
    claims = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": metadata["issuer"]},
        aud={"essential": True, "value": registered["client_id"]},
        nonce={"essential": True, "value": "a nonce"},
        exp={"essential": True},
        auth_time={"essential": True},
        at_hash={"essential": True},
    )
    claims.validate(token.claims)


async def test_authlib_gets_a_service_account_its_token(
    platform: Platform, browser: httpx.AsyncClient, person: str
) -> None:
    account = await made(platform, person, "service-accounts", permissions=["usage:read", "keys:read"])
    async with client_of(platform, account) as client:
        await client.fetch_token(grant_type="client_credentials", scope="usage:read")

        assert (await client.get(f"{platform.base_url}/api/v1/analytics/usage")).status_code == HTTPStatus.OK
        assert (await client.get(f"{platform.base_url}/api/v1/api-keys")).status_code == HTTPStatus.FORBIDDEN
        me = (await client.get(f"{platform.base_url}/api/v1/me")).json()
        assert (me["actor_type"], me["actor_id"]) == ("service_account", account["id"])
        inspected = await client.introspect_token(
            f"{platform.base_url}/oauth2/introspect", token=client.token["access_token"]
        )
        assert (inspected.json()["active"], inspected.json()["scope"]) == (True, "usage:read")
    wrong = {"grant_type": "client_credentials", "client_id": account["client_id"], "client_secret": "wrong"}
    assert (await browser.post("/oauth2/token", data=wrong)).status_code == HTTPStatus.UNAUTHORIZED


class Httpx:
    """HTTP by httpx."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def post(self, url: str, *, headers: Any, body: bytes) -> Answer:
        answer = await self._client.post(url, headers=headers, content=body)
        return Answer(status=answer.status_code, body=answer.content)


async def test_a_token_for_one_service_opens_no_other(
    platform: Platform, browser: httpx.AsyncClient, person: str
) -> None:
    account = await made(platform, person, "service-accounts", permissions=["usage:read", "keys:read"])
    tokens = ServiceTokens(
        f"{platform.base_url}/oauth2/token",
        client_id=account["client_id"],
        client_secret=account["client_secret"],
        http=Httpx(browser),
        clock=SystemClock(),
    )

    token = await tokens.token(f"{platform.base_url}/api/v1/analytics")

    opened = await platform.call("GET", "/api/v1/analytics/usage", api_key=token)
    assert opened.status == HTTPStatus.OK, opened
    for path in ("/api/v1/api-keys", "/api/v1/me", f"/api/v1/orgs/{platform.stack.demo['org_id']}/members"):
        closed = await platform.call("GET", path, api_key=token)
        assert (closed.status, closed.problem()["title"]) == (HTTPStatus.FORBIDDEN, "Forbidden")


async def test_nobody_is_sent_to_an_address_that_is_not_registered(
    platform: Platform, browser: httpx.AsyncClient, person: str
) -> None:
    registered = await made(platform, person, "oauth-clients", redirect_uris=[REDIRECT])
    wanted = {"response_type": "code", "client_id": registered["client_id"], "redirect_uri": f"{REDIRECT}?x=y"}

    answer = await browser.get("/oauth2/authorize", params=wanted)

    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert "location" not in answer.headers
    assert answer.headers["x-frame-options"] == "DENY"
