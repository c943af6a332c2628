"""Text messages by Amazon SNS: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from notification.delivery.ports import Outcome, Outgoing, Refused, Sent
from notification.providers.aws import broken_by, once, refused_by
from notification.providers.texts import text_of

_AT_ONCE: Final = 10
_TIMEOUT_SECONDS: Final = 10.0


class Sns:
    """Sends text messages by SNS.

    Args:
        sender: A number, a name of up to eleven letters and digits, or empty for one of AWS's choice.
        client: Of boto3, `sns`; made from the function's own environment unless it is given.
    """

    name = "sns"
    batch = 1

    def __init__(self, *, sender: str = "", client: Any = None) -> None:  # noqa: ANN401 - boto3 has no types
        self._sender = sender
        self._client = client or boto3.client("sns", config=once(_TIMEOUT_SECONDS))
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="sns")

    async def send(self, messages: Sequence[Outgoing]) -> Sequence[Outcome]:
        """Hand text messages over; one outcome for each, in their order."""
        loop = asyncio.get_running_loop()
        return await asyncio.gather(*(loop.run_in_executor(self._threads, self._publish, each) for each in messages))

    async def close(self) -> None:
        """End its threads and close its connections."""
        self._threads.shutdown(wait=False)
        self._client.close()

    def _publish(self, message: Outgoing) -> Outcome:
        text = text_of(message)
        if isinstance(text, Refused):
            return text
        attributes = {"AWS.SNS.SMS.SMSType": "Transactional" if message.critical else "Promotional"}
        if self._sender:
            number = self._sender.startswith("+")
            attributes["AWS.MM.SMS.OriginationNumber" if number else "AWS.SNS.SMS.SenderID"] = self._sender
        try:
            answer = self._client.publish(
                PhoneNumber=message.address,
                Message=text,
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
                },
            )
        except ClientError as error:
            return refused_by(error)
        except BotoCoreError as error:
            return broken_by(error)
        return Sent(str(answer["MessageId"]))
