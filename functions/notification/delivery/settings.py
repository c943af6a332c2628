"""What senders are told by their environment."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from notification.delivery.circuit import Rate
from notification.settings import WorkerSettings


class SenderSettings(WorkerSettings):
    """What every sender is told.

    Attributes:
        message_prices: US dollars a message, by the provider's name; for those that say nothing of it themselves.
        message_rates: How many messages a second one process gives a provider, by its name; the others as many as come.
    """

    message_prices: Mapping[str, Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=6)]] = {}
    message_rates: Mapping[str, Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)]] = {}

    @property
    def rates(self) -> Mapping[str, Rate]:
        """The same, with as much at once after a pause as in a second."""
        return {name: Rate(per_second, max(1, int(per_second))) for name, per_second in self.message_rates.items()}


def _named(providers: str) -> Sequence[str]:
    return [name.strip() for name in providers.split(",") if name.strip()]


class EmailSettings(SenderSettings):
    """What the sender of mails is told.

    Attributes:
        mail_from: `Name <address>`.
        mail_providers: Who sends, the preferred one first: of `sendgrid`, `ses` and `smtp`.
        sendgrid_api_key_secret: The secret with SendGrid's key; its value is `unset` where there is none.
        sendgrid_base_url: Where SendGrid is, when it is a stand-in; empty where it is SendGrid's own.
        smtp_url_secret: The secret with a mail server's URL; its value is `unset` where there is none.
        ses_configuration_set: By which SES tells of what becomes of mails; empty for none.
    """

    mail_from: str
    mail_providers: str
    sendgrid_api_key_secret: str
    sendgrid_base_url: str = ""
    smtp_url_secret: str
    ses_configuration_set: str = ""

    @property
    def providers(self) -> Sequence[str]:
        """Who sends, in order."""
        return _named(self.mail_providers)


class SmsSettings(SenderSettings):
    """What the sender of text messages is told.

    Attributes:
        sms_from: A number, or a messaging service of Twilio's.
        sms_providers: Who sends, the preferred one first: of `twilio` and `sns`.
        twilio_credentials_secret: The secret with `{"account_sid", "auth_token"}`, which are `unset` without any.
        twilio_base_url: Where Twilio is, when it is a stand-in.
    """

    sms_from: str = ""
    sms_providers: str
    twilio_credentials_secret: str
    twilio_base_url: str = ""

    @property
    def providers(self) -> Sequence[str]:
        """Who sends, in order."""
        return _named(self.sms_providers)


class PushSettings(SenderSettings):
    """What the sender of push notifications is told.

    Attributes:
        vapid_private_key_secret: The secret with the key of Web Push; its value is `unset` where there is none.
        fcm_credentials_secret: The secret with Firebase's service account; its value is `unset` where there is none.
        fcm_base_url: Where Firebase is, when it is a stand-in.
        allow_private_providers: Whether push services may be in private networks.
    """

    vapid_private_key_secret: str
    fcm_credentials_secret: str
    fcm_base_url: str = ""
    allow_private_providers: bool = False
