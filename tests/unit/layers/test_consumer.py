import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from llmo_core.ids import new_id
from llmo_core.observability import metrics
from llmo_messaging.consumer import BatchFailed, Consumer, Delivery, HandledInPart, Handler
from llmo_messaging.envelope import Envelope, Event


class Counted(Event, name="llmo.tests.thing.counted"):
    count: int


def envelope(**attributes: Any) -> dict[str, Any]:
    made = Envelope.of(Counted(count=1), event_id=new_id(), org_id=new_id(), time=datetime(2026, 8, 17, tzinfo=UTC))
    return {**json.loads(made.to_json()), **attributes}


def message(number: int, detail: object) -> dict[str, str]:
    return {"messageId": f"m{number}", "body": json.dumps({"detail": detail})}


def rabbitmq_event(*bodies: str) -> dict[str, Any]:
    """As Lambda's Amazon MQ trigger makes it: https://docs.aws.amazon.com/lambda/latest/dg/with-mq.html."""
    messages = [
        {
            "basicProperties": {"contentType": "application/cloudevents+json", "messageId": None, "deliveryMode": 2},
            "redelivered": False,
            "data": base64.b64encode(body.encode()).decode(),
        }
        for body in bodies
    ]
    return {
        "eventSource": "aws:rmq",
        "eventSourceArn": "arn:aws:mq:eu-west-1:123456789012:broker:llmo:b-1",
        "rmqMessagesByQueue": {"analytics.usage::/": messages},
    }


class Kept:
    def __init__(self, *, fails: bool = False) -> None:
        self.batches: list[Sequence[Delivery[Counted]]] = []
        self.fails = fails

    async def __call__(self, deliveries: Sequence[Delivery[Counted]]) -> None:
        self.batches.append(deliveries)
        if self.fails:
            raise RuntimeError("the store is down")


def failed(answer: dict[str, Any]) -> list[str]:
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


async def test_a_batch_is_handled_at_once_and_nothing_is_reported() -> None:
    kept = Kept()
    details = [envelope(), envelope()]

    answer = await Consumer(Handler(Counted, kept)).process([message(n, detail) for n, detail in enumerate(details)])

    assert answer == {"batchItemFailures": []}
    [batch] = kept.batches
    assert [str(delivery.envelope.id) for delivery in batch] == [detail["id"] for detail in details]
    assert [delivery.event.count for delivery in batch] == [1, 1]


@pytest.mark.parametrize("positions", [[], [1], [0, 2], [0, 1, 2]])
async def test_of_a_batch_that_was_handled_in_part_the_rest_is_delivered_again(positions: list[int]) -> None:
    async def handle(deliveries: Sequence[Delivery[Counted]]) -> None:
        raise HandledInPart([deliveries[position] for position in positions])

    same = envelope()
    answer = await Consumer(Handler(Counted, handle)).process([message(number, same) for number in range(3)])

    assert failed(answer) == [f"m{position}" for position in positions]


@pytest.mark.parametrize(
    "body",
    [
        "not json",
        "[]",
        "{}",
        json.dumps({"detail": None}),
        json.dumps({"detail": envelope(specversion="0.3")}),
        json.dumps({"detail": envelope(id="x")}),
        json.dumps({"detail": envelope(data={"count": "many"})}),
        json.dumps({"detail": envelope(data=[])}),
    ],
)
async def test_a_message_that_cannot_be_read_fails_alone(body: str) -> None:
    kept = Kept()
    records = [message(0, envelope()), {"messageId": "m1", "body": body}, message(2, envelope())]

    answer = await Consumer(Handler(Counted, kept)).process(records)

    assert failed(answer) == ["m1"]
    assert len(kept.batches[0]) == 2


@pytest.mark.parametrize("attributes", [{"type": "llmo.tests.thing.lost"}, {"dataversion": 2, "data": {"n": 1}}])
async def test_events_of_other_types_and_versions_are_acknowledged(attributes: dict[str, Any]) -> None:
    kept = Kept()

    answer = await Consumer(Handler(Counted, kept)).process([message(0, envelope(**attributes))])

    assert failed(answer) == []
    assert kept.batches == []


async def test_fields_that_the_consumer_does_not_know_are_ignored() -> None:
    kept = Kept()

    answer = await Consumer(Handler(Counted, kept)).process(
        [message(0, envelope(extra=1, data={"count": 2, "colour": "red"}))]
    )

    assert failed(answer) == []
    assert kept.batches[0][0].event == Counted(count=2)


async def test_when_handling_fails_the_whole_batch_is_delivered_again(caplog: pytest.LogCaptureFixture) -> None:
    records = [message(0, envelope()), {"messageId": "m1", "body": "broken"}, message(2, envelope())]

    answer = await Consumer(Handler(Counted, Kept(fails=True))).process(records)

    assert sorted(failed(answer)) == ["m0", "m1", "m2"]
    assert "the store is down" in caplog.text


def test_one_invocation_writes_its_metrics_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    metrics().clear_metrics()

    Consumer(Handler(Counted, Kept())).lambda_handler({"Records": [message(0, envelope()), message(1, envelope())]})

    [line] = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    assert line["EventsConsumed"] == [2.0]


def test_an_invocation_without_messages_does_nothing() -> None:
    assert Consumer(Handler(Counted, Kept())).lambda_handler({"Records": []}) == {"batchItemFailures": []}


def test_a_batch_from_rabbitmq_is_handled_by_the_same_consumer() -> None:
    kept = Kept()
    details = [envelope(), envelope(type="llmo.tests.thing.lost"), envelope()]

    answer = Consumer(Handler(Counted, kept)).lambda_handler(rabbitmq_event(*map(json.dumps, details)))

    assert answer == {}
    [batch] = kept.batches
    assert [str(delivery.envelope.id) for delivery in batch] == [details[0]["id"], details[2]["id"]]


@pytest.mark.parametrize("body", ["not json", "[]", json.dumps(envelope(id="x"))])
def test_a_message_from_rabbitmq_that_cannot_be_read_fails_the_invocation_after_the_others_are_handled(
    body: str, capsys: pytest.CaptureFixture[str]
) -> None:
    metrics().clear_metrics()
    kept = Kept()
    event = rabbitmq_event(json.dumps(envelope()), body, json.dumps(envelope()))

    with pytest.raises(BatchFailed, match="1 of 3"):
        Consumer(Handler(Counted, kept)).lambda_handler(event)

    assert len(kept.batches[0]) == 2
    [line] = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    assert (line["EventsConsumed"], line["MessagesMalformed"]) == ([2.0], [1.0])


def test_data_from_rabbitmq_that_is_no_base64_fails_the_invocation() -> None:
    event = rabbitmq_event("")
    event["rmqMessagesByQueue"]["analytics.usage::/"][0]["data"] = "no base64!"

    with pytest.raises(BatchFailed):
        Consumer(Handler(Counted, Kept())).lambda_handler(event)


def test_when_handling_a_batch_from_rabbitmq_fails_the_invocation_fails() -> None:
    with pytest.raises(BatchFailed, match="1 of 1"):
        Consumer(Handler(Counted, Kept(fails=True))).lambda_handler(rabbitmq_event(json.dumps(envelope())))
