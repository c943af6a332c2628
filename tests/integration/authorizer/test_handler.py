"""The authorizer through its Lambda handler, with the sample events of `events/`."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from authorizer import wiring
from authorizer.handler import handler
from llmo_auth import api_key
from llmo_auth.principal import Permission, Principal
from llmo_core.loop import run
from llmo_data.postgres import DatabaseUnavailable
from tests.integration.organizations import MakeOrg, Org
from tests.integration.stores import Postgres

EVENTS = Path(__file__).parents[3] / "events" / "AuthorizerFunction"


def sample(name: str, key: str | None = None) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    if key is not None:
        event["headers"]["Authorization"] = f"Bearer {key}"
    return event


@pytest.fixture(autouse=True)
def wired(lambda_environment: pytest.MonkeyPatch, postgres: Postgres) -> Iterator[None]:
    for name, value in postgres.environment("llmo_authorizer").items():
        lambda_environment.setenv(name, value)
    yield
    run(wiring.close())


@pytest_asyncio.fixture
async def expired(make_org: MakeOrg) -> Org:
    return await make_org(expires_at=datetime.now(UTC) - timedelta(seconds=1))


@pytest_asyncio.fixture
async def revoked(make_org: MakeOrg) -> Org:
    return await make_org(revoked_at=datetime.now(UTC))


def test_a_valid_key_may_invoke_the_whole_stage(org: Org) -> None:
    answer = handler(sample("api-key", org.api_key), None)

    assert answer["principalId"] == str(org.key_id)
    assert answer["policyDocument"] == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Action": "execute-api:Invoke",
                "Effect": "Allow",
                "Resource": "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/dev/*/*",
            }
        ],
    }


def test_the_context_is_text_from_which_functions_get_the_principal_back(org: Org) -> None:
    context = handler(sample("api-key", org.api_key), None)["context"]

    assert all(isinstance(value, str) for value in context.values())
    principal = Principal.from_context(context)
    assert (principal.org_id, principal.project_id, principal.actor_id) == (org.org_id, org.project_id, org.key_id)
    assert principal.permissions == frozenset(Permission)


def test_header_names_may_have_any_case(org: Org) -> None:
    event = sample("api-key", org.api_key)
    event["headers"]["authorization"] = event["headers"].pop("Authorization")

    assert handler(event, None)["principalId"] == str(org.key_id)


def test_api_gateway_answers_401_to_an_unknown_key() -> None:
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        handler(sample("api-key"), None)


def test_api_gateway_answers_401_to_an_expired_key(expired: Org) -> None:
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        handler(sample("api-key", expired.api_key), None)


def test_api_gateway_answers_401_to_a_revoked_key(revoked: Org) -> None:
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        handler(sample("api-key", revoked.api_key), None)


def test_api_gateway_answers_401_to_a_json_web_token() -> None:
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        handler(sample("json-web-token"), None)


def test_without_a_database_nobody_is_let_through_and_nobody_is_called_unauthorized(
    lambda_environment: pytest.MonkeyPatch,
) -> None:
    lambda_environment.setenv("DATABASE_PORT", "1")

    with pytest.raises(DatabaseUnavailable):
        handler(sample("api-key"), None)


def test_decisions_are_logged_without_the_key(org: Org, caplog: pytest.LogCaptureFixture) -> None:
    stranger = api_key.generate(org.org_ref)
    handler(sample("api-key", org.api_key), None)
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        handler(sample("api-key", stranger.text), None)

    logged = str([vars(record) for record in caplog.records])
    assert str(org.key_id) in logged
    assert "key_unknown" in logged
    assert org.api_key[-36:] not in logged
    assert stranger.text[-36:] not in logged


def test_a_cold_start_imports_no_web_framework_and_no_store_but_postgres() -> None:
    program = "import sys, authorizer.handler; print(*sys.modules)"
    imported = subprocess.run(  # noqa: S603 - this Python, and the program above
        [sys.executable, "-c", program], env={"PYTHONPATH": ":".join(sys.path)}, capture_output=True, check=True
    ).stdout.split()

    assert b"psycopg" in imported
    assert not {b"fastapi", b"mangum", b"starlette", b"boto3", b"redis", b"pymongo", b"aiohttp"} & set(imported)
