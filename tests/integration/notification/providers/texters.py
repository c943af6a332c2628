"""Everybody who sends text messages, each against its stand-in, as the contract looks at them."""

from typing import Any, Protocol

from llmo_core.clock import SystemClock
from notification.delivery.ports import Provider
from notification.providers.sns import Sns
from notification.providers.twilio import Twilio
from tests.fakes.aws_mail import FakeAws
from tests.fakes.messages import FakeVendors
from tests.integration.notification.providers.mailers import HURRY, PATIENCE

type Json = dict[str, Any]

ACCOUNT = "AC" + "0" * 32
TOKEN = "of-a-test"


class Texter(Protocol):
    """A provider of text messages, and the world that it sends in."""

    provider: Provider
    hurried: Provider  # the same that waits for a second only
    nobody: Provider  # the same where nobody listens

    def answers(self, status: int) -> None:
        """Have the next request be answered with this status: 429 or 503."""
        ...

    def stalls(self) -> None:
        """Have the next request be answered by nobody."""
        ...

    def loses(self) -> None:
        """Have the next request be carried out, and its answer be lost."""
        ...

    async def sent(self) -> list[tuple[str, str]]:
        """Numbers and texts, the oldest first."""
        ...

    async def close(self) -> None:
        """Close its connections."""
        ...


class TwilioTexter:
    """Twilio."""

    def __init__(self, vendors: FakeVendors) -> None:
        self._vendors = vendors
        self.provider: Provider = twilio(vendors.url)
        self.hurried: Provider = twilio(vendors.url, timeout_seconds=HURRY)
        self.nobody: Provider = twilio("http://127.0.0.1:1")

    def answers(self, status: int) -> None:
        body = {"code": 20500, "message": "A fault that was asked for.", "status": status}
        self._vendors.fails(".*/Messages.json", status=status, body=body)

    def stalls(self) -> None:
        self._vendors.fails(".*/Messages.json", stall=4.0)

    def loses(self) -> None:
        self._vendors.fails(".*/Messages.json", lost=True)

    async def sent(self) -> list[tuple[str, str]]:
        return [(each["to"], each["text"]) for each in self._vendors.sent(provider="twilio")[::-1]]

    async def close(self) -> None:
        for provider in (self.provider, self.hurried, self.nobody):
            await provider.close()


class SnsTexter:
    """SNS."""

    def __init__(self, aws: FakeAws) -> None:
        self._aws = aws
        self.provider: Provider = Sns(sender="LLMO", client=aws.client("sns"))
        self.hurried: Provider = Sns(sender="LLMO", client=aws.client("sns", timeout_seconds=HURRY))
        self.nobody: Provider = Sns(client=aws.client("sns", "http://127.0.0.1:1"))

    def answers(self, status: int) -> None:
        code = {429: "ThrottledException", 503: "ServiceUnavailable"}[status]
        body = f"<ErrorResponse><Error><Code>{code}</Code><Message>Later.</Message></Error></ErrorResponse>"
        self._aws.faults.add({"status": status, "body": body})

    def stalls(self) -> None:
        self._aws.faults.add({"stall": 4.0})

    def loses(self) -> None:
        self._aws.faults.add({"lost": True})

    async def sent(self) -> list[tuple[str, str]]:
        return self._aws.texts()

    async def close(self) -> None:
        for provider in (self.provider, self.hurried, self.nobody):
            await provider.close()


def twilio(
    url: str,
    *,
    sender: str = "+15005550006",
    auth_token: str = TOKEN,
    status_callback: str = "",
    timeout_seconds: float = PATIENCE,
) -> Twilio:
    return Twilio(
        ACCOUNT,
        auth_token,
        sender=sender,
        clock=SystemClock(),
        status_callback=status_callback,
        base_url=url,
        timeout_seconds=timeout_seconds,
    )
