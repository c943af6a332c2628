"""What takes webhook events, with its adapters. It imports neither FastAPI nor Stripe's SDK."""

import json

from billing.payments.notice_queue import NoticeQueue
from billing.payments.notice_repository import PostgresNotices
from billing.payments.notices import Arriving, NoWebhookSecret, Signatures
from billing.payments.webhook_settings import StripeWebhookSettings
from llmo_core.aws import JsonService
from llmo_core.clock import SystemClock
from llmo_core.composition import Composition
from llmo_core.secrets import read_secret
from llmo_data.postgres import Database

parts = Composition()
once, close = parts.once, parts.close


@once
def settings() -> StripeWebhookSettings:
    """What the function is told by its environment."""
    return StripeWebhookSettings.model_validate({})


@once
def arriving() -> Arriving:
    """The use case. Raises NoWebhookSecret unless there are signing secrets, and SecretUnavailable."""
    database = parts.closing(Database(settings().conninfo()), Database.close)
    service = JsonService.from_environment("sqs", "AmazonSQS", protocol="1.0")
    return Arriving(
        signatures=Signatures(signing_secrets(read_secret(settings().stripe_webhook_secrets_secret)), SystemClock()),
        notices=PostgresNotices(database),
        enqueue=NoticeQueue(service, settings().stripe_events_queue_url).send,
        clock=SystemClock(),
    )


def signing_secrets(text: str) -> list[str]:
    """The signing secrets in a secret: a JSON list of texts. Raises NoWebhookSecret."""
    try:
        given = json.loads(text)
    except ValueError as error:
        raise NoWebhookSecret from error
    if not isinstance(given, list) or not all(isinstance(secret, str) for secret in given):
        raise NoWebhookSecret
    return given
