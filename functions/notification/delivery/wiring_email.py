"""The sender of mails with its providers, made once per process at the first use."""

from llmo_core.clock import SystemClock
from notification.delivery.ports import Provider
from notification.delivery.sending import Sending
from notification.delivery.settings import EmailSettings
from notification.delivery.wiring import first_of, once, sending_by, unset
from notification.kinds.models import Channel
from notification.providers.mails import Sender
from notification.providers.sendgrid import SendGrid
from notification.providers.smtp import Smtp


@once
def settings() -> EmailSettings:
    """What the sender is told by its environment."""
    return EmailSettings.model_validate({})


@once
def sending() -> Sending:
    """What sends mails."""
    providers = [made for name in settings().providers if (made := _provider(name)) is not None]
    return sending_by(Channel.EMAIL, first_of(providers, settings().rates), settings)


def _provider(name: str) -> Provider | None:
    """A provider, unless the deployment has no account of it."""
    sender = Sender.parse(settings().mail_from)
    match name:
        case "sendgrid":
            key = unset(settings().sendgrid_api_key_secret)
            base_url = settings().sendgrid_base_url
            return SendGrid(key, sender=sender, clock=SystemClock(), base_url=base_url) if key else None
        case "ses":
            from notification.providers.ses import Ses  # noqa: PLC0415 - boto3 takes a third of a second to import

            return Ses(sender=sender, configuration_set=settings().ses_configuration_set)
        case "smtp":
            url = unset(settings().smtp_url_secret)
            return Smtp(url, sender=sender) if url else None
    return None
