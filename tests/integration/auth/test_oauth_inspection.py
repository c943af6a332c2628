"""Asking what tokens are worth, and giving them back."""

from typing import Any

import pytest
from redis.asyncio import Redis

from auth.api import app
from authorizer.models import SessionEnded
from llmo_core.ids import new_id
from llmo_data.postgres import Database
from tests.integration.auth.announcements import announced
from tests.integration.auth.house import ISSUER
from tests.integration.auth.oauth_server import Server, given, refusal, server

NOTHING = {"active": False}


async def worth(served: Server, client: dict[str, Any], token: str) -> dict[str, Any]:
    answer = await served.as_client(client, "introspect", token=token)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store"), answer.text
    facts: dict[str, Any] = answer.json()
    return facts


async def test_a_service_learns_what_its_organizations_tokens_are_worth(served: Server) -> None:
    account, client = await served.account(), await served.application()
    own = await served.own_token(account, resource=f"{ISSUER}/api/v1/analytics")
    tokens = await served.tokens(client, scope="usage:read email")
    common = {"active": True, "iss": ISSUER, "org_id": str(served.house.org_id)}

    facts = await worth(served, account, own)
    assert facts.items() >= (common | {"sub": account["id"], "client_id": account["id"]}).items()
    assert (facts["aud"], facts["scope"]) == (f"{ISSUER}/api/v1/analytics", "keys:read usage:read")
    assert facts["exp"] - facts["iat"] == 900
    facts = await worth(served, account, tokens["access_token"])
    person = {"sub": str(served.house.user_id), "client_id": client["id"], "scope": "email usage:read", "aud": ISSUER}
    assert facts.items() >= (common | person | {"token_type": "Bearer"}).items()
    facts = await worth(served, client, tokens["refresh_token"])
    assert facts.items() >= (common | {"sub": str(served.house.user_id), "client_id": client["id"]}).items()
    assert "token_type" not in facts
    facts = await worth(served, account, (await served.house.login()).access_token)
    assert facts["active"]
    assert "client_id" not in facts


@pytest.mark.parametrize("token", ["x", "a.b.c", "llmor_x", "llmo_0000000000_x", "ä" * 50, "x" * 10_000])
async def test_what_is_no_token_is_worth_nothing(served: Server, token: str) -> None:
    assert await worth(served, await served.account(), token) == NOTHING


async def test_what_was_used_up_ended_or_has_expired_is_worth_nothing(served: Server) -> None:
    account, client = await served.account(), await served.application()
    tokens, gone = await served.tokens(client), await served.account()
    own, other = await served.own_token(account), await served.own_token(gone)
    following = await served.token(client, grant_type="refresh_token", refresh_token=tokens["refresh_token"])

    assert await worth(served, account, tokens["refresh_token"]) == NOTHING
    await served("DELETE", f"{served.org}/service-accounts/{gone['id']}", caller=served.owner())
    assert await worth(served, account, other) == NOTHING
    await served.as_client(client, "revoke", token=following.json()["refresh_token"])
    for text in (tokens["access_token"], following.json()["access_token"], following.json()["refresh_token"]):
        assert await worth(served, account, text) == NOTHING
    served.clock.advance(minutes=15)
    assert await worth(served, account, own) == NOTHING


async def test_tokens_of_other_organizations_are_worth_nothing(
    served: Server,
    auth_database: Database,
    authorizer_database: Database,
    redis_client: Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account, client = await served.account(), await served.application()
    tokens, own = await served.tokens(client), await served.own_token(account)
    strange, overrides = await server(auth_database, authorizer_database, redis_client)
    for dependency, value in overrides.items():
        monkeypatch.setitem(app.dependency_overrides, dependency, given(value))
    stranger = await strange.account()

    for text in (tokens["access_token"], tokens["refresh_token"], own):
        assert await worth(strange, stranger, text) == NOTHING


async def test_nobody_asks_who_does_not_prove_who_they_are(served: Server) -> None:
    public = await served.application(confidential=False)
    token = await served.own_token(await served.account())

    for client in (public, {"client_id": str(new_id())}, {"client_id": public["id"], "client_secret": "x"}):
        refusal(await served.as_client(client, "introspect", token=token), "invalid_client", 401)
    refusal(await served.as_client(await served.account(), "introspect"), "invalid_request")


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
@pytest.mark.parametrize("confidential", [True, False])
async def test_an_application_gives_back_what_it_was_allowed(
    served: Server,
    auth_database: Database,
    which: str,
    confidential: bool,  # noqa: FBT001
) -> None:
    client = await served.application(confidential=confidential)
    tokens = await served.tokens(client)

    for _ in range(2):
        assert (await served.as_client(client, "revoke", token=tokens[which])).status_code == 200

    with pytest.raises(SessionEnded):
        await served.principal(tokens["access_token"])
    events = await announced(auth_database, served.house.org_id)
    assert [event.type for event in events if "grant" in event.type] == [
        "llmo.auth.oauth_grant.created",
        "llmo.auth.oauth_grant.revoked",
    ]


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
async def test_nobody_gives_back_what_is_anothers(served: Server, which: str) -> None:
    client, others = await served.application(), [await served.application(), await served.account()]
    tokens, own = await served.tokens(client), await served.house.login()

    for other in others:
        for text in (tokens[which], getattr(own, which)):
            assert (await served.as_client(other, "revoke", token=text)).status_code == 200

    await served.principal(tokens["access_token"])
    await served.principal(own.access_token)


async def test_an_unknown_token_is_given_back_without_a_word(served: Server) -> None:
    client = await served.application()

    for text in ("x", "a.b.c", "llmor_x"):
        answer = await served.as_client(client, "revoke", token=text)
        assert (answer.status_code, answer.content) == (200, b"")
    refusal(await served.as_client(client | {"client_secret": "x"}, "revoke", token="x"), "invalid_client", 401)


async def test_a_service_accounts_access_token_cannot_be_given_back_alone(served: Server) -> None:
    account = await served.account()

    refusal(await served.as_client(account, "revoke", token=await served.own_token(account)), "unsupported_token_type")


@pytest.mark.parametrize("name", ["oauth-authorization-server", "openid-configuration"])
async def test_clients_find_everything_out_by_themselves(served: Server, name: str) -> None:
    answer = await served("GET", f"/.well-known/{name}")

    found = answer.json()
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "public, max-age=3600")
    assert found["issuer"] == ISSUER
    for endpoint in ("authorization", "token", "introspection", "revocation", "userinfo"):
        assert found[f"{endpoint}_endpoint"].startswith(f"{ISSUER}/oauth2/")
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["response_types_supported"] == ["code"]
    assert found["authorization_response_iss_parameter_supported"] is True
