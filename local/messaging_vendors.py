"""Who sends messages from this laptop: stand-ins whose outbox can be read, or vendors that there are keys of."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from local.process import ServerProcess, end_leftover, kept_port
from local.upstream import answers

STANDIN_SENDGRID_KEY = "SG.of-the-laptops-stand-in"
MAIL_FROM = "LLMOptimizer <no-reply@llmoptimizer.example>"


@dataclass(frozen=True, slots=True)
class MessagingAddress:
    """How notification reaches those who send.

    Attributes:
        outbox_url: Where the stand-ins are; what was sent by them can be read there.
        sendgrid_api_key: `unset` where nobody sends mails by it.
        sendgrid_base_url: Empty for SendGrid's own.
        sendgrid_webhook_key: What SendGrid's events are verified with; empty without any.
    """

    outbox_url: str = ""
    sendgrid_api_key: str = "unset"
    sendgrid_base_url: str = ""
    sendgrid_webhook_key: str = ""
    mail_from: str = MAIL_FROM

    def parameters(self) -> dict[str, str]:
        """The template's parameters that say so."""
        return {
            "SendgridApiKey": self.sendgrid_api_key,
            "SendgridBaseUrl": self.sendgrid_base_url,
            "SendgridWebhookKey": self.sendgrid_webhook_key,
            "MailFrom": self.mail_from,
        }


class MessagingVendors:
    """The stand-ins, reachable between `start` and `stop`. They always run: what there is no key for is theirs.

    Args:
        state: The stack's state folder, `.local`.
        public_url: The front door, to which they tell what became of messages.
        environment: Where keys are looked up: `SENDGRID_API_KEY`, `SENDGRID_WEBHOOK_KEY`, `MAIL_FROM`.
    """

    def __init__(self, state: Path, public_url: str, environment: Mapping[str, str] = os.environ) -> None:
        self._state = state
        self._public_url = public_url
        self._environment = environment
        self._server: ServerProcess | None = None

    @property
    def kind(self) -> str:
        """What they are, in the words of the banner."""
        if self._environment.get("SENDGRID_API_KEY"):
            return "SendGrid with your key (mails leave this machine)"
        return "stand-ins (nothing leaves this machine; read it at /_local/outbox)"

    async def start(self) -> MessagingAddress:
        """Their addresses, once they answer. Raises StartError."""
        pid_file = self._state / "run" / "messages.pid"
        await end_leftover(pid_file)  # of a run that was killed: it has the port
        port = kept_port(self._state / "messages.port")
        file = self._state / "messages.jsonl"
        program = [sys.executable, "-m", "local.vendors.messages", "--port", str(port), "--file", str(file)]
        self._server = ServerProcess(
            "The stand-in of those who send messages",
            [*program, "--webhook-base", self._public_url],
            log=self._state / "logs" / "messages.log",
            pid_file=pid_file,
        )
        url = f"http://127.0.0.1:{port}"
        await self._server.start(lambda: answers(f"{url}/_fake/counts"))
        given = self._environment
        own = given.get("SENDGRID_API_KEY")
        return MessagingAddress(
            outbox_url=url,
            sendgrid_api_key=own or STANDIN_SENDGRID_KEY,
            sendgrid_base_url="" if own else url,
            sendgrid_webhook_key=given.get("SENDGRID_WEBHOOK_KEY", "") if own else await _event_key(url),
            mail_from=given.get("MAIL_FROM") or MAIL_FROM,
        )

    async def stop(self) -> None:
        """Stop what `start` started. Safe to repeat."""
        if self._server is not None:
            await self._server.stop()


async def _event_key(url: str) -> str:
    address = f"{url}/v3/user/webhooks/event/settings/signed"
    async with aiohttp.ClientSession(raise_for_status=True) as session, session.get(address) as answer:
        return str((await answer.json())["public_key"])
