"""Consumers of several events, FIFO queues, and messages that can never be read."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from llmo_core.ids import new_id
from llmo_messaging.claims import ClaimUnavailable, NoSuchClaim
from llmo_messaging.consumer import Consumer, Delivery, Handler
from llmo_messaging.dead_letters import BurialFailed
from llmo_messaging.envelope import Envelope, Event
from llmo_messaging.messages import Message


class Opened(Event, name="llmo.tests.account.opened"):
    number: int


class Closed(Event, name="llmo.tests.account.closed"):
    number: int


class ClosedLater(Event, name="llmo.tests.account.closed", version=2):
    number: int
    reason: str


def record(event: Event, group: str | None = None, **attributes: Any) -> dict[str, Any]:
    made = Envelope.of(event, event_id=new_id(), org_id=new_id(), time=datetime(2026, 8, 17, tzinfo=UTC))
    detail = {**json.loads(made.to_json()), **attributes}
    system = {"MessageGroupId": group} if group else {}
    return {"messageId": str(new_id()), "body": json.dumps({"detail": detail}), "attributes": system}


class Told:
    """Handlers that note what they were told, in order, and fail at the numbers given."""

    def __init__(self, *fails_at: int) -> None:
        self.batches: list[list[tuple[str, int]]] = []
        self._fails_at = fails_at

    def handler(self, event: type[Event]) -> Handler[Any]:
        async def handle(deliveries: Sequence[Delivery[Any]]) -> None:
            numbers = [delivery.event.number for delivery in deliveries]
            if any(number in self._fails_at for number in numbers):
                raise RuntimeError("no")
            self.batches.append([(event.__name__, number) for number in numbers])

        return Handler(event, handle)

    def consumer(self, **options: Any) -> Consumer:
        return Consumer(*(self.handler(event) for event in (Opened, Closed, ClosedLater)), **options)


class Graveyard:
    def __init__(self, *, down: bool = False) -> None:
        self.buried: list[tuple[str, str]] = []
        self.down = down

    async def bury(self, message: Message, reason: str) -> None:
        if self.down:
            raise BurialFailed("down")
        self.buried.append((message.id, reason))


def failed(answer: dict[str, Any]) -> list[str]:
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def ids(*records: Mapping[str, Any]) -> list[str]:
    return [each["messageId"] for each in records]


async def test_each_event_goes_to_its_own_handler_by_type_and_version() -> None:
    told = Told()
    records = [
        record(Opened(number=1)),
        record(Closed(number=2)),
        record(Opened(number=3)),
        record(ClosedLater(number=4, reason="moved")),
        record(Closed(number=5), dataversion=3),
    ]

    assert failed(await told.consumer().process(records)) == []

    assert told.batches == [[("Opened", 1), ("Opened", 3)], [("Closed", 2)], [("ClosedLater", 4)]]


async def test_when_one_handler_fails_the_others_messages_are_done() -> None:
    told = Told(2)
    records = [record(Opened(number=1)), record(Closed(number=2)), record(Opened(number=3))]

    assert failed(await told.consumer().process(records)) == ids(records[1])
    assert told.batches == [[("Opened", 1), ("Opened", 3)]]


async def test_a_fifo_queues_messages_are_handled_in_order() -> None:
    told = Told()
    events = [Opened(number=1), Closed(number=2), Closed(number=3), Opened(number=4)]

    await told.consumer().process([record(event, "org-1") for event in events])

    assert told.batches == [[("Opened", 1)], [("Closed", 2), ("Closed", 3)], [("Opened", 4)]]


async def test_in_a_fifo_queue_nothing_of_a_group_overtakes_what_failed() -> None:
    told = Told(2)
    records = [
        record(Opened(number=1), "org-1"),
        record(Closed(number=2), "org-1"),
        record(Opened(number=3), "org-2"),
        record(Opened(number=4), "org-1"),
        record(Closed(number=5), "org-2"),
    ]

    assert failed(await told.consumer().process(records)) == ids(records[1], records[3])
    assert told.batches == [[("Opened", 1)], [("Opened", 3)], [("Closed", 5)]]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda body: "{" + body, "the body is not JSON"),
        (lambda _: "[" * 100_000, "the body is not JSON"),
        (lambda _: "[]", "the body is no event of EventBridge: it has no detail"),
        (lambda body: body.replace('"number": "secret"', '"number": "x"'), "number: Input should be a valid integer"),
        (lambda body: body.replace('"1.0"', '"0.3"'), "specversion: Input should be '1.0'"),
        (lambda body: body.replace('"data":', '"other":'), "the event: Value error, neither data nor dataref"),
    ],
)
async def test_a_message_that_can_never_be_read_is_buried_with_the_reason(
    spoil: Callable[[str], str], reason: str
) -> None:
    told, graveyard = Told(), Graveyard()
    good, bad = record(Opened(number=1)), record(Opened(number=2), data={"number": "secret"})
    bad["body"] = spoil(bad["body"])

    answer = await told.consumer(dead_letters=lambda: graveyard).process([good, bad])

    assert failed(answer) == []
    assert told.batches == [[("Opened", 1)]]
    ((message_id, said),) = graveyard.buried
    assert message_id == bad["messageId"]
    assert said.startswith(reason)


async def test_a_reason_does_not_tell_what_stood_in_the_message(caplog: pytest.LogCaptureFixture) -> None:
    graveyard = Graveyard()

    await (
        Told()
        .consumer(dead_letters=lambda: graveyard)
        .process([record(Opened(number=1), data={"number": "hush-hush"})])
    )

    assert "hush-hush" not in graveyard.buried[0][1]
    assert "hush-hush" not in caplog.text


async def test_a_message_that_cannot_be_buried_stays_and_holds_up_its_group_only() -> None:
    told = Told()
    records = [
        record(Opened(number=1), "org-1", id="no uuid"),
        record(Opened(number=2), "org-1"),
        record(Opened(number=3), "org-2"),
    ]

    answer = await told.consumer(dead_letters=lambda: Graveyard(down=True)).process(records)

    assert failed(answer) == ids(records[0], records[1])
    assert told.batches == [[("Opened", 3)]]


class Claims:
    """Has the data of one event."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    async def keep(self, event: Envelope) -> str:
        raise NotImplementedError(event)

    async def fetch(self, event: Envelope) -> Mapping[str, Any]:
        if self._error is not None:
            raise self._error
        return {"number": 7, "of": str(event.id)}


def claim() -> dict[str, Any]:
    made = record(Opened(number=1), dataref="s3://b/k")
    detail = json.loads(made["body"])["detail"]
    del detail["data"]
    return {**made, "body": json.dumps({"detail": detail})}


async def test_the_data_of_a_claim_is_fetched() -> None:
    told = Told()

    assert failed(await told.consumer(claims=Claims).process([claim()])) == []
    assert told.batches == [[("Opened", 7)]]


async def test_a_claim_that_cannot_be_fetched_now_is_delivered_again() -> None:
    told, graveyard, records = Told(), Graveyard(), [claim(), record(Opened(number=2))]
    options = {"claims": lambda: Claims(ClaimUnavailable()), "dead_letters": lambda: graveyard}

    assert failed(await told.consumer(**options).process(records)) == ids(records[0])
    assert (told.batches, graveyard.buried) == ([[("Opened", 2)]], [])


async def test_a_claim_for_nothing_is_malformed() -> None:
    graveyard = Graveyard()
    options = {"claims": lambda: Claims(NoSuchClaim("nothing there")), "dead_letters": lambda: graveyard}

    assert failed(await Told().consumer(**options).process([claim()])) == []
    assert [reason for _, reason in graveyard.buried] == ["nothing there"]
