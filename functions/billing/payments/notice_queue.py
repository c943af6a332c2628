"""The queue between what takes webhook events and what applies them."""

import asyncio
import json
import urllib.error
import urllib.request

from billing.payments.notices import Notice, NotNoted
from llmo_core.aws import Credentials, JsonService
from llmo_core.clock import SystemClock

_TIMEOUT_SECONDS = 5.0


class NoticeQueue:
    """An SQS queue. It is called without an SDK: importing one takes longer than Stripe should have to wait.

    Args:
        service: SQS.
        queue_url: The queue.
    """

    def __init__(self, service: JsonService, queue_url: str) -> None:
        self._service = service
        self._queue_url = queue_url

    async def send(self, notice: Notice) -> None:
        """Return when the queue has the notice. Raises NotNoted."""
        await asyncio.to_thread(self._send, notice)

    def _send(self, notice: Notice) -> None:
        body = json.dumps({"QueueUrl": self._queue_url, "MessageBody": notice.model_dump_json()}).encode()
        now = SystemClock().now()
        headers = self._service.sign("SendMessage", body, credentials=Credentials.from_environment(), now=now)
        call = urllib.request.Request(  # noqa: S310 - the URL is AWS's own or the operator's AWS_ENDPOINT_URL
            f"{self._service.endpoint}/", data=body, headers=headers, method="POST"
        )
        try:
            with urllib.request.urlopen(call, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - as above
                answer.read()
        except urllib.error.HTTPError as error:
            with error:  # it holds the connection
                raise NotNoted(f"The queue does not take events ({error.code}).") from error
        except OSError as error:  # what has no answer: refused, cut off, or too late
            raise NotNoted(f"The queue does not take events ({type(error).__name__}).") from error
