"""Second factors through the Lambda handler: who may change them, and what is said and logged."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pyotp
import pytest

from auth import api, bootstrap, rotation, wiring
from llmo_auth import api_key as api_keys
from llmo_auth.principal import Person
from llmo_core.ids import new_id
from llmo_core.loop import run
from llmo_data.postgres import insert
from tests.fakes.secrets_manager import FakeSecretsManager
from tests.integration.auth.test_handlers import sample
from tests.integration.stores import Postgres

RECENT = [
    ("POST", "/totp", None),
    ("POST", "/totp/confirm", {"code": "123456"}),
    ("DELETE", "/totp", None),
    ("POST", "/recovery-codes", None),
    ("POST", "/passkeys/options", None),
    ("DELETE", f"/passkeys/{UUID(int=1)}", None),
]


@pytest.fixture(autouse=True)
def wired(lambda_environment: pytest.MonkeyPatch, postgres: Postgres) -> Iterator[None]:
    for name, value in postgres.environment("llmo_auth").items():
        lambda_environment.setenv(name, value)
    yield
    run(wiring.close())


def call(method: str, path: str, body: Any = None, person: Person | None = None) -> tuple[int, Any, dict[str, Any]]:
    event = sample("AuthApiFunction", "login")
    event |= {"httpMethod": method, "path": f"/api/v1/auth{path}", "body": json.dumps(body) if body else None}
    if person is not None:
        event["requestContext"]["authorizer"] = person.to_context()
    response = api.handler(event, None)
    return response["statusCode"], json.loads(response["body"] or "null"), response["headers"]


def opened() -> tuple[str, UUID]:
    email = f"{api_keys.new_org_ref()}@example.com"
    account = bootstrap.handler(sample("BootstrapFunction", "bootstrap") | {"email": email, "password": "a" * 20}, None)
    return email, UUID(account["user_id"])


def signed_in(user_id: UUID, ago: timedelta) -> Person:
    """Somebody whose session began some time ago."""
    began, person = datetime.now(UTC) - ago, Person(user_id=user_id, session_id=new_id())
    moments = dict.fromkeys(("created_at", "authenticated_at", "last_used_at"), began)
    row = {"id": person.session_id, "user_id": user_id, "expires_at": began + timedelta(days=90), **moments}

    async def keep() -> None:
        async with wiring.database().transaction() as connection:
            await connection.execute("SELECT set_config('app.user_id', %s, true)", (str(user_id),))
            await connection.execute(*insert("auth.sessions", row))

    run(keep())
    return person


@pytest.mark.parametrize(("method", "path", "body"), RECENT)
def test_factors_are_changed_by_somebody_who_has_just_proved_who_they_are(method: str, path: str, body: Any) -> None:
    _, user_id = opened()
    person = signed_in(user_id, timedelta(minutes=11))

    status, problem, _ = call(method, path, body, person)
    assert (status, problem["type"]) == (403, "urn:llmo:problem:reauthentication_required")

    assert call("POST", "/reauthenticate", {"password": "a" * 20}, person)[0] == 204
    assert call(method, path, body, person)[0] in {200, 404, 409}


def test_seeing_ones_factors_takes_no_new_proof() -> None:
    _, user_id = opened()

    status, listed, _ = call("GET", "/second-factors", person=signed_in(user_id, timedelta(days=1)))

    assert (status, listed) == (200, {"totp_since": None, "passkeys": [], "recovery_codes": 0})


def test_what_is_secret_is_neither_logged_nor_kept_by_a_cache(
    secrets: FakeSecretsManager, caplog: pytest.LogCaptureFixture
) -> None:
    secrets.secrets["llmo-tests/signing-keys"] = "{}"
    rotation.handler(sample("RotationFunction", "every-hour"), None)
    email, user_id = opened()
    person = signed_in(user_id, timedelta())

    _, enrolment, headers = call("POST", "/totp", person=person)
    assert headers["cache-control"] == "no-store"
    code = pyotp.TOTP(enrolment["secret"]).now()
    _, confirmed, headers = call("POST", "/totp/confirm", {"code": code}, person)
    assert headers["cache-control"] == "no-store"
    status, asked, headers = call("POST", "/login", {"email": email, "password": "a" * 20})
    assert (status, headers["cache-control"]) == (401, "no-store")
    answer = {"mfa_token": asked["mfa_token"], "recovery_code": confirmed["recovery_codes"][0]}
    malformed = call("POST", "/login/second-factor", answer | {"code": code})
    status, tokens, headers = call("POST", "/login/second-factor", answer)
    assert (malformed[0], status, headers["cache-control"]) == (422, 200, "no-store")

    said = str([vars(record) for record in caplog.records]) + str(malformed)
    shown = [enrolment["secret"], *confirmed["recovery_codes"], asked["mfa_token"], tokens["refresh_token"]]
    assert not [secret for secret in shown if secret in said]
    published = json.dumps([event for event in secrets.events if event["data"].get("email") == email])
    assert not [secret for secret in shown if secret in published]
