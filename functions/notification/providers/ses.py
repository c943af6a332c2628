"""Mails by Amazon SES: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html.

SES gives mails a `Message-ID` of its own in place of ours.
"""

import asyncio
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from notification.delivery.ports import Failed, Outcome, Outgoing, Refused, Sent
from notification.providers.aws import broken_by, once, refused_by
from notification.providers.mails import Sender, mail_of, written

_AT_ONCE: Final = 10
_TIMEOUT_SECONDS: Final = 10.0
_UNVERIFIED = re.compile("not verified|authority to send")  # our address; in SES's sandbox recipients' too


class Ses:
    """Sends mails by SES.

    Args:
        configuration_set: What SES tells of events by; empty for none.
        client: Of boto3, `sesv2`; made from the function's own environment unless it is given.
    """

    name = "ses"
    batch = 1

    def __init__(self, *, sender: Sender, configuration_set: str = "", client: Any = None) -> None:  # noqa: ANN401 - boto3 has no types
        self._sender = sender
        self._configuration_set = configuration_set
        self._client = client or boto3.client("sesv2", config=once(_TIMEOUT_SECONDS))
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="ses")

    async def send(self, messages: Sequence[Outgoing]) -> Sequence[Outcome]:
        """Hand mails over; one outcome for each, in their order."""
        loop = asyncio.get_running_loop()
        return await asyncio.gather(*(loop.run_in_executor(self._threads, self._send, each) for each in messages))

    async def close(self) -> None:
        """End its threads and close its connections."""
        self._threads.shutdown(wait=False)
        self._client.close()

    def _send(self, message: Outgoing) -> Outcome:
        mail = mail_of(message, self._sender)
        if isinstance(mail, Refused):
            return mail
        made = written(mail, self._sender)
        if made is None:
            return Refused("SES takes no such address: it is not ASCII.")
        tags = {"message_id": str(message.message_id), "category": message.category}
        if message.org_id is not None:
            tags["org_id"] = str(message.org_id)
        options = {"ConfigurationSetName": self._configuration_set} if self._configuration_set else {}
        try:
            answer = self._client.send_email(
                Content={"Raw": {"Data": made.as_bytes()}},
                EmailTags=[{"Name": name, "Value": value} for name, value in tags.items()],
                **options,
            )
        except ClientError as error:
            outcome = refused_by(error)
            if _UNVERIFIED.search(outcome.reason):
                return Failed(outcome.reason, ours=True)
            return outcome
        except BotoCoreError as error:
            return broken_by(error)
        return Sent(str(answer["MessageId"]))
