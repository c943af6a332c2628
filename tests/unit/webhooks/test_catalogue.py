"""What is public of events: every field is one of the event's own, and none that is kept out of logs."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from analytics.anomalies import models as anomalies
from analytics.exports import models as exports
from analytics.reports import events as reports
from auth.api_keys import models as api_keys
from billing.alerts import events as alerts
from billing.invoices import events as invoices
from billing.subscriptions import events as subscriptions
from integration.billing_terms import events as billing_terms
from integration.gateway.deferral.events import BatchCompleted
from integration.gateway.events import BudgetThresholdReached
from integration.management.budgets import models as budgets
from integration.management.guardrails import models as guardrails
from integration.management.limits import models as limits
from integration.management.policies import models as policies
from integration.management.prompts import models as prompts
from integration.management.providers import models as providers
from integration.management.registry import models as registry
from integration.management.routes import models as routes
from integration.webhook_delivery.models import WebhookDisabled
from integration.webhook_messages.catalogue import DESCRIPTIONS, SOURCES, EventType, public_event
from llmo_messaging.envelope import Event

MODULES = (
    reports,  # first: what reports listen to, auth tells
    *(alerts, api_keys, billing_terms, budgets, guardrails, invoices, limits, policies, prompts, providers, registry),
    *(anomalies, exports, routes, subscriptions),
)


def _events() -> Iterator[type[Event]]:
    yield from (BatchCompleted, BudgetThresholdReached, WebhookDisabled)
    for module in MODULES:
        for each in vars(module).values():
            if isinstance(each, type) and issubclass(each, Event) and each is not Event:
                yield each


EVENTS = {event.event_type: event for event in _events()}


@pytest.mark.parametrize("internal", SOURCES)
def test_a_public_field_is_one_of_the_events_own_and_no_secret(internal: str) -> None:
    event, source = EVENTS[internal], SOURCES[internal]

    assert event.event_version == 1
    assert len(set(source.fields)) == len(source.fields) > 0
    assert set(source.fields) <= event.model_fields.keys()
    assert all(event.model_fields[name].repr for name in source.fields)
    assert "org_id" not in source.fields


def test_every_public_type_comes_of_an_event_and_is_explained() -> None:
    endings: list[Mapping[str, Any]] = [
        {"status": status} for status in ("completed", "failed", "expired", "cancelled")
    ]
    spent: list[Mapping[str, Any]] = [{"percent": percent} for percent in (80, 100)]
    made = {
        found[0]
        for internal in SOURCES
        for data in (*endings, *spent)
        if (found := public_event(internal, data)) is not None
    }

    assert made == set(EventType) == DESCRIPTIONS.keys()


def test_what_is_not_listed_goes_out_to_nobody() -> None:
    assert public_event("llmo.auth.password.reset_requested", {"token": "x"}) is None
    assert public_event("llmo.integration.batch.completed", {"status": "validating"}) is None
    told = public_event("llmo.integration.batch.completed", {"status": "failed", "added_some_day": "secret"})
    assert told == (EventType.BATCH_FAILED, {"status": "failed"})
