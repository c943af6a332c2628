"""Who sends messages from this laptop: stand-ins whose outbox can be read, or vendors that there are keys of."""

import base64
import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from local.process import ServerProcess, end_leftover, kept_port
from local.upstream import answers

STANDIN_SENDGRID_KEY = "SG.of-the-laptops-stand-in"
STANDIN_TWILIO = {"account_sid": f"AC{'0' * 32}", "auth_token": "of-the-laptops-stand-in"}
MAIL_FROM = "LLMOptimizer <no-reply@llmoptimizer.example>"
SMS_FROM = "+15005550006"  # Twilio's own test number that may send
_NO_TWILIO = '{"account_sid":"unset","auth_token":"unset"}'


@dataclass(frozen=True, slots=True)
class MessagingAddress:
    """How notification reaches those who send.

    Attributes:
        outbox_url: Where the stand-ins are; what was sent by them can be read there.
        given: The template's parameters that say so, besides those that have their defaults.
    """

    outbox_url: str = ""
    given: Mapping[str, str] = field(default_factory=dict, repr=False)

    def parameters(self) -> dict[str, str]:
        """The template's parameters that say so. Keys are `unset` where there are none."""
        return {
            "MailFrom": MAIL_FROM,
            "MailProviders": "sendgrid,smtp",
            "SendgridApiKey": "unset",
            "SendgridBaseUrl": "",
            "SendgridWebhookKey": "",
            "SmtpUrl": "unset",
            "SmsFrom": SMS_FROM,
            "SmsProviders": "twilio",
            "TwilioCredentials": _NO_TWILIO,
            "TwilioBaseUrl": "",
            "VapidPrivateKey": "unset",
            "VapidPublicKey": "",
            "FcmCredentials": "unset",
            "FcmBaseUrl": "",
            "SesConfigurationSet": "",
            "MessageRates": "{}",
            **self.given,
        }


class MessagingVendors:
    """The stand-ins, reachable between `start` and `stop`. They always run: what there is no key for is theirs.

    Args:
        state: The stack's state folder, `.local`.
        public_url: The front door, to which they tell what became of messages.
        environment: Where keys are looked up: `SENDGRID_API_KEY` with `SENDGRID_WEBHOOK_KEY`, `SMTP_URL`,
            `TWILIO_ACCOUNT_SID` with `TWILIO_AUTH_TOKEN`, `VAPID_PRIVATE_KEY`, `FCM_CREDENTIALS`; and `MAIL_FROM`,
            `MAIL_PROVIDERS`, `SMS_FROM`, `SMS_PROVIDERS`, `SES_CONFIGURATION_SET`, `MESSAGE_RATES`.
    """

    def __init__(self, state: Path, public_url: str, environment: Mapping[str, str] = os.environ) -> None:
        self._state = state
        self._public_url = public_url
        self._environment = environment
        self._server: ServerProcess | None = None

    @property
    def kind(self) -> str:
        """What they are, in the words of the banner."""
        keys = {
            "SendGrid": "SENDGRID_API_KEY",
            "a mail server": "SMTP_URL",
            "Twilio": "TWILIO_ACCOUNT_SID",
            "Firebase": "FCM_CREDENTIALS",
        }
        own = [name for name, key in keys.items() if self._environment.get(key)]
        if own:
            return f"{', '.join(own)} with your keys (messages leave this machine), stand-ins for the rest"
        return "stand-ins (nothing leaves this machine; read it at /_local/outbox)"

    async def start(self) -> MessagingAddress:
        """Their addresses, once they answer. Raises StartError."""
        pid_file = self._state / "run" / "messages.pid"
        await end_leftover(pid_file)  # of a run that was killed: it has the ports
        port, smtp_port = kept_port(self._state / "messages.port"), kept_port(self._state / "smtp.port")
        file = self._state / "messages.jsonl"
        program = [sys.executable, "-m", "local.vendors.messages", "--port", str(port), "--file", str(file)]
        self._server = ServerProcess(
            "The stand-in of those who send messages",
            [*program, "--smtp-port", str(smtp_port), "--webhook-base", self._public_url],
            log=self._state / "logs" / "messages.log",
            pid_file=pid_file,
        )
        url = f"http://127.0.0.1:{port}"
        await self._server.start(lambda: answers(f"{url}/_fake/counts"))
        names = {"MAIL_FROM": "MailFrom", "MAIL_PROVIDERS": "MailProviders"}
        names |= {"SMS_FROM": "SmsFrom", "SMS_PROVIDERS": "SmsProviders"}
        names |= {"SES_CONFIGURATION_SET": "SesConfigurationSet", "MESSAGE_RATES": "MessageRates"}
        chosen = {parameter: given for name, parameter in names.items() if (given := self._environment.get(name))}
        smtp_url = self._environment.get("SMTP_URL") or f"smtp://127.0.0.1:{smtp_port}?starttls=never"
        sendgrid = await self._sendgrid(url)
        return MessagingAddress(
            url, {**sendgrid, **self._twilio(url), **self._push(url), "SmtpUrl": smtp_url, **chosen}
        )

    async def stop(self) -> None:
        """Stop what `start` started. Safe to repeat."""
        if self._server is not None:
            await self._server.stop()

    async def _sendgrid(self, url: str) -> dict[str, str]:
        if key := self._environment.get("SENDGRID_API_KEY"):
            webhook_key = self._environment.get("SENDGRID_WEBHOOK_KEY", "")
            return {"SendgridApiKey": key, "SendgridWebhookKey": webhook_key}
        key = await _event_key(url)
        return {"SendgridApiKey": STANDIN_SENDGRID_KEY, "SendgridBaseUrl": url, "SendgridWebhookKey": key}

    def _twilio(self, url: str) -> dict[str, str]:
        if account := self._environment.get("TWILIO_ACCOUNT_SID"):
            own = {"account_sid": account, "auth_token": self._environment.get("TWILIO_AUTH_TOKEN", "")}
            return {"TwilioCredentials": json.dumps(own)}
        return {"TwilioCredentials": json.dumps(STANDIN_TWILIO), "TwilioBaseUrl": url}

    def _push(self, url: str) -> dict[str, str]:
        given = self._environment
        vapid = given.get("VAPID_PRIVATE_KEY") or _kept(self._state / "vapid.key", _vapid_key)
        keys = {"VapidPrivateKey": vapid, "VapidPublicKey": _public_half(vapid)}
        if account := given.get("FCM_CREDENTIALS"):
            return {**keys, "FcmCredentials": account}
        standin = {
            "type": "service_account",
            "project_id": "laptop",
            "client_email": "push@laptop.example",
            "private_key": _kept(self._state / "firebase.pem", _firebase_key),
            "token_uri": f"{url}/token",
        }
        return {**keys, "FcmCredentials": json.dumps(standin), "FcmBaseUrl": url}


def _kept(file: Path, make: Callable[[], str]) -> str:
    """What a file holds, made at the first start: browsers that have subscribed stay so."""
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(make())
    return file.read_text()


def _vapid_key() -> str:
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return base64.urlsafe_b64encode(number.to_bytes(32)).decode().rstrip("=")


def _public_half(vapid: str) -> str:
    """What browsers subscribe with: the point, uncompressed (RFC 8292, section 3.2)."""
    number = int.from_bytes(base64.urlsafe_b64decode(vapid + "=" * (-len(vapid) % 4)))
    point = ec.derive_private_key(number, ec.SECP256R1()).public_key()
    raw = point.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _firebase_key() -> str:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem.decode()


async def _event_key(url: str) -> str:
    address = f"{url}/v3/user/webhooks/event/settings/signed"
    async with aiohttp.ClientSession(raise_for_status=True) as session, session.get(address) as answer:
        return str((await answer.json())["public_key"])
