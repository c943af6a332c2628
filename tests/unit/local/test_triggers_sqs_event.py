from typing import Any

import orjson
import pytest

from local.stack import QueueTrigger
from local.triggers.sqs_event import failed_messages, sqs_event

TRIGGER = QueueTrigger(
    queue_url="http://127.0.0.1:1/123456789012/usage",
    queue_arn="arn:aws:sqs:eu-west-1:123456789012:usage",
    function="AnalyticsConsumerFunction",
    batch_size=100,
    window_seconds=1,
    partial_failures=True,
    visibility_seconds=180,
    dead_letter_url=None,
    max_receive_count=0,
)


def message(number: int) -> dict[str, Any]:
    return {
        "MessageId": f"m-{number}",
        "ReceiptHandle": f"h-{number}",
        "Body": f"body {number}",
        "MD5OfBody": "d41d",
        "Attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1767268830000"},
        "MessageAttributes": {"kind": {"DataType": "String", "StringValue": "usage"}},
    }


MESSAGES = [message(1), message(2), message(3)]


def test_an_event_has_the_records_that_lambda_documents() -> None:
    assert orjson.loads(sqs_event([message(1)], TRIGGER)) == {
        "Records": [
            {
                "messageId": "m-1",
                "receiptHandle": "h-1",
                "body": "body 1",
                "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1767268830000"},
                "messageAttributes": {
                    "kind": {
                        "dataType": "String",
                        "stringValue": "usage",
                        "stringListValues": [],
                        "binaryListValues": [],
                    }
                },
                "md5OfBody": "d41d",
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:usage",
                "awsRegion": "eu-west-1",
            }
        ]
    }


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        (None, []),
        ({}, []),
        ({"batchItemFailures": None}, []),
        ({"batchItemFailures": []}, []),
        ({"batchItemFailures": [{"itemIdentifier": "m-2"}]}, ["m-2"]),
        ({"batchItemFailures": [{"itemIdentifier": "m-3"}, {"itemIdentifier": "m-1"}]}, ["m-3", "m-1"]),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, ["m-1", "m-2", "m-3"]),
        ({"batchItemFailures": [{"itemIdentifier": None}]}, ["m-1", "m-2", "m-3"]),
        ({"batchItemFailures": [{"id": "m-1"}]}, ["m-1", "m-2", "m-3"]),
        ({"batchItemFailures": [{"itemIdentifier": "m-1"}, {"itemIdentifier": "m-9"}]}, ["m-1", "m-2", "m-3"]),
        ({"batchItemFailures": "m-1"}, ["m-1", "m-2", "m-3"]),
        ("done", ["m-1", "m-2", "m-3"]),
    ],
)
def test_the_answer_decides_which_messages_come_back(answer: Any, failed: list[str]) -> None:
    found = failed_messages(MESSAGES, orjson.dumps(answer), partial_failures=True)

    assert [one["MessageId"] for one in found] == failed


def test_without_partial_failures_the_answer_is_ignored() -> None:
    answer = orjson.dumps({"batchItemFailures": [{"itemIdentifier": "m-2"}]})

    assert failed_messages(MESSAGES, answer, partial_failures=False) == []
