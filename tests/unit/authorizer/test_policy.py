"""What the authorizer's policy lets through, as API Gateway reads it."""

from typing import Any

import pytest

from authorizer.handler import _allow
from llmo_auth.principal import ActorType, Principal
from llmo_core.ids import new_id
from local.front.policy import allows

STAGE = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/dev"


def policy(service: str | None) -> dict[str, Any]:
    principal = Principal(
        org_id=new_id(),
        project_id=None,
        actor_type=ActorType.SERVICE_ACCOUNT,
        actor_id=new_id(),
        permissions=frozenset(),
        service=service,
    )
    document: dict[str, Any] = _allow(principal.to_context(), f"{STAGE}/GET/api/v1/me")["policyDocument"]
    return document


@pytest.mark.parametrize("path", ["GET/api/v1/me", "POST/api/v1/api-keys", "GET/api/v1/analytics/usage"])
def test_credentials_for_all_of_the_api_invoke_the_whole_stage(path: str) -> None:
    assert allows(policy(None), f"{STAGE}/{path}")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"])
@pytest.mark.parametrize("path", ["api/v1/analytics", "api/v1/analytics/usage", "api/v1/analytics/a/b"])
def test_credentials_for_one_service_invoke_what_is_below_it(method: str, path: str) -> None:
    assert allows(policy("analytics"), f"{STAGE}/{method}/{path}")


@pytest.mark.parametrize(
    "resource",
    [
        f"{STAGE}/GET/api/v1/me",
        f"{STAGE}/GET/api/v1/analytics2",
        f"{STAGE}/GET/api/v1/analyticsX/usage",
        f"{STAGE}/GET/api/v1/orgs/1/api/v1/analytics/usage",
        f"{STAGE}/GET/x/GET/api/v1/analytics/usage",
        f"{STAGE.replace('/dev', '/prod')}/GET/api/v1/analytics/usage",
        f"{STAGE}2/GET/api/v1/analytics/usage",
    ],
)
def test_and_nothing_else_however_it_is_written(resource: str) -> None:
    assert not allows(policy("analytics"), resource)
