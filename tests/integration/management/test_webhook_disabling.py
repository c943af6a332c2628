"""When webhooks are told of nothing any more, what becomes of what waits, and which secrets sign."""

from datetime import UTC, datetime
from uuid import UUID

from aiohttp import web
from standardwebhooks import Webhook

from integration.webhook_delivery.schedule import WAITS
from tests.integration.management.calling import Caller, Management
from tests.integration.management.receiving import Receiver, Worker, deliveries


async def test_a_receiver_that_is_gone_is_told_of_nothing_any_more(
    caller: Caller, management: Management, receiver: Receiver, worker: Worker
) -> None:
    webhook = await caller.webhook(receiver.url(), description="Operations")
    receiver.statuses["/hooks"] = [500] * 4 + [410]
    for _ in range(6):
        await worker.told(caller.org)
    await worker.tick()
    worker.wait(days=1)
    await worker.told(caller.org)
    await worker.tick()

    got = len(receiver.got["/hooks"])
    assert got < 9
    shown = (await caller("GET", f"webhooks/{webhook['id']}")).json()
    assert (shown["enabled"], shown["disabled_reason"], shown["version"]) == (False, "gone", 2)
    assert {each["status"] for each in await deliveries(caller, webhook)} <= {"failed", "delivered"}
    told = (await management.announced(caller.org.org_id))[-1]
    assert told.type == "llmo.integration.webhook.disabled"
    assert (told.data["webhook_id"], told.data["reason"]) == (webhook["id"], "gone")
    assert "127.0.0.1" not in str(told.data)


async def test_a_webhook_that_fails_for_five_days_is_disabled_and_its_organization_hears_of_it(
    caller: Caller, management: Management, receiver: Receiver, worker: Worker
) -> None:
    webhook = await caller.webhook(receiver.url())
    receiver.statuses["/hooks"] = [500] * 100
    for _ in range(5):
        await worker.told(caller.org)
        await worker.tick()
        worker.wait(days=1)
        assert (await caller("GET", f"webhooks/{webhook['id']}")).json()["enabled"]
    await worker.tick()

    shown = (await caller("GET", f"webhooks/{webhook['id']}")).json()
    assert (shown["enabled"], shown["disabled_reason"]) == (False, "failing")
    assert {each["status"] for each in await deliveries(caller, webhook)} == {"failed"}
    kinds = [each.type for each in await management.announced(caller.org.org_id)]
    assert kinds.count("llmo.integration.webhook.disabled") == 1
    assert await worker.told(caller.org) == []

    enabled = await caller("PATCH", f"webhooks/{webhook['id']}", json={"enabled": True})
    assert (enabled.json()["disabled_reason"], enabled.json()["failing_since"]) == (None, None)


async def test_a_rotated_secret_signs_beside_the_new_one_for_a_day(
    caller: Caller, receiver: Receiver, worker: Worker
) -> None:
    webhook = await caller.webhook(receiver.url())
    rotated = await caller("POST", f"webhooks/{webhook['id']}/rotate-secret")
    assert rotated.status_code == 200
    old, new = webhook["secret"], rotated.json()["secret"]
    assert old != new
    signatures = []
    for pause in ({"hours": 0}, {"hours": 24}):
        worker.wait(**pause)
        await worker.told(caller.org)
        await worker.tick()
        headers, body = receiver.got["/hooks"][-1]
        moment = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        by_both = [Webhook(secret).sign(headers["webhook-id"], moment, body.decode()) for secret in (new, old)]
        signatures.append((headers["webhook-signature"].split(" "), by_both))

    during, after = signatures
    assert during[0] == during[1]
    assert after[0] == after[1][:1]


async def test_somebody_has_a_delivery_made_again(caller: Caller, receiver: Receiver, worker: Worker) -> None:
    webhook = await caller.webhook(receiver.url())
    await worker.told(caller.org)
    await worker.tick()
    [delivery] = await deliveries(caller, webhook)
    path = f"webhooks/{webhook['id']}/deliveries/{delivery['id']}/retry"

    again = await caller("POST", path)
    assert (again.status_code, again.json()["status"]) == (202, "pending")
    await worker.tick()

    [first, second] = receiver.got["/hooks"]
    assert first[0]["webhook-id"] == second[0]["webhook-id"]
    assert [(each["status"], each["attempts"]) for each in await deliveries(caller, webhook)] == [("delivered", 2)]
    await caller("PATCH", f"webhooks/{webhook['id']}", json={"enabled": False})
    assert (await caller("POST", path)).status_code == 409
    assert (await caller("POST", path.replace(delivery["id"], str(UUID(int=1))))).status_code == 409


async def test_what_waits_for_a_webhook_that_is_disabled_or_removed_is_given_up(
    caller: Caller, receiver: Receiver, worker: Worker
) -> None:
    disabled, removed = await caller.webhook(receiver.url("/a")), await caller.webhook(receiver.url("/b"))
    await worker.told(caller.org)
    await caller("PATCH", f"webhooks/{disabled['id']}", json={"enabled": False})
    await caller("DELETE", f"webhooks/{removed['id']}")

    await worker.tick()

    assert receiver.got == {}
    [delivery] = await deliveries(caller, disabled)
    assert (delivery["status"], delivery["last_error"]) == ("failed", "The webhook was disabled.")


async def test_a_webhook_with_little_to_tell_is_not_disabled_by_one_failure_a_month_after_another(
    caller: Caller, receiver: Receiver, worker: Worker
) -> None:
    webhook = await caller.webhook(receiver.url())
    receiver.statuses["/hooks"] = [500] * (len(WAITS) + 1)
    await worker.told(caller.org)
    for wait in WAITS:
        worker.clock.moment += wait
        await worker.send(webhook, org=caller.org)
    assert [each["status"] for each in await deliveries(caller, webhook)] == ["failed"]
    assert (await caller("GET", f"webhooks/{webhook['id']}")).json()["failing_since"] is None
    worker.wait(days=30)

    await worker.told(caller.org)
    await worker.send(webhook, org=caller.org)
    shown = (await caller("GET", f"webhooks/{webhook['id']}")).json()
    assert (shown["enabled"], datetime.fromisoformat(shown["failing_since"])) == (True, worker.clock.now())

    worker.wait(minutes=1)
    await worker.send(webhook, org=caller.org)
    assert [each["status"] for each in await deliveries(caller, webhook)] == ["delivered", "failed"]


async def test_what_somebody_forgives_while_a_message_is_under_way_stays_forgiven(
    caller: Caller, receiver: Receiver, worker: Worker
) -> None:
    webhook = await caller.webhook(receiver.url())
    path = f"webhooks/{webhook['id']}"
    receiver.statuses["/hooks"] = [500]
    await worker.told(caller.org)
    await worker.send(webhook, org=caller.org)
    worker.wait(days=6)

    async def forgiven(_: web.Request) -> web.Response:
        await caller("PATCH", path, json={"enabled": True})
        return web.Response(status=500)

    receiver.answers["/hooks"] = forgiven
    await worker.send(webhook, org=caller.org)

    shown = (await caller("GET", path)).json()
    assert (shown["enabled"], datetime.fromisoformat(shown["failing_since"])) == (True, worker.clock.now())
