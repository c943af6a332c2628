"""Just enough of SQS to poll a queue, on the event loop: a long poll ends the moment it is cancelled.

The JSON protocol: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests-json.html
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import aiohttp
import orjson
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.runtime.environment import CREDENTIALS

MAX_RECEIVE = 10
"""Messages in one receive, and entries in one batch call."""

Message = Mapping[str, Any]


class SqsError(Exception):
    """SQS refused a call."""


class SqsClient:
    """Calls SQS at one endpoint.

    Args:
        endpoint_url: The AWS stand-in.
        region: Signed into each call; moto keeps its queues by region.
    """

    def __init__(self, endpoint_url: str, region: str) -> None:
        self._endpoint_url = endpoint_url
        credentials = Credentials(CREDENTIALS["AWS_ACCESS_KEY_ID"], CREDENTIALS["AWS_SECRET_ACCESS_KEY"])
        self._signer = SigV4Auth(credentials, "sqs", region)
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open the connection pool."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))

    async def stop(self) -> None:
        """Close the connection pool. Safe to call twice."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def receive(self, queue_url: str, *, count: int, wait_seconds: int) -> list[Message]:
        """Receive up to ten messages, waiting up to 20 seconds for the first. Raises SqsError, ClientError."""
        answer = await self._call(
            "ReceiveMessage",
            {
                "QueueUrl": queue_url,
                "MaxNumberOfMessages": min(count, MAX_RECEIVE),
                "WaitTimeSeconds": wait_seconds,
                "MessageSystemAttributeNames": ["All"],
                "MessageAttributeNames": ["All"],
            },
        )
        messages: list[Message] = answer.get("Messages", [])
        return messages

    async def delete(self, queue_url: str, messages: Sequence[Message]) -> None:
        """Delete messages that were worked off."""
        await self._batches("DeleteMessageBatch", queue_url, messages, [{} for _ in messages])

    async def make_visible(self, queue_url: str, messages: Sequence[Message], delays: Sequence[int]) -> None:
        """Let messages be received again, each after its delay in seconds."""
        entries = [{"VisibilityTimeout": delay} for delay in delays]
        await self._batches("ChangeMessageVisibilityBatch", queue_url, messages, entries)

    async def _batches(
        self, action: str, queue_url: str, messages: Sequence[Message], more: Sequence[Mapping[str, int]]
    ) -> None:
        entries = [
            {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"], **extra}
            for number, (message, extra) in enumerate(zip(messages, more, strict=True))
        ]
        for first in range(0, len(entries), MAX_RECEIVE):
            await self._call(action, {"QueueUrl": queue_url, "Entries": entries[first : first + MAX_RECEIVE]})

    async def _call(self, action: str, parameters: Mapping[str, object]) -> dict[str, Any]:
        if self._session is None:
            raise RuntimeError("the client is not started")
        request = AWSRequest(
            "POST",
            f"{self._endpoint_url}/",
            data=orjson.dumps(parameters),
            headers={"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"AmazonSQS.{action}"},
        )
        self._signer.add_auth(request)
        async with self._session.post(request.url, data=request.data, headers=dict(request.headers)) as response:
            body = await response.read()
            if response.status != HTTPStatus.OK:
                raise SqsError(f"{action}: {response.status} {body.decode(errors='replace')[:500]}")
            answer: dict[str, Any] = orjson.loads(body)
            return answer
