"""The queue between what takes webhook events and what applies them."""

import json
from http import HTTPStatus

from billing.payments.notices import Notice, NotNoted
from billing.signed_calls import post
from llmo_core.aws import JsonService


class NoticeQueue:
    """An SQS queue, called without an SDK: Stripe waits for that.

    Args:
        service: SQS.
        queue_url: The queue.
    """

    def __init__(self, service: JsonService, queue_url: str) -> None:
        self._service = service
        self._queue_url = queue_url

    async def send(self, notice: Notice) -> None:
        """Return when the queue has the notice. Raises NotNoted."""
        body = json.dumps({"QueueUrl": self._queue_url, "MessageBody": notice.model_dump_json()}).encode()
        try:
            status, _ = await post(self._service, "SendMessage", body)
        except OSError as error:  # what has no answer: refused, cut off, or too late
            raise NotNoted(f"The queue does not take events ({type(error).__name__}).") from error
        if status != HTTPStatus.OK:
            raise NotNoted(f"The queue does not take events ({status}).")
