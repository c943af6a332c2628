"""Claim checks: data too large for a message is kept in S3, and the message carries where.

The reference is CloudEvents' `dataref`: https://github.com/cloudevents/spec/blob/main/cloudevents/extensions/dataref.md.
EventBridge and SQS take 1 MB (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html); what SQS and
Lambda wrap around an event needs some of that.

boto3 is imported with the first event that is too large: hardly any is.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Protocol

from llmo_core.errors import NotFound, Unavailable
from llmo_messaging.bus import PublishFailed
from llmo_messaging.envelope import Envelope

LARGEST_BYTES = 900_000
_MOST_BYTES_PER_CHARACTER = 4  # of UTF-8


class ClaimUnavailable(Unavailable):
    """S3 did not give the data of an event; a later attempt may succeed."""


class NoSuchClaim(NotFound):
    """The data of an event is not where it says, or that is not where data is kept."""


class Claims(Protocol):
    """Keeps the data of large events."""

    async def keep(self, event: Envelope) -> str:
        """Keep an event's data and return the reference to it. Safe to repeat. Raises PublishFailed."""
        ...

    async def fetch(self, event: Envelope) -> Mapping[str, Any]:
        """The data that the event's `dataref` names. Raises ClaimUnavailable and NoSuchClaim."""
        ...


class S3Claims:
    """The data of large events in one bucket, as `events/<organization>/<event>.json`.

    A reference to any other place is refused: whoever can publish an event must not make a consumer read what they
    could not read themselves.

    Args:
        bucket: Deletes its objects by itself, later than any queue forgets a message.
        client: Gives boto3's S3 client.
    """

    def __init__(self, bucket: str, *, client: Callable[[], Any] | None = None) -> None:
        self._bucket = bucket
        self._client = client or _s3

    async def keep(self, event: Envelope) -> str:
        """Keep an event's data and return the reference to it. Safe to repeat. Raises PublishFailed."""
        body = json.dumps(event.data, separators=(",", ":"), ensure_ascii=False).encode()
        try:
            await asyncio.to_thread(self._put, _key(event), body)
        except Exception as error:
            raise PublishFailed(f"the data of {event.id} could not be kept: {error}") from error
        return self._reference(event)

    async def fetch(self, event: Envelope) -> Mapping[str, Any]:
        """The data that the event's `dataref` names. Raises ClaimUnavailable and NoSuchClaim."""
        if event.dataref != self._reference(event):
            raise NoSuchClaim(f"{event.dataref} is not where data of {event.id} is kept")
        try:
            data: Mapping[str, Any] = json.loads(await asyncio.to_thread(self._get, _key(event)))
        except NoSuchClaim:
            raise
        except Exception as error:
            raise ClaimUnavailable(f"the data of {event.id} could not be fetched: {error}") from error
        return data

    def _reference(self, event: Envelope) -> str:
        return f"s3://{self._bucket}/{_key(event)}"

    def _put(self, key: str, body: bytes) -> None:
        self._client().put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")

    def _get(self, key: str) -> bytes:
        client = self._client()
        try:
            body: bytes = client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except client.exceptions.NoSuchKey as error:
            raise NoSuchClaim(f"there is nothing at {key}") from error
        return body


class ClaimCheck:
    """Writes an event as its message's text, with a claim in place of data that is too large.

    Args:
        claims: Gives the keeper of data, at the first event that is too large.
        largest_bytes: What a message may hold.
    """

    def __init__(self, claims: Callable[[], Claims], *, largest_bytes: int = LARGEST_BYTES) -> None:
        self._claims = claims
        self._largest = largest_bytes

    async def __call__(self, event: Envelope) -> str:
        """The event as JSON. Raises PublishFailed when its data could not be kept."""
        text = event.to_json()
        if len(text) * _MOST_BYTES_PER_CHARACTER <= self._largest or len(text.encode()) <= self._largest:
            return text
        reference = await self._claims().keep(event)
        return event.model_copy(update={"data": {}, "dataref": reference}).to_json()


def _key(event: Envelope) -> str:
    return f"events/{event.orgid or 'nobody'}/{event.id}.json"


@cache
def _s3() -> Any:  # noqa: ANN401 - boto3 makes its client classes at run time
    import boto3  # noqa: PLC0415 - a quarter of a second, which is not spent where no event is large

    return boto3.client("s3")
