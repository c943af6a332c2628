"""Everybody who sends mails, each against its stand-in, as the contract looks at them."""

from collections.abc import Sequence
from typing import Any, Protocol

from llmo_core.clock import SystemClock
from notification.delivery.ports import Provider
from notification.providers.mails import Sender
from notification.providers.sendgrid import SendGrid
from tests.fakes.messages import FakeVendors

type Json = dict[str, Any]

SENDER = Sender.parse("LLMOptimizer <no-reply@llmo.example>")


class Mailer(Protocol):
    """A provider of mails, and the world that it sends in."""

    provider: Provider
    nobody: Provider  # the same where nobody listens
    signs_keys: bool  # whether a wrong key is known at once

    def denied(self) -> Provider:
        """The same with a wrong key."""
        ...

    def answers(self, status: int, **headers: str) -> None:
        """Have the next request be answered with this status."""
        ...

    def stalls(self) -> None:
        """Have the next request be answered by nobody."""
        ...

    def loses(self) -> None:
        """Have the next request be carried out, and its answer be lost."""
        ...

    async def sent(self) -> Sequence[Json]:
        """What was sent, the oldest first: to, name, subject, html, text, headers."""
        ...

    async def close(self) -> None:
        """Close its connections."""
        ...


class SendGridMailer:
    """SendGrid."""

    signs_keys = True

    def __init__(self, vendors: FakeVendors) -> None:
        self._vendors = vendors
        self.provider: Provider = self._made(vendors.url)
        self.nobody: Provider = self._made("http://127.0.0.1:1")
        self._opened = [self.provider, self.nobody]

    def _made(self, url: str, key: str = "SG.test") -> SendGrid:
        return SendGrid(key, sender=SENDER, clock=SystemClock(), base_url=url, timeout_seconds=0.5)

    def denied(self) -> Provider:
        denied = self._made(self._vendors.url, "wrong")
        self._opened.append(denied)
        return denied

    def answers(self, status: int, **headers: str) -> None:
        self._vendors.fails("/v3/mail/send", status=status, headers=headers)

    def stalls(self) -> None:
        self._vendors.fails("/v3/mail/send", stall=1.0)

    def loses(self) -> None:
        self._vendors.fails("/v3/mail/send", lost=True)

    async def sent(self) -> Sequence[Json]:
        return self._vendors.sent(provider="sendgrid")[::-1]

    async def close(self) -> None:
        for provider in self._opened:
            await provider.close()
