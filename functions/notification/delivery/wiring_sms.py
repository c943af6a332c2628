"""The sender of text messages with its providers, made once per process at the first use."""

import json
from urllib.parse import urlsplit

from llmo_core.clock import SystemClock
from llmo_core.secrets import read_secret
from notification.delivery.ports import Provider
from notification.delivery.sending import Sending
from notification.delivery.settings import SmsSettings
from notification.delivery.wiring import first_of, once, sending_by
from notification.kinds.models import Channel
from notification.providers.twilio import Twilio


@once
def settings() -> SmsSettings:
    """What the sender is told by its environment."""
    return SmsSettings.model_validate({})


@once
def sending() -> Sending:
    """What sends text messages."""
    providers = [made for name in settings().providers if (made := _provider(name)) is not None]
    return sending_by(Channel.SMS, first_of(providers, settings().rates), settings)


def _provider(name: str) -> Provider | None:
    """A provider, unless the deployment has no account of it."""
    match name:
        case "twilio":
            credentials = json.loads(read_secret(settings().twilio_credentials_secret))
            if credentials["account_sid"] == "unset":
                return None
            return Twilio(
                credentials["account_sid"],
                credentials["auth_token"],
                sender=settings().sms_from,
                clock=SystemClock(),
                status_callback=_callback(),
                base_url=settings().twilio_base_url,
            )
        case "sns":
            from notification.providers.sns import Sns  # noqa: PLC0415 - boto3 takes a third of a second to import

            return Sns(sender="" if settings().sms_from.startswith("MG") else settings().sms_from)
    return None


def _callback() -> str:
    """Where Twilio tells what became of a message; nowhere when that is this machine, which it would refuse."""
    public_url = settings().public_url.rstrip("/")
    mine = urlsplit(public_url).hostname in {"127.0.0.1", "::1", "localhost"}
    return "" if mine and not settings().twilio_base_url else f"{public_url}/webhooks/twilio"
