"""The event that Lambda makes of a batch of messages, and what its answer says about them.

https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html and
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

from collections.abc import Sequence

import orjson

from local.stack import QueueTrigger
from local.triggers.sqs_client import Message


def sqs_event(messages: Sequence[Message], trigger: QueueTrigger) -> bytes:
    """Build the event of one batch."""
    return orjson.dumps({"Records": [_record(message, trigger) for message in messages]})


def _record(message: Message, trigger: QueueTrigger) -> dict[str, object]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": {name: str(value) for name, value in message.get("Attributes", {}).items()},
        "messageAttributes": {
            name: {
                **{key[0].lower() + key[1:]: value for key, value in attribute.items()},
                "stringListValues": [],
                "binaryListValues": [],
            }
            for name, attribute in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": trigger.queue_arn,
        "awsRegion": trigger.queue_arn.split(":")[3],
    }


def failed_messages(messages: Sequence[Message], payload: bytes, *, partial_failures: bool) -> list[Message]:
    """Tell which messages come back to the queue after an invocation without a function error.

    With `ReportBatchItemFailures`, those that `batchItemFailures` names; all of them when it names one that was not in
    the batch, or is not of the documented shape. Without it, none.
    """
    if not partial_failures:
        return []
    answer = orjson.loads(payload)
    failures = answer.get("batchItemFailures") if isinstance(answer, dict) else None
    if not failures:
        return [] if answer is None or isinstance(answer, dict) else list(messages)
    by_id = {message["MessageId"]: message for message in messages}
    failed: list[Message] = []
    for failure in failures if isinstance(failures, list) else [None]:
        identifier = failure.get("itemIdentifier") if isinstance(failure, dict) else None
        if identifier not in by_id:
            return list(messages)
        failed.append(by_id[identifier])
    return failed
