"""The auth functions through their Lambda handlers, with the sample events of `events/`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from auth import api, bootstrap, rotation, wiring
from llmo_auth import api_key as api_keys
from llmo_core.loop import run
from tests.fakes.secrets_manager import FakeSecretsManager
from tests.integration.organizations import PEPPER, Org
from tests.integration.stores import Postgres

ISSUER = "https://llmo.example"
EVENTS = Path(__file__).parents[3] / "events"


def sample(function: str, name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / function / f"{name}.json").read_text())
    return event


@pytest.fixture(autouse=True)
def wired(lambda_environment: pytest.MonkeyPatch, postgres: Postgres) -> Iterator[None]:
    for name, value in postgres.environment("llmo_auth").items():
        lambda_environment.setenv(name, value)
    yield
    run(wiring.close())


def called_by(org: Org, event: dict[str, Any]) -> dict[str, Any]:
    event["requestContext"]["authorizer"] |= {
        "org_id": str(org.org_id),
        "project_id": str(org.project_id),
        "actor_id": str(org.key_id),
    }
    return event


def answer(event: dict[str, Any]) -> tuple[int, Any]:
    response = api.handler(event, None)
    return response["statusCode"], json.loads(response["body"] or "null")


def test_the_bootstrap_sample_opens_an_account_whose_key_works_once_it_is_shown() -> None:
    event = sample("BootstrapFunction", "bootstrap") | {"email": f"{api_keys.new_org_ref()}@example.com"}

    first = bootstrap.handler(event, None)
    second = bootstrap.handler(event, None)

    assert api_keys.parse(first["api_key"]) is not None
    assert second == first | {"api_key": None}


def test_the_me_sample_names_organization_and_project(org: Org) -> None:
    status, body = answer(called_by(org, sample("AuthApiFunction", "me")))

    assert status == 200
    assert body == {
        "actor_type": "api_key",
        "actor_id": str(org.key_id),
        "permissions": ["keys:read", "keys:write", "llm:call", "usage:read"],
        "organization": {"id": str(org.org_id), "name": "Acme"},
        "project": {"id": str(org.project_id), "name": "Default"},
        "user": None,
    }


def test_the_create_sample_answers_a_key_that_the_list_sample_then_shows_without_its_text(org: Org) -> None:
    status, created = answer(called_by(org, sample("AuthApiFunction", "create-api-key")))
    assert status == 201
    key = api_keys.parse(created.pop("api_key"))
    assert key is not None
    assert (key.org_ref, key.hint) == (org.org_ref, created["hint"])

    status, listed = answer(called_by(org, sample("AuthApiFunction", "list-api-keys")))
    assert status == 200
    assert listed["data"][0] == created
    assert key.digest(PEPPER.encode()) not in json.dumps(listed)
    assert (created["monthly_budget_usd"], created["requests_per_minute"]) == ("250", 600)


def test_a_new_key_is_published_once_the_request_is_answered_and_nothing_stays_in_the_outbox(
    org: Org, secrets: FakeSecretsManager
) -> None:
    event = called_by(org, sample("AuthApiFunction", "create-api-key"))
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    event["headers"]["traceparent"] = traceparent
    event["multiValueHeaders"]["traceparent"] = [traceparent]

    _, created = answer(event)

    (published,) = secrets.events_of(org.org_id)
    assert (published["type"], published["data"]["key_id"]) == ("llmo.auth.api_key.created", created["id"])
    assert published["traceparent"] == traceparent
    assert run(_waiting(org)) == 0


async def _waiting(org: Org) -> int:
    database = wiring.database()
    async with database.transaction(org.org_id) as connection:
        row = await (await connection.execute("SELECT count(*) AS events FROM auth.outbox")).fetchone()
    assert row is not None
    return int(row["events"])


def test_the_create_sample_with_an_idempotency_key_is_answered_twice_and_carried_out_once(
    org: Org, secrets: FakeSecretsManager
) -> None:
    event = called_by(org, sample("AuthApiFunction", "create-api-key"))
    event["headers"]["Idempotency-Key"] = "once"
    event["multiValueHeaders"]["Idempotency-Key"] = ["once"]

    first, again = api.handler(event, None), api.handler(event, None)

    assert (first["statusCode"], again["statusCode"], again["body"]) == (201, 201, first["body"])
    assert again["headers"]["x-llmo-idempotent-replay"] == "true"
    assert len(secrets.events_of(org.org_id)) == 1


def test_the_revoke_sample_answers_204_and_may_be_repeated(org: Org) -> None:
    event = called_by(org, sample("AuthApiFunction", "revoke-api-key"))
    event["path"] = f"/api/v1/api-keys/{org.key_id}"

    assert answer(event) == (204, None)
    assert answer(event) == (204, None)


def test_the_openapi_sample_documents_every_route_without_credentials() -> None:
    status, document = answer(sample("AuthApiFunction", "openapi"))

    assert status == 200
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) == {
        "/.well-known/jwks.json",
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/api/v1/api-keys",
        "/api/v1/api-keys/{key_id}",
        "/api/v1/api-keys/{key_id}/rotate",
        "/api/v1/auth/change-password",
        "/api/v1/auth/federated/{provider}/callback",
        "/api/v1/auth/federated/{provider}/start",
        "/api/v1/auth/forgot-password",
        "/api/v1/auth/identities",
        "/api/v1/auth/identities/start",
        "/api/v1/auth/identities/{identity_id}",
        "/api/v1/auth/login",
        "/api/v1/auth/login/second-factor",
        "/api/v1/auth/logout",
        "/api/v1/auth/passkeys",
        "/api/v1/auth/passkeys/login",
        "/api/v1/auth/passkeys/login/options",
        "/api/v1/auth/passkeys/options",
        "/api/v1/auth/passkeys/{passkey_id}",
        "/api/v1/auth/providers",
        "/api/v1/auth/reauthenticate",
        "/api/v1/auth/recovery-codes",
        "/api/v1/auth/refresh",
        "/api/v1/auth/register",
        "/api/v1/auth/resend-verification",
        "/api/v1/auth/reset-password",
        "/api/v1/auth/second-factors",
        "/api/v1/auth/sessions",
        "/api/v1/auth/sessions/{session_id}",
        "/api/v1/auth/totp",
        "/api/v1/auth/totp/confirm",
        "/api/v1/auth/verify-email",
        "/api/v1/me",
        "/api/v1/me/activity",
        "/api/v1/me/email",
        "/api/v1/me/email/confirm",
        "/api/v1/orgs",
        "/api/v1/orgs/{org_id}",
        "/api/v1/orgs/{org_id}/audit-log",
        "/api/v1/orgs/{org_id}/audit-log/export",
        "/api/v1/orgs/{org_id}/invitations",
        "/api/v1/orgs/{org_id}/invitations/{invitation_id}",
        "/api/v1/orgs/{org_id}/members",
        "/api/v1/orgs/{org_id}/members/{user_id}",
        "/api/v1/orgs/{org_id}/oauth-clients",
        "/api/v1/orgs/{org_id}/oauth-clients/{client_id}",
        "/api/v1/orgs/{org_id}/projects",
        "/api/v1/orgs/{org_id}/roles",
        "/api/v1/orgs/{org_id}/roles/{name}",
        "/api/v1/orgs/{org_id}/service-accounts",
        "/api/v1/orgs/{org_id}/service-accounts/{account_id}",
        "/api/v1/orgs/{org_id}/service-accounts/{account_id}/secrets",
        "/api/v1/orgs/{org_id}/service-accounts/{account_id}/secrets/{secret_id}",
        "/oauth2/authorize",
        "/oauth2/introspect",
        "/oauth2/revoke",
        "/oauth2/token",
        "/confirm-email",
        "/invitations",
        "/oauth2/userinfo",
        "/reset-password",
        "/verify-email",
    }


def test_a_request_that_passed_no_authorizer_is_refused_as_a_problem() -> None:
    event = sample("AuthApiFunction", "me")
    del event["requestContext"]["authorizer"]

    response = api.handler(event, None)

    assert response["statusCode"] == 401
    assert response["headers"]["content-type"] == "application/problem+json"
    assert json.loads(response["body"])["type"] == "urn:llmo:problem:unauthenticated"


def test_the_rotation_sample_makes_a_first_key_with_which_the_login_sample_signs(secrets: FakeSecretsManager) -> None:
    secrets.secrets["llmo-tests/signing-keys"] = "{}"
    email, password = f"{api_keys.new_org_ref()}@example.com", "correct horse battery staple"
    made = sample("BootstrapFunction", "bootstrap") | {"email": email, "password": password}
    account = bootstrap.handler(made, None)

    done = rotation.handler(sample("RotationFunction", "every-hour"), None)
    login = sample("AuthApiFunction", "login")
    login["body"] = json.dumps({"email": email.upper(), "password": password})
    status, tokens = answer(login)
    _, published = answer(sample("AuthApiFunction", "key-set"))

    assert status == 200
    assert tokens.keys() == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 900)
    key = next(key for key in jwt.PyJWKSet.from_dict(published).keys if key.key_id in done["made"])
    claims = jwt.decode(tokens["access_token"], key, algorithms=["ES256"], issuer=ISSUER, audience=ISSUER)
    assert (claims["sub"], claims["org_id"]) == (account["user_id"], account["org_id"])
    assert claims["exp"] - claims["iat"] == 900


def test_the_refresh_sample_shows_a_token_that_nobody_has() -> None:
    status, problem = answer(sample("AuthApiFunction", "refresh"))

    assert (status, problem["type"]) == (401, "urn:llmo:problem:invalid_refresh_token")


def test_credentials_are_neither_echoed_nor_logged(caplog: pytest.LogCaptureFixture) -> None:
    login = sample("AuthApiFunction", "login")
    login["body"] = json.dumps({"email": "nobody@example.com", "password": "Pa55word of nobody", "surprise": 1})
    malformed = api.handler(login, None)
    login["body"] = json.dumps({"email": "nobody@example.com", "password": "Pa55word of nobody"})
    wrong = api.handler(login, None)

    assert (malformed["statusCode"], wrong["statusCode"]) == (422, 401)
    said = malformed["body"] + wrong["body"] + str([vars(record) for record in caplog.records])
    assert "Pa55word" not in said
