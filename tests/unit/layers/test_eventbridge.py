"""The EventBridge bus against an in-process stand-in for PutEvents that can fail in every way it is told to."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from llmo_core.aws import Credentials, JsonService
from llmo_core.ids import new_id
from llmo_messaging.bus import PublishFailed
from llmo_messaging.envelope import Envelope, Event
from llmo_messaging.eventbridge import EventBridgeBus
from tests.fakes.serving import serving

NOW = datetime(2026, 8, 17, tzinfo=UTC)
CREDENTIALS = Credentials("AKIA", "secret")


class Counted(Event, name="llmo.tests.thing.counted"):
    number: int
    remark: str = ""


def counted(number: int, *, size_bytes: int = 0) -> Envelope:
    event = Counted(number=number, remark="é" * (size_bytes // 2))
    return Envelope.of(event, event_id=new_id(), org_id=new_id(), time=NOW)


@dataclass
class PutEvents:
    """Keeps each call's numbers. `failures` of an entry are used up first; `status` answers the next calls."""

    url: str = ""
    calls: list[list[int]] = field(default_factory=list)
    failures: dict[int, int] = field(default_factory=dict)
    statuses: list[int] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    called: asyncio.Event = field(default_factory=asyncio.Event)
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def serve(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.requests.append(({name.lower(): value for name, value in request.headers.items()}, body))
        entries = json.loads(body)["Entries"]
        numbers = [json.loads(entry["Detail"])["data"]["number"] for entry in entries]
        self.calls.append(numbers)
        self.called.set()
        await self.gate.wait()
        if self.statuses and (status := self.statuses.pop(0)) != 200:
            return web.Response(status=status, text="no")
        results = [self._result(number) for number in numbers]
        failed = sum("ErrorCode" in result for result in results)
        return web.json_response({"FailedEntryCount": failed, "Entries": results})

    def _result(self, number: int) -> dict[str, str]:
        if self.failures.get(number, 0) > 0:
            self.failures[number] -= 1
            return {"ErrorCode": "InternalFailure", "ErrorMessage": f"{number} was not taken"}
        return {"EventId": str(number)}


@pytest_asyncio.fixture
async def put_events() -> AsyncIterator[PutEvents]:
    fake = PutEvents()
    fake.gate.set()
    async with serving(fake.serve) as fake.url:
        yield fake
        fake.gate.set()


@pytest_asyncio.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
def bus(put_events: PutEvents, session: aiohttp.ClientSession) -> EventBridgeBus:
    return bus_at(put_events.url, lambda: session)


def bus_at(url: str, session: Callable[[], aiohttp.ClientSession], *, calls_at_once: int = 1) -> EventBridgeBus:
    return EventBridgeBus(
        session=session,
        service=JsonService("events", "AWSEvents", "eu-west-1", url),
        bus_name="llmo-test",
        credentials=lambda: CREDENTIALS,
        jitter=lambda: 0.0,
        calls_at_once=calls_at_once,
    )


async def test_a_lone_event_goes_at_once_as_eventbridge_wants_it(put_events: PutEvents, bus: EventBridgeBus) -> None:
    envelope = counted(7)

    await bus.publish([envelope])

    [(headers, body)] = put_events.requests
    assert headers["x-amz-target"] == "AWSEvents.PutEvents"
    assert json.loads(body) == {
        "Entries": [
            {
                "EventBusName": "llmo-test",
                "Source": "llmo.tests",
                "DetailType": "llmo.tests.thing.counted",
                "Detail": envelope.to_json(),
            }
        ]
    }


async def test_publishers_that_come_while_a_call_is_under_way_share_the_next_ones(
    put_events: PutEvents, bus: EventBridgeBus
) -> None:
    put_events.gate.clear()
    first = asyncio.create_task(bus.publish([counted(0)]))
    await put_events.called.wait()
    others = [asyncio.create_task(bus.publish([counted(number)])) for number in range(1, 26)]
    await asyncio.sleep(0)

    put_events.gate.set()
    await asyncio.gather(first, *others)

    assert put_events.calls == [[0], list(range(1, 11)), list(range(11, 21)), list(range(21, 26))]


async def test_one_publication_of_many_events_takes_ten_at_a_time(put_events: PutEvents, bus: EventBridgeBus) -> None:
    await bus.publish([counted(number) for number in range(23)])

    assert sorted(len(call) for call in put_events.calls) == [3, 10, 10]
    assert sorted(number for call in put_events.calls for number in call) == list(range(23))


async def test_a_call_is_never_larger_than_eventbridge_takes(put_events: PutEvents, bus: EventBridgeBus) -> None:
    sizes = [400_000, 400_000, 400_000, 100, 700_000, 1_200_000, 100]

    await bus.publish([counted(number, size_bytes=size) for number, size in enumerate(sizes)])

    assert put_events.calls == [[0, 1], [2, 3], [4], [5], [6]]


async def test_no_more_calls_are_under_way_at_once_than_allowed(
    put_events: PutEvents, session: aiohttp.ClientSession
) -> None:
    put_events.gate.clear()
    bus = bus_at(put_events.url, lambda: session, calls_at_once=2)
    publishing = asyncio.create_task(bus.publish([counted(number) for number in range(50)]))
    while len(put_events.calls) < 2:
        put_events.called.clear()
        await put_events.called.wait()

    assert len(put_events.calls) == 2
    put_events.gate.set()
    await publishing
    assert len(put_events.calls) == 5


async def test_publishing_returns_only_when_the_bus_has_taken_the_event(
    put_events: PutEvents, bus: EventBridgeBus
) -> None:
    put_events.gate.clear()
    publishing = asyncio.create_task(bus.publish([counted(0)]))
    await put_events.called.wait()
    assert not publishing.done()

    put_events.gate.set()
    await publishing


async def test_only_the_entries_that_were_not_taken_are_tried_again(put_events: PutEvents, bus: EventBridgeBus) -> None:
    put_events.failures = {1: 1, 3: 2}

    await bus.publish([counted(number) for number in range(5)])

    assert put_events.calls == [[0, 1, 2, 3, 4], [1, 3], [3]]


async def test_after_four_attempts_publishing_fails_and_says_what_the_bus_said(
    put_events: PutEvents, bus: EventBridgeBus
) -> None:
    put_events.failures = {1: 99}

    with pytest.raises(PublishFailed, match="1 of 3 events were not taken: InternalFailure: 1 was not taken"):
        await bus.publish([counted(number) for number in range(3)])
    assert put_events.calls == [[0, 1, 2], [1], [1], [1]]


async def test_one_publishers_failure_is_not_anothers(put_events: PutEvents, bus: EventBridgeBus) -> None:
    put_events.failures = {1: 99}
    outcomes = await asyncio.gather(*(bus.publish([counted(number)]) for number in range(3)), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [type(None), PublishFailed, type(None)]


@pytest.mark.parametrize("status", [400, 403, 500, 503])
async def test_a_call_that_was_refused_is_tried_again(put_events: PutEvents, bus: EventBridgeBus, status: int) -> None:
    put_events.statuses = [status, status]

    await bus.publish([counted(0)])

    assert put_events.calls == [[0], [0], [0]]


async def test_without_a_bus_publishing_fails(session: aiohttp.ClientSession) -> None:
    with pytest.raises(PublishFailed):
        await bus_at("http://127.0.0.1:1", lambda: session).publish([counted(0)])


@pytest.mark.parametrize("answer", ["<html>", "{}", '{"Entries": []}'])
async def test_an_answer_that_makes_no_sense_is_a_failed_attempt(session: aiohttp.ClientSession, answer: str) -> None:
    async def nonsense(_request: web.Request) -> web.Response:
        return web.Response(text=answer)

    app = web.Application(client_max_size=2**22)
    app.router.add_post("/", nonsense)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        bus = bus_at("http://{}:{}".format(*runner.addresses[0][:2]), lambda: session)
        with pytest.raises(PublishFailed):
            async with asyncio.timeout(5):
                await bus.publish([counted(0)])
    finally:
        await runner.cleanup()


async def test_a_publisher_that_gives_up_does_not_stop_the_others(put_events: PutEvents, bus: EventBridgeBus) -> None:
    put_events.gate.clear()
    impatient = asyncio.create_task(bus.publish([counted(0)]))
    await put_events.called.wait()
    patient: asyncio.Task[Any] = asyncio.create_task(bus.publish([counted(1)]))
    await asyncio.sleep(0)
    impatient.cancel()

    put_events.gate.set()
    await patient
    assert put_events.calls == [[0], [1]]


async def test_publishing_nothing_calls_nobody(put_events: PutEvents, bus: EventBridgeBus) -> None:
    await bus.publish([])

    assert put_events.calls == []
