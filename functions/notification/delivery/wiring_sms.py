"""The sender of text messages with its providers, made once per process at the first use."""

import json

from llmo_core.clock import SystemClock
from llmo_core.secrets import read_secret
from notification.delivery.ports import Provider
from notification.delivery.sending import Sending
from notification.delivery.settings import SmsSettings
from notification.delivery.wiring import once, sending_by
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
    return sending_by(Channel.SMS, providers, settings)


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
                status_callback=f"{settings().public_url}/webhooks/twilio",
                base_url=settings().twilio_base_url,
            )
    return None
