"""What events have people be told: of fields that they have, for kinds that there are, and to the right people."""

from collections.abc import Iterator
from typing import Any

import pytest

from analytics.anomalies import models as anomalies
from analytics.reports import events as reports
from auth.accounts import models as accounts
from auth.api_keys import models as api_keys
from auth.federation import models as federation
from auth.organizations import models as organizations
from auth.registration import models as registration
from auth.second_factors import models as second_factors
from auth.sign_in import models as sign_in
from billing.alerts import events as alerts
from billing.credit_notes import events as credit_notes
from billing.dunning import events as dunning
from billing.invoices import events as invoices
from billing.payments import events as payments
from billing.subscriptions import events as subscriptions
from billing.wallets import events as wallets
from integration.gateway.events import BudgetThresholdReached
from integration.webhook_delivery.models import WebhookDisabled
from llmo_core.ids import new_id
from llmo_messaging.envelope import Event
from notification.kinds.catalogue import KINDS
from notification.kinds.facts import Unreadable, facts_of
from notification.kinds.models import Priority
from notification.kinds.tellings import TELLINGS

MODULES = (
    *(anomalies, reports),  # first: what reports listen to, auth tells
    *(accounts, alerts, api_keys, credit_notes, dunning, federation, invoices, organizations, payments, registration),
    *(second_factors, sign_in, subscriptions, wallets),
)


def _events() -> Iterator[type[Event]]:
    yield from (BudgetThresholdReached, WebhookDisabled)
    for module in MODULES:
        for each in vars(module).values():
            if isinstance(each, type) and issubclass(each, Event) and each is not Event:
                yield each


EVENTS = {event.event_type: event for event in _events()}


@pytest.mark.parametrize("event_type", sorted(TELLINGS))
def test_what_is_told_are_fields_of_the_event(event_type: str) -> None:
    fields = EVENTS[event_type].model_fields
    for telling in TELLINGS[event_type]:
        assert {*telling.fields.values(), *telling.once} <= fields.keys()


@pytest.mark.parametrize("event_type", TELLINGS)
def test_templates_get_to_see_what_the_kind_says_they_do(event_type: str) -> None:
    for telling in TELLINGS[event_type]:
        assert telling.fields.keys() == KINDS[telling.kind].variables.keys()


def test_secrets_are_told_in_nothing_that_can_wait() -> None:
    for tellings in TELLINGS.values():
        for telling in tellings:
            if "token" in telling.fields:
                assert KINDS[telling.kind].priority is Priority.CRITICAL


def _budget(**changed: Any) -> dict[str, Any]:
    event = BudgetThresholdReached(
        budget_id="b", scope="project", subject="p", window="month", window_starts="2026-11", percent=80,
        spent_usd="80", limit_usd="100", hard=True,
    )  # fmt: skip
    return event.model_dump(mode="json") | changed


def test_a_threshold_is_told_once_however_often_it_is_announced() -> None:
    [first] = facts_of("llmo.integration.budget.threshold_reached", new_id(), _budget())
    [again] = facts_of("llmo.integration.budget.threshold_reached", new_id(), _budget(spent_usd="81"))
    [next_one] = facts_of("llmo.integration.budget.threshold_reached", new_id(), _budget(percent=95))
    [next_month] = facts_of("llmo.integration.budget.threshold_reached", new_id(), _budget(window_starts="2026-12"))

    assert first.dedupe_key == again.dedupe_key
    assert len({first.dedupe_key, next_one.dedupe_key, next_month.dedupe_key}) == 3


def test_two_events_that_nothing_tells_apart_are_two() -> None:
    data = {"user_id": str(new_id()), "email": "ada@example.com", "by_reset": False}
    facts = [facts_of("llmo.auth.password.changed", new_id(), data)[0] for _ in range(2)]

    assert facts[0].dedupe_key != facts[1].dedupe_key


def test_an_address_that_is_taken_gets_another_mail_and_no_token() -> None:
    change = {"user_id": str(new_id()), "email": "new@example.com", "expires_at": "2026-11-28T12:00:00Z"}
    [free] = facts_of("llmo.auth.email.change_requested", new_id(), {**change, "token": "t", "known": False})
    [taken] = facts_of("llmo.auth.email.change_requested", new_id(), {**change, "token": None, "known": True})

    assert (free.kind, free.variables["token"]) == ("confirm_new_email", "t")
    assert (taken.kind, taken.variables) == ("email_in_use", {})
    assert free.audience.addresses[0].user_id is None


def test_both_addresses_learn_of_a_change() -> None:
    data = {"user_id": str(new_id()), "email": "new@example.com", "previous": "old@example.com"}
    [fact] = facts_of("llmo.auth.email.changed", new_id(), data)

    assert [address.email for address in fact.audience.addresses] == ["new@example.com", "old@example.com"]


def test_what_applications_do_is_no_sign_in() -> None:
    session = {"user_id": str(new_id()), "ip": None, "user_agent": None, "client_id": str(new_id())}
    assert facts_of("llmo.auth.session.started", new_id(), session) == []


@pytest.mark.parametrize(
    "data", [{}, {"user_id": "x", "email": "ada@example.com", "by_reset": True}, {"user_id": 1, "email": 2}]
)
def test_an_event_that_lacks_something_is_unreadable(data: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        facts_of("llmo.auth.password.changed", new_id(), data)
