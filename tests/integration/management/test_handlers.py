"""The management API through its Lambda handler, with the sample events of `events/` and everything as it is wired."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from integration.management import api, wiring
from llmo_core.loop import run
from tests.integration import lambda_calls
from tests.integration.lambda_calls import waiting
from tests.integration.organizations import PEPPER, Org
from tests.integration.stores import PASSWORD, Postgres

EVENTS = lambda_calls.EVENTS / "IntegrationApiFunction"
SAMPLES = sorted(sample.stem for sample in EVENTS.glob("*.json"))


@pytest.fixture(autouse=True)
def wired(postgres: Postgres, redis_url: str, moto_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    secrets = {
        "DATABASE_PASSWORD_SECRET": PASSWORD,
        "API_KEY_PEPPER_SECRET": PEPPER,
        "REDIS_URL_SECRET": redis_url,
    }
    environment = {
        **postgres.environment("llmo_integration"),
        **lambda_calls.environment(moto_url, secrets),
        "CONTENTS_BUCKET": "contents",
        "DATA_KEY_ARN": lambda_calls.moto_client("kms", moto_url).create_key()["KeyMetadata"]["Arn"],
        "ALLOW_PRIVATE_PROVIDERS": "true",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    yield
    run(wiring.close())


def call(org: Org, method: str, path: str, body: Any = None, *, idempotency_key: str | None = None) -> tuple[int, Any]:
    """Call the handler as one of an organization's keys."""
    sample = "IntegrationApiFunction/list-budgets"
    return lambda_calls.call(api.handler, sample, org, method, path, body, idempotency_key=idempotency_key)


def test_providers_models_and_routes_are_set_up_and_shown(org: Org) -> None:
    provider = {"name": "local", "kind": "openai", "base_url": "http://127.0.0.1:9/v1", "api_key": "sk-0123456789abc"}
    status, made = call(org, "POST", "/api/v1/providers", provider)
    assert (status, made["credentials_hint"]) == (201, "9abc")
    status, tested = call(org, "POST", f"/api/v1/providers/{made['id']}/test")
    assert (status, tested["ok"], tested["status"]) == (200, False, None)
    model = {"name": "fast", "provider_id": made["id"], "upstream_model": "gpt-4o-mini"}
    status, registered = call(org, "POST", "/api/v1/models", model)
    assert status == 201
    status, route = call(org, "POST", "/api/v1/routes", {"name": "chat", "targets": [{"model": "fast"}]})
    assert status == 201

    for path, thing in (("providers", made), ("models", registered), ("routes", route)):
        assert call(org, "GET", f"/api/v1/{path}") == (200, {"data": [thing], "next_cursor": None})
    assert run(waiting(wiring.database(), "integration", org)) == 0  # moto's bus took every event


def test_budgets_limits_settings_and_policies_are_set_and_shown(org: Org) -> None:
    status, settings = call(org, "PUT", "/api/v1/settings", {"time_zone": "Asia/Tokyo"})
    assert (status, settings["version"]) == (200, 2)
    body = {"name": "Users", "scope": "end_user", "window": "day", "limit_usd": "0.5"}
    status, budget = call(org, "POST", "/api/v1/budgets", body)
    assert (status, budget["spent_usd"]) == (201, None)
    limits = {"name": "All", "scope": "organization", "requests_per_minute": 5}
    status, limit = call(org, "POST", "/api/v1/limits", limits)
    assert status == 201
    status, policy = call(org, "PUT", "/api/v1/policies/default", {"compact": True})
    assert status == 201

    assert call(org, "GET", "/api/v1/settings") == (200, settings)
    for path, thing in (("budgets", budget), ("limits", limit), ("policies", policy)):
        assert call(org, "GET", f"/api/v1/{path}") == (200, {"data": [thing], "next_cursor": None})
    status, spending = call(org, "GET", f"/api/v1/budgets/{budget['id']}/spending")
    assert (status, spending["data"]) == (200, [])
    assert run(waiting(wiring.database(), "integration", org)) == 0


def test_guardrails_are_set_up_and_tried(org: Org) -> None:
    body = {"name": "pii", "kind": "pii", "action": "mask", "pii": ["email"]}
    status, guardrail = call(org, "POST", "/api/v1/guardrails", body)
    assert status == 201
    assert call(org, "GET", "/api/v1/guardrails") == (200, {"data": [guardrail], "next_cursor": None})
    status, verdict = call(org, "POST", "/api/v1/guardrails/test", {"text": "ada@example.org"})
    assert (status, verdict["text"]) == (200, "[EMAIL]")


def test_webhooks_are_set_up_and_tried(org: Org) -> None:
    body = {"url": "http://127.0.0.1:9/hooks", "event_types": ["batch.completed"]}
    status, webhook = call(org, "POST", "/api/v1/webhooks", body)
    assert (status, webhook.pop("secret")[:6]) == (201, "whsec_")
    assert call(org, "GET", "/api/v1/webhooks") == (200, {"data": [webhook], "next_cursor": None})
    status, tried = call(org, "POST", f"/api/v1/webhooks/{webhook['id']}/test")
    assert (status, tried["delivered"], tried["status"]) == (200, False, None)
    assert call(org, "GET", f"/api/v1/webhooks/{webhook['id']}/deliveries")[1]["data"] == []
    assert run(waiting(wiring.database(), "integration", org)) == 0


def test_a_repeated_request_is_carried_out_once(org: Org) -> None:
    route = {"name": "chat", "targets": [{"model": "gpt-4o"}]}
    first, again = [call(org, "POST", "/api/v1/routes", route, idempotency_key="once") for _ in range(2)]
    assert (first[0], again) == (201, first)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_samples_are_answered(name: str) -> None:
    answer = api.handler(json.loads((EVENTS / f"{name}.json").read_text()), None)
    assert answer["statusCode"] == 200


def test_the_openapi_sample_documents_every_route() -> None:
    answer = api.handler(json.loads((EVENTS / "openapi.json").read_text()), None)
    assert set(json.loads(answer["body"])["paths"]) == {
        "/api/v1/budgets",
        "/api/v1/budgets/{budget_id}",
        "/api/v1/budgets/{budget_id}/spending",
        "/api/v1/cache/purges",
        "/api/v1/guardrails",
        "/api/v1/guardrails/test",
        "/api/v1/guardrails/{guardrail_id}",
        "/api/v1/limits",
        "/api/v1/limits/{limit_id}",
        "/api/v1/logs",
        "/api/v1/logs/settings",
        "/api/v1/logs/settings/{project_id}",
        "/api/v1/logs/{log_id}",
        "/api/v1/models",
        "/api/v1/models/prices",
        "/api/v1/models/{model_id}",
        "/api/v1/models/{model_id}/prices",
        "/api/v1/policies",
        "/api/v1/policies/default",
        "/api/v1/policies/keys/{key_id}",
        "/api/v1/policies/{project_id}",
        "/api/v1/prompts",
        "/api/v1/prompts/{prompt_id}",
        "/api/v1/prompts/{prompt_id}/render",
        "/api/v1/prompts/{prompt_id}/versions",
        "/api/v1/prompts/{prompt_id}/versions/{number}",
        "/api/v1/providers",
        "/api/v1/providers/{provider_id}",
        "/api/v1/providers/{provider_id}/test",
        "/api/v1/routes",
        "/api/v1/routes/{route_id}",
        "/api/v1/settings",
        "/api/v1/webhooks",
        "/api/v1/webhooks/event-types",
        "/api/v1/webhooks/{webhook_id}",
        "/api/v1/webhooks/{webhook_id}/deliveries",
        "/api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/retry",
        "/api/v1/webhooks/{webhook_id}/rotate-secret",
        "/api/v1/webhooks/{webhook_id}/test",
    }
