"""The billing API through its Lambda handler, with the sample events of `events/` and everything as it is wired."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from billing import api, stripe_events, tasks, watching, wiring
from billing.payments.errors import PaymentsNotConfigured
from llmo_core.loop import run
from tests.integration import lambda_calls
from tests.integration.billing.calling import CALLS, usage, version
from tests.integration.lambda_calls import waiting
from tests.integration.organizations import PEPPER, Org
from tests.integration.stores import PASSWORD, Postgres

EVENTS = lambda_calls.EVENTS / "BillingApiFunction"
SAMPLES = sorted(sample.stem for sample in EVENTS.glob("*.json"))


@pytest.fixture(autouse=True)
def wired(postgres: Postgres, moto_url: str, org: Org, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    secrets = {
        "DATABASE_PASSWORD_SECRET": PASSWORD,
        "API_KEY_PEPPER_SECRET": PEPPER,
        "STRIPE_API_KEY_SECRET": "unset",
    }
    environment = {
        **postgres.environment("llmo_billing"),
        **lambda_calls.environment(moto_url, secrets),
        "OPERATOR_ORG_ID": str(org.org_id),
        "DOCUMENTS_BUCKET": "llmo-no-such-bucket",
        "INVOICE_GRACE_MINUTES": "60",
        "INVOICE_TERMS_DAYS": "14",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    yield
    run(wiring.close())


class Remaining:
    """Lambda's context of an invocation that has so many milliseconds left."""

    def __init__(self, milliseconds: int) -> None:
        self._milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        return self._milliseconds


def call(org: Org, method: str, path: str, body: Any = None, *, idempotency_key: str | None = None) -> tuple[int, Any]:
    """Call the handler as one of an organization's keys."""
    sample, path = "BillingApiFunction/list-plans", f"/api/v1/billing/{path}"
    return lambda_calls.call(api.handler, sample, org, method, path, body, idempotency_key=idempotency_key)


def test_meters_plans_and_subscriptions_are_made_shown_and_announced(org: Org) -> None:
    status, meter = call(org, "POST", "meters", CALLS)
    assert status == 201
    charges = version(usage({"kind": "per_unit", "unit_price": "0.001"}))
    body = {"code": "team", "name": "Team", "offered": True, "version": charges}
    status, plan = call(org, "POST", "plans", body, idempotency_key="once")
    assert status == 201
    assert call(org, "POST", "plans", body, idempotency_key="once") == (201, plan)
    status, second = call(org, "POST", f"plans/{plan['id']}/versions", charges)
    assert (status, second["number"]) == (201, 2)

    status, subscription = call(org, "POST", "subscriptions", {"plan_id": plan["id"]}, idempotency_key="twice")
    assert status == 201
    assert call(org, "POST", "subscriptions", {"plan_id": plan["id"]}, idempotency_key="twice")[1] == subscription
    status, current = call(org, "GET", "usage/current")
    assert (status, current["subscription_id"], current["so_far"]["total"]) == (200, subscription["id"], 0)

    assert call(org, "GET", "meters") == (200, {"data": [meter], "next_cursor": None})
    assert call(org, "GET", "plans")[1]["data"][0]["version"] == second
    assert run(waiting(wiring.database(), "billing", org)) == 0  # moto's bus took every event


@pytest.mark.parametrize("operator", ["", "01980a5e-7c00-7000-8000-00000000ffff"])
def test_whoever_is_not_the_operator_of_the_environment_makes_nothing(
    org: Org, operator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPERATOR_ORG_ID", operator)
    status, refused = call(org, "POST", "meters", CALLS)
    assert (status, refused["type"]) == (403, "urn:llmo:problem:not_the_operator")
    assert call(org, "GET", "plans") == (200, {"data": [], "next_cursor": None})


def test_without_a_key_of_stripes_there_are_no_payments(org: Org) -> None:
    for method, path in (("GET", "payments"), ("GET", "payment-methods"), ("POST", "setup-intents")):
        status, refused = call(org, method, path)
        assert (status, refused["type"]) == (503, "urn:llmo:problem:payments_not_configured")
    assert stripe_events.handler({}, None) == {"payments": 0, "refunds": 0}


def test_the_tasks_of_an_invoice_run_are_done_one_after_the_other(org: Org) -> None:
    body = {"code": "team", "name": "Team", "offered": True, "version": version()}
    _, plan = call(org, "POST", "plans", body)
    _, subscription = call(org, "POST", "subscriptions", {"plan_id": plan["id"]})
    whose = {"org_id": str(org.org_id), "subscription_id": subscription["id"]}

    call(org, "POST", f"accounts/{org.org_id}/grants", {"currency": "USD", "amount": 1, "reason": "Welcome"})
    assert tasks.handler({"task": "expire"}, None)["wallets"] >= 0
    assert whose in tasks.handler({"task": "due"}, None)["due"]
    draft = tasks.handler({"task": "draft", **whose}, None)
    assert tasks.handler({"task": "draft", **whose}, None) == {"invoice_id": None}
    which = {"org_id": str(org.org_id), "invoice_id": draft["invoice_id"]}
    for _ in range(2):
        assert tasks.handler({"task": "finalize", **which}, None) == {"status": "finalized", "amount_remaining": 1999}
    with pytest.raises(PaymentsNotConfigured):
        tasks.handler({"task": "collect", **which}, None)
    assert whose not in tasks.handler({"task": "due"}, None)["due"]
    _, listed = call(org, "GET", "invoices")
    assert [(invoice["id"], invoice["status"]) for invoice in listed["data"]] == [(draft["invoice_id"], "finalized")]


def test_credit_notes_are_issued_without_a_key_of_stripes(org: Org) -> None:
    body = {"code": "team", "name": "Team", "offered": True, "version": version()}
    _, plan = call(org, "POST", "plans", body)
    _, subscription = call(org, "POST", "subscriptions", {"plan_id": plan["id"]})
    draft = tasks.handler({"task": "draft", "org_id": str(org.org_id), "subscription_id": subscription["id"]}, None)
    tasks.handler({"task": "finalize", "org_id": str(org.org_id), "invoice_id": draft["invoice_id"]}, None)
    path = f"accounts/{org.org_id}/invoices/{draft['invoice_id']}/credit-notes"

    assert call(org, "POST", f"{path}/preview", {})[1]["total"] == 2000
    part = {"lines": [{"line": 0, "amount": 500}], "outcome": "refund"}
    status, note = call(org, "POST", path, part, idempotency_key="once")
    assert (status, note["amount_deducted"], note["refund_id"]) == (201, 500, None)
    assert call(org, "POST", path, part, idempotency_key="once") == (201, note)
    assert call(org, "GET", "credit-notes")[1]["data"] == [note]
    assert call(org, "GET", f"credit-notes/{note['id']}/pdf")[0] == 503
    assert call(org, "POST", path, {})[1]["amount_deducted"] == 1500
    assert call(org, "GET", f"invoices/{draft['invoice_id']}")[1]["status"] == "paid"


def test_credit_that_is_given_reaches_the_limit_of_who_pays_in_advance_at_once(org: Org) -> None:
    path = f"accounts/{org.org_id}"
    assert call(org, "PUT", f"{path}/prepaid", {"pays_in_advance": True})[1]["limit_usd"] == "0"
    given = {"currency": "USD", "amount": 250, "reason": "hello"}
    assert call(org, "POST", f"{path}/grants", given)[0] == 201
    assert call(org, "GET", f"{path}/prepaid")[1]["limit_usd"] == "2.5"


def test_the_schedule_looks_at_alerts(org: Org) -> None:
    alert = {"kind": "spend", "name": "Spend", "currency": "USD", "limit": "1000"}
    status, made = call(org, "POST", "alerts", alert, idempotency_key="an alert")
    assert status == 201
    assert call(org, "POST", "alerts", alert, idempotency_key="an alert")[1] == made
    event = json.loads((lambda_calls.EVENTS / "BillingAlertsFunction" / "every-minute.json").read_text())
    first, second = (watching.handler(event, Remaining(120_000))["organizations"] for _ in range(2))
    assert first > second  # other tests' organizations have meters of other operators, and wait
    assert watching.handler(event, Remaining(5_000)) == {"organizations": 0}


@pytest.mark.parametrize("task", [{}, {"task": "pay"}, {"task": "draft"}, {"task": "due", "limit": 0}])
def test_what_is_no_task_is_not_done(task: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        tasks.handler(task, None)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_samples_are_answered(name: str) -> None:
    answer = api.handler(json.loads((EVENTS / f"{name}.json").read_text()), None)
    assert answer["statusCode"] == 200


def test_the_openapi_sample_documents_every_route() -> None:
    answer = api.handler(json.loads((EVENTS / "openapi.json").read_text()), None)
    assert set(json.loads(answer["body"])["paths"]) == {
        "/api/v1/billing/account",
        "/api/v1/billing/accounts/{org_id}/dunning",
        "/api/v1/billing/accounts/{org_id}/grants",
        "/api/v1/billing/accounts/{org_id}/invoices",
        "/api/v1/billing/accounts/{org_id}/invoices/{invoice_id}/credit-notes",
        "/api/v1/billing/accounts/{org_id}/invoices/{invoice_id}/credit-notes/preview",
        "/api/v1/billing/accounts/{org_id}/invoices/{invoice_id}/dunning/delay",
        "/api/v1/billing/accounts/{org_id}/invoices/{invoice_id}/give-up",
        "/api/v1/billing/accounts/{org_id}/invoices/{invoice_id}/void",
        "/api/v1/billing/accounts/{org_id}/prepaid",
        "/api/v1/billing/accounts/{org_id}/taxation",
        "/api/v1/billing/dunning",
        "/api/v1/billing/alerts",
        "/api/v1/billing/alerts/{alert_id}",
        "/api/v1/billing/entitlements",
        "/api/v1/billing/entitlements/{feature}",
        "/api/v1/billing/checkout-sessions",
        "/api/v1/billing/credit-notes",
        "/api/v1/billing/credit-notes/{note_id}",
        "/api/v1/billing/credit-notes/{note_id}/pdf",
        "/api/v1/billing/invoices",
        "/api/v1/billing/invoices/preview",
        "/api/v1/billing/invoices/{invoice_id}",
        "/api/v1/billing/invoices/{invoice_id}/breakdown",
        "/api/v1/billing/invoices/{invoice_id}/csv",
        "/api/v1/billing/invoices/{invoice_id}/payments",
        "/api/v1/billing/invoices/{invoice_id}/pdf",
        "/api/v1/billing/ledger",
        "/api/v1/billing/meters",
        "/api/v1/billing/meters/{code}",
        "/api/v1/billing/payment-methods",
        "/api/v1/billing/payment-methods/{method_id}",
        "/api/v1/billing/payment-methods/{method_id}/default",
        "/api/v1/billing/payments",
        "/api/v1/billing/payments/{payment_id}",
        "/api/v1/billing/payments/{payment_id}/refunds",
        "/api/v1/billing/plans",
        "/api/v1/billing/plans/preview",
        "/api/v1/billing/plans/{plan_id}",
        "/api/v1/billing/plans/{plan_id}/archive",
        "/api/v1/billing/plans/{plan_id}/offer",
        "/api/v1/billing/plans/{plan_id}/versions",
        "/api/v1/billing/plans/{plan_id}/versions/{number}",
        "/api/v1/billing/subscriptions",
        "/api/v1/billing/subscriptions/{subscription_id}",
        "/api/v1/billing/subscriptions/{subscription_id}/cancel",
        "/api/v1/billing/subscriptions/{subscription_id}/change",
        "/api/v1/billing/subscriptions/{subscription_id}/changes/{change_id}",
        "/api/v1/billing/subscriptions/{subscription_id}/pause",
        "/api/v1/billing/subscriptions/{subscription_id}/resume",
        "/api/v1/billing/usage/current",
        "/api/v1/billing/usage/events",
        "/api/v1/billing/usage/events/batch",
        "/api/v1/billing/portal-sessions",
        "/api/v1/billing/revenue",
        "/api/v1/billing/setup-intents",
        "/api/v1/billing/spend-cap",
        "/api/v1/billing/wallets",
        "/api/v1/billing/wallets/{wallet_id}",
        "/api/v1/billing/wallets/{wallet_id}/grants",
        "/api/v1/billing/wallets/{wallet_id}/top-ups",
        "/api/v1/billing/wallets/{wallet_id}/top-ups/{top_up_id}",
    }
