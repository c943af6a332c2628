"""Delivering to webhooks when receivers are slow, odd or many, and when workers die or are several."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from ipaddress import ip_address

import pytest
from aiohttp import web

from integration.webhook_delivery.sending import LEASE
from llmo_core.addresses import Address, LookupsBusy
from llmo_core.errors import Unavailable
from tests.integration.management.calling import Caller, Management
from tests.integration.management.receiving import Receiver, Worker, deliveries


async def test_a_slow_receiver_does_not_keep_the_others_waiting(
    caller: Caller, stranger: Caller, receiver: Receiver, worker: Worker
) -> None:
    answered = asyncio.Event()

    async def never(_: web.Request) -> web.Response:
        await answered.wait()
        return web.Response()

    receiver.answers["/slow"] = never
    slow = await caller.webhook(receiver.url("/slow"))
    for _ in range(12):
        await worker.told(caller.org)
    for number in range(5):
        await stranger.webhook(receiver.url(f"/{number}"))
    await worker.told(stranger.org)

    await worker.tick()

    assert {f"/{number}" for number in range(5)} <= receiver.got.keys()
    assert len(receiver.got["/slow"]) == 4  # it had one turn, of as many messages as are sent at once
    answered.set()
    states = [each["status"] for each in await deliveries(caller, slow)]
    assert states == ["pending"] * 12
    assert sum(each["attempts"] for each in await deliveries(caller, slow)) == 4


async def test_one_message_that_is_refused_does_not_keep_the_next_ones_back(
    caller: Caller, receiver: Receiver, worker: Worker
) -> None:
    webhook = await caller.webhook(receiver.url())
    receiver.statuses["/hooks"] = [400]
    for _ in range(10):
        await worker.told(caller.org)
    await worker.send(webhook, org=caller.org)

    states = [each["status"] for each in await deliveries(caller, webhook)]
    assert (states.count("delivered"), states.count("pending")) == (9, 1)


async def test_two_workers_send_each_message_once(
    caller: Caller, management: Management, receiver: Receiver, worker: Worker
) -> None:
    webhook = await caller.webhook(receiver.url())
    other = Worker(management)
    for _ in range(20):
        await worker.told(caller.org)

    sent = await asyncio.gather(*(each.send(webhook, org=caller.org) for each in (worker, other, worker)))

    assert sum(sent) == len(receiver.got["/hooks"]) == 20
    assert len({headers["webhook-id"] for headers, _ in receiver.got["/hooks"]}) == 20


async def test_what_arrives_while_another_worker_has_the_webhook_is_sent_by_that_one(
    caller: Caller, receiver: Receiver, worker: Worker
) -> None:
    webhook = await caller.webhook(receiver.url())

    async def another_arrives(_: web.Request) -> web.Response:
        if len(receiver.got["/hooks"]) == 1:
            await worker.told(caller.org)
            assert await worker.send(webhook, org=caller.org) == 0
        return web.Response()

    receiver.answers["/hooks"] = another_arrives
    await worker.told(caller.org)

    assert await worker.send(webhook, org=caller.org) == 2


async def test_what_a_dead_worker_had_is_sent_when_its_lease_has_ended(
    caller: Caller, receiver: Receiver, worker: Worker
) -> None:
    webhook = await caller.webhook(receiver.url())
    [waiting] = await worker.told(caller.org)
    now = worker.clock.now()
    assert await worker.deliveries.lease(waiting, now=now, until=now + LEASE) is not None

    assert await worker.send(webhook, org=caller.org) == 0
    worker.clock.moment += LEASE
    assert await worker.send(webhook, org=caller.org) == 1


async def test_no_message_is_begun_when_the_time_is_up(caller: Caller, receiver: Receiver, worker: Worker) -> None:
    webhook = await caller.webhook(receiver.url())
    await worker.told(caller.org)
    worker.left = timedelta()

    assert await worker.send(webhook, org=caller.org) == await worker.tick() == 0
    assert [each["attempts"] for each in await deliveries(caller, webhook)] == [0]


async def test_of_a_large_answer_little_is_read(caller: Caller, receiver: Receiver, worker: Worker) -> None:
    webhook = await caller.webhook(receiver.url())
    written = 0

    async def large(request: web.Request) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            for _ in range(1_000):
                await response.write(bytes(100_000))
                written += 100_000
        except ConnectionError:
            pass
        return response

    receiver.answers["/hooks"] = large
    await worker.told(caller.org)
    await worker.send(webhook, org=caller.org)

    assert written < 20_000_000  # what fits between two sockets
    assert [each["status"] for each in await deliveries(caller, webhook)] == ["delivered"]


async def test_a_status_is_the_answer_whatever_comes_after_it(
    caller: Caller, receiver: Receiver, worker: Worker
) -> None:
    webhook = await caller.webhook(receiver.url())
    left = asyncio.Event()

    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-length": "100"})
        await response.prepare(request)
        await response.write(b"{")
        await left.wait()
        return response

    receiver.answers["/hooks"] = half
    await worker.told(caller.org)
    await worker.send(webhook, org=caller.org)
    left.set()

    [delivery] = await deliveries(caller, webhook)
    assert (delivery["status"], delivery["last_status_code"]) == ("delivered", 200)


async def test_without_the_key_service_nothing_counts_as_an_attempt(
    caller: Caller, management: Management, receiver: Receiver, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = await caller.webhook(receiver.url())
    await worker.told(caller.org)

    async def down(*_: object, **__: object) -> str:
        raise Unavailable

    with monkeypatch.context() as patch:
        patch.setattr(management.secrets, "open", down)
        assert await worker.send(webhook, org=caller.org) == 0
    assert [each["attempts"] for each in await deliveries(caller, webhook)] == [0]
    assert await worker.send(webhook, org=caller.org) == 1


async def test_one_message_that_brings_out_a_defect_leaves_the_others_their_answers(
    caller: Caller, receiver: Receiver, worker: Worker
) -> None:
    webhook = await caller.webhook(receiver.url())
    for _ in range(3):
        await worker.told(caller.org)
    worker.calls.breaks_at = 2

    await worker.send(webhook, org=caller.org)

    found = [(each["status"], each["attempts"]) for each in await deliveries(caller, webhook)]
    assert sorted(found) == [("delivered", 1), ("delivered", 1), ("pending", 1)]
    worker.wait(minutes=1)
    assert await worker.send(webhook, org=caller.org) == 1
    assert len(receiver.got["/hooks"]) == 3


async def test_a_receiver_that_answers_with_an_impossible_date_is_one_that_fails(
    caller: Caller, receiver: Receiver, worker: Worker
) -> None:
    webhook = await caller.webhook(receiver.url())
    receiver.headers = {"retry-after": "Mon, 01 Jan 99999999999 00:00:00 GMT"}
    receiver.statuses["/hooks"] = [200, 503, 200]
    for _ in range(3):
        await worker.told(caller.org)

    await worker.send(webhook, org=caller.org)

    found = [(each["status"], each["attempts"]) for each in await deliveries(caller, webhook)]
    assert sorted(found) == [("delivered", 1), ("delivered", 1), ("pending", 1)]


async def test_what_waits_for_our_own_lookups_counts_no_attempt(
    caller: Caller, management: Management, receiver: Receiver
) -> None:
    webhook = await caller.webhook(f"http://hooks.example.com:{receiver.port}/hooks")
    busy = [True]

    async def crowded(_: str, __: int) -> Sequence[Address]:
        if busy:
            raise LookupsBusy
        return [ip_address("127.0.0.1")]

    worker = Worker(management, resolving=crowded)
    await worker.told(caller.org)
    assert await worker.send(webhook, org=caller.org) == 0
    [delivery] = await deliveries(caller, webhook)
    assert (delivery["attempts"], delivery["last_error"]) == (0, None)
    assert (await caller("GET", f"webhooks/{webhook['id']}")).json()["failing_since"] is None

    busy.clear()
    assert await worker.send(webhook, org=caller.org) == 1
    assert len(receiver.got["/hooks"]) == 1


@pytest.mark.parametrize("error", [TimeoutError, OSError])
async def test_a_name_without_addresses_fails_its_messages_after_one_lookup(
    caller: Caller, management: Management, error: type[OSError]
) -> None:
    webhook = await caller.webhook("https://hooks.example.com/hooks")
    asked: list[str] = []

    async def nowhere(host: str, _: int) -> Sequence[Address]:
        asked.append(host)
        raise error

    worker = Worker(management, resolving=nowhere)
    for _ in range(6):
        await worker.told(caller.org)
    await worker.send(webhook, org=caller.org)

    assert asked == ["hooks.example.com"]
    found = await deliveries(caller, webhook)
    assert sorted(each["attempts"] for each in found) == [0, 0, 1, 1, 1, 1]
    assert {each["last_error"] for each in found} == {None, "The host's name cannot be resolved to an address."}
