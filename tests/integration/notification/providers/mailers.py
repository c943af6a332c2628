"""Everybody who sends mails, each against its stand-in, as the contract looks at them."""

from collections.abc import Sequence
from email.message import EmailMessage
from typing import Any, Protocol

from llmo_core.clock import SystemClock
from notification.delivery.ports import Provider
from notification.providers.mails import Sender
from notification.providers.sendgrid import SendGrid
from notification.providers.ses import Ses
from notification.providers.smtp import Smtp
from tests.fakes.aws_mail import FakeAws
from tests.fakes.messages import FakeVendors

type Json = dict[str, Any]

PATIENCE, HURRY = 20.0, 1.0  # seconds; nothing but a test of the time itself may depend on how busy a machine is
SENDER = Sender.parse("LLMOptimizer <no-reply@llmo.example>")


class Mailer(Protocol):
    """A provider of mails, and the world that it sends in."""

    provider: Provider
    hurried: Provider  # the same that waits for a second only
    nobody: Provider  # the same where nobody listens

    def denied(self) -> Provider:
        """The same with an account that is refused."""
        ...

    def is_down(self) -> None:
        """Have the next request be refused for now."""
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

    def __init__(self, vendors: FakeVendors) -> None:
        self._vendors = vendors
        self.provider: Provider = self._made(vendors.url)
        self.hurried: Provider = self._made(vendors.url, timeout_seconds=HURRY)
        self.nobody: Provider = self._made("http://127.0.0.1:1")
        self._opened = [self.provider, self.hurried, self.nobody]

    def _made(self, url: str, key: str = "SG.test", *, timeout_seconds: float = PATIENCE) -> SendGrid:
        return SendGrid(key, sender=SENDER, clock=SystemClock(), base_url=url, timeout_seconds=timeout_seconds)

    def denied(self) -> Provider:
        denied = self._made(self._vendors.url, "wrong")
        self._opened.append(denied)
        return denied

    def is_down(self) -> None:
        self._vendors.fails("/v3/mail/send", status=503)

    def stalls(self) -> None:
        self._vendors.fails("/v3/mail/send", stall=4.0)

    def loses(self) -> None:
        self._vendors.fails("/v3/mail/send", lost=True)

    async def sent(self) -> Sequence[Json]:
        return self._vendors.sent(provider="sendgrid")[::-1]

    async def close(self) -> None:
        for provider in self._opened:
            await provider.close()


class SmtpMailer:
    """A mail server."""

    def __init__(self, vendors: FakeVendors) -> None:
        self._vendors = vendors
        self.provider: Provider = self._made(vendors.smtp_port)
        self.hurried: Provider = self._made(vendors.smtp_port, timeout_seconds=HURRY)
        self.nobody: Provider = self._made(1)
        self._opened = [self.provider, self.hurried, self.nobody]

    def _made(self, port: int, login: str = "user:right@", *, timeout_seconds: float = PATIENCE) -> Smtp:
        url = f"smtp://{login}127.0.0.1:{port}?starttls=never"
        return Smtp(url, sender=SENDER, timeout_seconds=timeout_seconds)

    def denied(self) -> Provider:
        denied = self._made(self._vendors.smtp_port, "user:wrong@")
        self._opened.append(denied)
        return denied

    def is_down(self) -> None:
        self._vendors.fails("/smtp", status=451)

    def stalls(self) -> None:
        self._vendors.fails("/smtp", stall=4.0)

    def loses(self) -> None:
        self._vendors.fails("/smtp", lost=True)

    async def sent(self) -> Sequence[Json]:
        return self._vendors.sent(provider="smtp")[::-1]

    async def close(self) -> None:
        for provider in self._opened:
            await provider.close()


class SesMailer:
    """SES."""

    def __init__(self, aws: FakeAws) -> None:
        self._aws = aws
        client = aws.client("sesv2")
        client.create_email_identity(EmailIdentity=SENDER.address)
        self.provider: Provider = Ses(sender=SENDER, client=client)
        self.hurried: Provider = Ses(sender=SENDER, client=aws.client("sesv2", timeout_seconds=HURRY))
        self.nobody: Provider = Ses(sender=SENDER, client=aws.client("sesv2", "http://127.0.0.1:1"))
        self._opened = [self.provider, self.hurried, self.nobody]

    def denied(self) -> Provider:
        denied = Ses(sender=Sender("somebody-else@llmo.example"), client=self._aws.client("sesv2"))
        self._opened.append(denied)
        return denied

    def is_down(self) -> None:
        self._aws.faults.add({"status": 503, "body": {}})

    def stalls(self) -> None:
        self._aws.faults.add({"stall": 4.0})

    def loses(self) -> None:
        self._aws.faults.add({"lost": True})

    async def sent(self) -> Sequence[Json]:
        return [_described(each) for each in self._aws.mails()]

    async def close(self) -> None:
        for provider in self._opened:
            await provider.close()


def _described(mail: EmailMessage) -> Json:
    to = mail["To"].addresses[0]
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    return {
        "to": to.addr_spec,
        "name": to.display_name,
        "subject": str(mail["Subject"]),
        "text": text.get_content() if text is not None else "",
        "html": html.get_content() if html is not None else "",
        "headers": {name: str(value) for name, value in mail.items()},
    }
