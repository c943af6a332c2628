"""Claim checks on moto's S3, and dead letters on its FIFO queues."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmo_core.ids import new_id
from llmo_messaging.bus import PublishFailed
from llmo_messaging.claims import ClaimCheck, ClaimUnavailable, NoSuchClaim, S3Claims
from llmo_messaging.dead_letters import SqsDeadLetters
from llmo_messaging.envelope import Envelope, Event
from llmo_messaging.messages import Message
from tests.integration.messaging.backbones import aws_client, s3_claims


class Counted(Event, name="llmo.tests.thing.counted"):
    text: str


def counted(text: str) -> Envelope:
    return Envelope.of(Counted(text=text), event_id=new_id(), org_id=new_id(), time=datetime(2026, 8, 17, tzinfo=UTC))


@pytest.fixture
def claims(moto_url: str) -> S3Claims:
    return s3_claims(moto_url)


async def claimed(claims: S3Claims, event: Envelope) -> Envelope:
    return Envelope.model_validate_json(await ClaimCheck(lambda: claims, largest_bytes=0)(event))


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text())
async def test_what_is_fetched_is_what_was_kept(claims: S3Claims, text: str) -> None:
    event = counted(text)

    message = await claimed(claims, event)

    assert (message.data, message.id, message.orgid) == ({}, event.id, event.orgid)
    assert await claims.fetch(message) == {"text": text}


@pytest.mark.parametrize(("over", "characters"), [(0, "a"), (1, "a"), (0, "🐢"), (1, "🐢")])
async def test_data_is_kept_apart_when_the_message_is_larger_than_a_message_may_be(
    claims: S3Claims, over: int, characters: str
) -> None:
    event = counted(characters * 100)
    largest = len(event.to_json().encode()) - over

    message = Envelope.model_validate_json(await ClaimCheck(lambda: claims, largest_bytes=largest)(event))

    assert (message.dataref is not None) == bool(over)


async def test_publishing_the_same_event_again_keeps_the_same_claim(claims: S3Claims) -> None:
    event = counted("x")

    assert await claimed(claims, event) == await claimed(claims, event)


@pytest.mark.parametrize("part", ["bucket", "organization", "event", "scheme"])
async def test_a_claim_for_anything_else_than_the_events_own_data_is_refused(claims: S3Claims, part: str) -> None:
    event, other = await claimed(claims, counted("x")), await claimed(claims, counted("not yours"))
    assert event.dataref is not None
    foreign = {
        "bucket": event.dataref.replace("s3://llmo-", "s3://other-"),
        "organization": event.dataref.replace(str(event.orgid), str(other.orgid)),
        "event": str(other.dataref),
        "scheme": "https://169.254.169.254/latest/meta-data",
    }[part]

    with pytest.raises(NoSuchClaim, match="is not where data"):
        await claims.fetch(event.model_copy(update={"dataref": foreign}))


async def test_data_that_is_gone_is_no_claim_any_more(moto_url: str) -> None:
    s3 = aws_client("s3", moto_url)
    claims = s3_claims(moto_url)
    event = await claimed(claims, counted("x"))
    bucket, _, key = str(event.dataref).removeprefix("s3://").partition("/")
    s3.delete_object(Bucket=bucket, Key=key)

    with pytest.raises(NoSuchClaim, match="there is nothing"):
        await claims.fetch(event)


async def test_without_s3_nothing_is_published_and_a_claim_waits(claims: S3Claims) -> None:
    event = await claimed(claims, counted("x"))
    bucket = str(event.dataref).removeprefix("s3://").partition("/")[0]
    down = S3Claims(bucket, client=lambda: aws_client("s3", "http://127.0.0.1:1"))

    with pytest.raises(PublishFailed, match="could not be kept"):
        await down.keep(counted("x"))
    with pytest.raises(ClaimUnavailable):
        await down.fetch(event)


async def test_a_dead_letter_of_a_fifo_queue_stays_in_its_group(moto_url: str) -> None:
    sqs = aws_client("sqs", moto_url)
    name = f"{new_id().hex}-dead.fifo"
    url = sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"})["QueueUrl"]

    await SqsDeadLetters(url, client=lambda: sqs).bury(Message("m1", "[]", "queue", group="org-1"), "no detail")

    received: dict[str, Any] = sqs.receive_message(
        QueueUrl=url, MessageSystemAttributeNames=["All"], MessageAttributeNames=["All"]
    )["Messages"][0]
    assert (received["Body"], received["Attributes"]["MessageGroupId"]) == ("[]", "org-1")
    assert received["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "MALFORMED_MESSAGE"
    assert received["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"] == "no detail"
