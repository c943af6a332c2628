"""What the published OpenAPI documents promise holds for requests that nobody thought of, through the front door.

Schemathesis makes them up: no answer is a 5xx, none has a status or a shape that is not documented, and none takes
malformed input for good. Source: https://schemathesis.readthedocs.io
"""

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest_asyncio
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from tests.e2e.platform import Platform
from tests.e2e.stack import ROOT

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
# Whoever has called these cannot call the others any more; they come last.
FINAL = ["/api/v1/auth/logout", "/api/v1/auth/change-password", "/api/v1/me"]

type Case = schemathesis.Case[Any]
type Headers = Mapping[str, str]


def published(service: str, **generation: str) -> schemathesis.BaseSchema:
    """A service's document, for requests of every kind, or `mode="positive"` for those that are as documented."""
    config = SchemathesisConfig.from_dict(
        {"generation": generation, "phases": {"coverage": {"enabled": not generation}}}
    )
    document = json.loads((ROOT / "docs" / "api" / f"{service}.json").read_text())
    return schemathesis.openapi.from_dict(document, config=config)


AUTH, ANALYTICS, INTEGRATION = published("auth"), published("analytics"), published("integration")
DRY_RUNS = published("dry-runs")
BILLING, NOTIFICATIONS = published("billing"), published("notifications")
bounded = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest_asyncio.fixture(scope="module")
async def person(platform: Platform) -> Headers:
    """Somebody with an organization of their own, who has just signed in."""
    email, password = f"{uuid4().hex}@example.org", uuid4().hex
    await platform.invoke("BootstrapFunction", {"organization": "Fuzzed", "email": email, "password": password})
    tokens = await platform.call(
        "POST", "/api/v1/auth/login", api_key=None, json={"email": email, "password": password}
    )
    return {"authorization": f"Bearer {tokens.json()['access_token']}"}


@pytest_asyncio.fixture(scope="module")
async def program(platform: Platform) -> Headers:
    """An API key that may do everything in an organization of its own."""
    made = await platform.invoke(
        "BootstrapFunction",
        {"organization": "Fuzzed", "email": f"{uuid4().hex}@example.org", "password": uuid4().hex},
    )
    return {"authorization": f"Bearer {made['api_key']}"}


def check(case: Case, platform: Platform, headers: Headers) -> None:
    case.call_and_validate(base_url=platform.base_url, headers=dict(headers), checks=CHECKS)


@AUTH.exclude(path=FINAL).parametrize()
@bounded
def test_auth_as_a_person(case: Case, platform: Platform, person: Headers) -> None:
    check(case, platform, person)


@AUTH.exclude(path=FINAL).parametrize()
@settings(bounded, max_examples=4)
def test_auth_as_a_program(case: Case, platform: Platform, program: Headers) -> None:
    check(case, platform, program)


@AUTH.parametrize()
@settings(bounded, max_examples=2)
def test_auth_as_nobody(case: Case, platform: Platform) -> None:
    check(case, platform, {})


@ANALYTICS.parametrize()
@bounded
def test_analytics_as_a_program(case: Case, platform: Platform, program: Headers) -> None:
    check(case, platform, program)


@INTEGRATION.parametrize()
@bounded
def test_integration_as_a_program(case: Case, platform: Platform, program: Headers) -> None:
    check(case, platform, program)


@DRY_RUNS.parametrize()
@bounded
def test_dry_runs_as_a_program(case: Case, platform: Platform, program: Headers) -> None:
    check(case, platform, program)


@BILLING.parametrize()
@bounded
def test_billing_as_a_program(case: Case, platform: Platform, program: Headers) -> None:
    check(case, platform, program)


@NOTIFICATIONS.parametrize()
@settings(bounded, max_examples=4)
def test_notifications_as_a_program(case: Case, platform: Platform, program: Headers) -> None:
    check(case, platform, program)


@NOTIFICATIONS.parametrize()
@settings(bounded, max_examples=4)
def test_notifications_as_a_person(case: Case, platform: Platform, person: Headers) -> None:
    check(case, platform, person)


@BILLING.parametrize()
@bounded
def test_billing_as_the_operator(case: Case, platform: Platform) -> None:
    check(case, platform, {"authorization": f"Bearer {platform.api_key}"})


@INTEGRATION.parametrize()
@settings(bounded, max_examples=2)
def test_integration_as_nobody(case: Case, platform: Platform) -> None:
    check(case, platform, {})


async def test_nobody_was_refused_because_their_credentials_had_ended(
    platform: Platform, person: Headers, program: Headers
) -> None:
    for headers in (person, program):
        credentials = headers["authorization"].removeprefix("Bearer ")
        assert (await platform.call("GET", "/api/v1/me", api_key=credentials)).status == 200


@AUTH.include(path=FINAL).parametrize()
@bounded
def test_what_ends_a_persons_access(case: Case, platform: Platform, person: Headers) -> None:
    check(case, platform, person)
