"""Delivering to webhooks: what receivers get, when they get it again, and when they get no more."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from integration.webhook_delivery.schedule import WAITS
from integration.webhook_messages.catalogue import EventType
from llmo_core.ids import new_id
from llmo_data.postgres import every
from tests.integration.management.calling import Caller, Management
from tests.integration.management.receiving import BATCH, NOW, Receiver, Worker, deliveries


async def test_a_receiver_gets_a_signed_public_event(caller: Caller, receiver: Receiver, worker: Worker) -> None:
    worker.clock.moment = datetime.now(UTC)  # which the reference library compares with its own
    webhook = await caller.webhook(receiver.url())
    event_id = new_id()
    assert len(await worker.told(caller.org, event_id=event_id)) == 1

    assert await worker.send(webhook, org=caller.org) == 1

    [(headers, body)] = receiver.got["/hooks"]
    assert (headers["webhook-id"], headers["Content-Type"]) == (str(event_id), "application/json")
    public = {name: value for name, value in BATCH.items() if name != "org_id"}
    content = Webhook(webhook["secret"]).verify(body, dict(headers))
    assert content == {"type": "batch.completed", "timestamp": "2026-11-27T12:00:00.000000Z", "data": public}
    with pytest.raises(WebhookVerificationError):
        Webhook(webhook["secret"]).verify(body.replace(b"completed", b"cancelled"), dict(headers))
    [delivery] = await deliveries(caller, webhook)
    assert (delivery["status"], delivery["attempts"], delivery["last_status_code"]) == ("delivered", 1, 204)
    assert (delivery["event_id"], delivery["last_error"], delivery["next_attempt_at"]) == (str(event_id), None, None)


async def test_only_webhooks_that_want_a_type_are_told_of_it(
    caller: Caller, stranger: Caller, receiver: Receiver, worker: Worker
) -> None:
    await caller.webhook(receiver.url("/wants"))
    await caller.webhook(receiver.url("/other"), event_types=["batch.failed", "api_key.revoked"])
    await caller.webhook(receiver.url("/off"), enabled=False)
    await stranger.webhook(receiver.url("/stranger"), event_types=[*EventType])
    removed = await caller.webhook(receiver.url("/removed"))
    await caller("DELETE", f"webhooks/{removed['id']}")

    await worker.told(caller.org)
    await worker.tick()

    assert receiver.got.keys() == {"/wants"}


@pytest.mark.parametrize(
    ("kind", "data", "public"),
    [
        ("llmo.integration.batch.completed", {**BATCH, "status": "cancelled"}, "batch.cancelled"),
        ("llmo.integration.budget.threshold_reached", {"budget_id": "b", "percent": 80}, "budget.threshold_reached"),
        ("llmo.integration.budget.threshold_reached", {"budget_id": "b", "percent": 100}, "budget.exhausted"),
        ("llmo.auth.api_key.created", {"key_id": "k", "hint": "abcd", "text": "secret"}, "api_key.created"),
    ],
)
async def test_what_is_told_is_chosen_field_by_field(
    caller: Caller, receiver: Receiver, worker: Worker, kind: str, data: dict[str, object], public: str
) -> None:
    await caller.webhook(receiver.url(), event_types=[*EventType])
    await worker.told(caller.org, data, kind=kind)
    await worker.tick()

    [(_, body)] = receiver.got["/hooks"]
    assert json.loads(body)["type"] == public
    assert b"secret" not in body
    assert b"hint" not in body


@pytest.mark.parametrize(
    "kind", ["llmo.auth.password.reset_requested", "llmo.auth.member.invited", "llmo.integration.usage.recorded"]
)
async def test_events_that_are_not_public_are_told_to_nobody(
    caller: Caller, receiver: Receiver, worker: Worker, kind: str
) -> None:
    await caller.webhook(receiver.url(), event_types=[*EventType])

    assert await worker.told(caller.org, {"token": "mailed"}, kind=kind) == []
    await worker.tick()

    assert receiver.got == {}


async def test_of_organizations_without_webhooks_nothing_is_kept(
    caller: Caller, management: Management, worker: Worker
) -> None:
    await caller.webhook(enabled=False)
    assert await worker.told(caller.org) == []

    async with management.database.transaction(caller.org.org_id) as connection:
        assert await every(connection, "SELECT event_id FROM integration.inbox") == []


async def test_an_event_that_arrives_twice_is_sent_once(caller: Caller, receiver: Receiver, worker: Worker) -> None:
    await caller.webhook(receiver.url())
    event_id = new_id()
    for _ in range(2):
        await worker.told(caller.org, event_id=event_id)
        await worker.tick()

    assert len(receiver.got["/hooks"]) == 1


async def test_what_is_not_taken_comes_again_with_the_same_id_until_the_schedule_ends(
    caller: Caller, receiver: Receiver, worker: Worker
) -> None:
    webhook = await caller.webhook(receiver.url())
    receiver.statuses["/hooks"] = [500] * 20
    event_id = new_id()
    await worker.told(caller.org, event_id=event_id)
    await worker.send(webhook, org=caller.org)
    for attempt, wait in enumerate(WAITS[1:], start=1):
        worker.clock.moment += wait - timedelta(seconds=1)
        await worker.send(webhook, org=caller.org)
        assert len(receiver.got["/hooks"]) == attempt
        worker.clock.moment += timedelta(seconds=1)
        await worker.send(webhook, org=caller.org)
        assert len(receiver.got["/hooks"]) == attempt + 1
    worker.wait(days=20)
    await worker.tick()

    got = receiver.got["/hooks"]
    assert {(headers["webhook-id"], body) for headers, body in got} == {(str(event_id), got[0][1])}
    assert len({headers["webhook-timestamp"] for headers, _ in got}) == len(got) == len(WAITS)
    [delivery] = await deliveries(caller, webhook)
    assert (delivery["status"], delivery["attempts"], delivery["last_status_code"]) == ("failed", 10, 500)
    assert delivery["last_error"] == "The receiver does not take the message (HTTP 500)."


async def test_a_success_after_failures_ends_them(caller: Caller, receiver: Receiver, worker: Worker) -> None:
    webhook = await caller.webhook(receiver.url())
    receiver.statuses["/hooks"] = [500, 302]
    await worker.told(caller.org)
    await worker.tick()
    assert (await caller("GET", f"webhooks/{webhook['id']}")).json()["failing_since"] is not None
    worker.wait(minutes=1)
    await worker.tick()
    worker.wait(minutes=6)
    await worker.tick()

    shown = (await caller("GET", f"webhooks/{webhook['id']}")).json()
    assert (shown["enabled"], shown["failing_since"], shown["version"]) == (True, None, 1)
    assert [(each["status"], each["attempts"]) for each in await deliveries(caller, webhook)] == [("delivered", 3)]


async def test_a_redirect_is_not_followed(caller: Caller, receiver: Receiver, worker: Worker) -> None:
    webhook = await caller.webhook(receiver.url())
    receiver.statuses["/hooks"], receiver.headers = [307], {"location": receiver.url("/elsewhere")}
    await worker.told(caller.org)
    await worker.tick()

    assert receiver.got.keys() == {"/hooks"}
    [delivery] = await deliveries(caller, webhook)
    assert (delivery["status"], delivery["last_status_code"]) == ("pending", 307)
    assert "redirects" in delivery["last_error"]


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_receiver_is_left_alone_for_as_long_as_it_asks_for(
    caller: Caller, receiver: Receiver, worker: Worker, status: int
) -> None:
    webhook = await caller.webhook(receiver.url())
    receiver.statuses["/hooks"], receiver.headers = [status], {"retry-after": "600"}
    await worker.told(caller.org)
    await worker.tick()
    [delivery] = await deliveries(caller, webhook)
    assert datetime.fromisoformat(delivery["next_attempt_at"]) == NOW + timedelta(minutes=10)
    worker.wait(seconds=599)
    assert await worker.send(webhook, org=caller.org) == 0
    worker.wait(seconds=1)
    assert await worker.send(webhook, org=caller.org) == 1
