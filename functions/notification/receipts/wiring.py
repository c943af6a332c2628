"""What takes receipts, with its adapters. It imports no FastAPI, and of the SDKs only what verifies."""

import json

from llmo_core.clock import SystemClock
from llmo_core.composition import Composition
from llmo_core.secrets import read_secret
from llmo_data.postgres import Database
from notification.receipts.models import NoVerificationKey
from notification.receipts.repository import PostgresReceipts
from notification.receipts.sendgrid_events import EventSignatures
from notification.receipts.service import Taking
from notification.receipts.settings import ReceiptSettings, WebhookSettings
from notification.receipts.twilio_callbacks import CallbackSignatures

parts = Composition()
once, close = parts.once, parts.close


@once
def settings() -> ReceiptSettings:
    """What the function is told by its environment."""
    return ReceiptSettings.model_validate({})


@once
def webhook_settings() -> WebhookSettings:
    """What the function that takes providers' webhooks is told besides."""
    return WebhookSettings.model_validate({})


@once
def taking() -> Taking:
    """The use case."""
    database = parts.closing(Database(settings().conninfo()), Database.close)
    pepper = read_secret(settings().api_key_pepper_secret).encode()
    receipts = PostgresReceipts(database, pepper)
    return Taking(receipts=receipts, transaction=database.transaction, clock=SystemClock())


@once
def sendgrid_signatures() -> EventSignatures:
    """What SendGrid signs. Raises NoVerificationKey."""
    return EventSignatures(webhook_settings().sendgrid_webhook_key, SystemClock())


@once
def twilio_signatures() -> CallbackSignatures:
    """What Twilio signs. Raises NoVerificationKey."""
    told = webhook_settings()
    return CallbackSignatures(auth_token(read_secret(told.twilio_credentials_secret)), told.public_url)


def auth_token(credentials: str) -> str:
    """Twilio's token in a secret. Raises NoVerificationKey unless there is one."""
    try:
        token = json.loads(credentials)["auth_token"]
    except (ValueError, KeyError, TypeError) as error:
        raise NoVerificationKey from error
    if not isinstance(token, str) or token == "unset":  # noqa: S105 - the template's word for none
        raise NoVerificationKey
    return token
