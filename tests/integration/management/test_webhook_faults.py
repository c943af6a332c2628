"""Delivering to webhooks when receivers are slow, odd or many, and when workers die or are several."""

import asyncio
from datetime import timedelta

import pytest
from aiohttp import web

from integration.webhook_delivery.sending import LEASE
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
