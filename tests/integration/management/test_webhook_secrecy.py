"""Nobody reaches by a webhook what is inside, what is another organization's, or what it is signed with."""

import logging
from collections.abc import Sequence
from ipaddress import ip_address

import pytest

from integration.webhook_delivery.models import Waiting
from integration.webhook_delivery.sending import LEASE
from llmo_core.addresses import Address
from tests.integration.management.calling import Caller, Management
from tests.integration.management.receiving import Receiver, Worker, deliveries
from tests.integration.statements import run

PRIVATE = ["127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.1.1", "::1", "fd00:ec2::254", "100.64.0.1"]


@pytest.mark.parametrize("address", PRIVATE)
async def test_a_name_that_leads_inside_is_not_called(
    caller: Caller, management: Management, receiver: Receiver, address: str
) -> None:
    webhook = await caller.webhook(f"https://hooks.example.com:{receiver.port}/hooks")

    async def inside(_: str, __: int) -> Sequence[Address]:
        return [ip_address("93.184.215.14"), ip_address(address)]

    worker = Worker(management, private=False, resolving=inside)
    await worker.told(caller.org)
    await worker.send(webhook, org=caller.org)

    assert receiver.got == {}
    [delivery] = await deliveries(caller, webhook)
    assert (delivery["status"], delivery["last_status_code"]) == ("pending", None)
    assert "address is not called" in delivery["last_error"]


async def test_a_name_is_resolved_once_and_what_was_looked_at_is_called(
    caller: Caller, management: Management, receiver: Receiver
) -> None:
    webhook = await caller.webhook(f"http://rebinding.example.com:{receiver.port}/hooks")
    asked: list[str] = []

    async def rebinding(host: str, _: int) -> Sequence[Address]:
        asked.append(host)
        return [ip_address("127.0.0.1" if len(asked) == 1 else "169.254.169.254")]

    worker = Worker(management, resolving=rebinding)
    for _ in range(6):
        await worker.told(caller.org)
    await worker.send(webhook, org=caller.org)

    assert (len(receiver.got["/hooks"]), len(asked)) == (6, 1)
    await worker.told(caller.org)
    await worker.send(webhook, org=caller.org)
    assert (len(receiver.got["/hooks"]), len(asked)) == (6, 2)
    assert (await deliveries(caller, webhook))[0]["status"] == "pending"


async def test_an_address_that_was_allowed_once_is_not_called_when_it_is_no_more(
    caller: Caller, management: Management, receiver: Receiver
) -> None:
    webhook = await caller.webhook(receiver.url())
    worker = Worker(management, private=False)
    await worker.told(caller.org)
    await worker.send(webhook, org=caller.org)

    assert receiver.got == {}
    assert "address is not called" in (await deliveries(caller, webhook))[0]["last_error"]


async def test_a_webhook_of_another_organization_is_nobodys_to_lease(
    caller: Caller, stranger: Caller, worker: Worker
) -> None:
    webhook = await caller.webhook()
    now = worker.clock.now()
    stolen = Waiting(stranger.org.org_id, webhook["id"])

    assert await worker.deliveries.lease(stolen, now=now, until=now + LEASE) is None


async def test_secrets_are_in_no_answer_log_event_or_row(
    caller: Caller,
    management: Management,
    receiver: Receiver,
    worker: Worker,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    body = {"url": receiver.url(), "event_types": ["batch.completed"]}
    made = await caller("POST", "webhooks", json=body, headers={"Idempotency-Key": "once"})
    path = f"webhooks/{made.json()['id']}"
    rotated = await caller("POST", f"{path}/rotate-secret")
    receiver.statuses["/hooks"] = [500]
    await worker.told(caller.org)
    await worker.tick()
    answers = [
        await caller("POST", f"{path}/test"),
        await caller("GET", path),
        await caller("GET", "webhooks"),
        await caller("GET", f"{path}/deliveries"),
        await caller("PATCH", path, json={"description": "x"}),
    ]
    seen = "".join(f"{answer.headers}{answer.text}" for answer in answers) + caplog.text + "".join(capfd.readouterr())
    seen += str(await management.announced(caller.org.org_id))
    async with management.database.transaction(caller.org.org_id) as connection:
        for table in ("webhooks", "webhook_deliveries", "idempotency_keys"):
            seen += str(await run(connection, "SELECT * FROM integration.{}", table))
    for secret in (made.json()["secret"], rotated.json()["secret"]):
        text = secret.removeprefix("whsec_")
        assert text not in seen
        assert text.encode().hex() not in seen
