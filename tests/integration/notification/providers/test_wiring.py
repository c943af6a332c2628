"""Senders as they are wired: providers by the deployment's settings, and none where there is no account."""

from collections.abc import AsyncIterator
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
import pytest_asyncio

from llmo_core.clock import SystemClock
from llmo_core.ids import new_id
from notification.contents import SmsContent
from notification.delivery import wiring, wiring_email, wiring_push, wiring_sms
from notification.delivery.circuit import Rate
from notification.delivery.ports import Outgoing, Refused
from notification.delivery.sending import Sending
from tests.integration import lambda_calls
from tests.integration.notification.providers.test_fcm import KEY
from tests.integration.notification.providers.test_web_push import RAW
from tests.integration.organizations import PEPPER
from tests.integration.stores import PASSWORD, Postgres

UNSET = '{"account_sid": "unset", "auth_token": "unset"}'
TWILIO = '{"account_sid": "AC1", "auth_token": "secret"}'


def set_up(monkeypatch: pytest.MonkeyPatch, postgres: Postgres, moto_url: str, **given: str) -> None:
    secrets = {
        "DATABASE_PASSWORD_SECRET": PASSWORD,
        "API_KEY_PEPPER_SECRET": PEPPER,
        "SENDGRID_API_KEY_SECRET": "unset",
        "SMTP_URL_SECRET": "unset",
        "TWILIO_CREDENTIALS_SECRET": UNSET,
        "VAPID_PRIVATE_KEY_SECRET": "unset",
        "FCM_CREDENTIALS_SECRET": "unset",
    }
    environment = {
        **postgres.environment("llmo_notification"),
        **lambda_calls.environment(moto_url, {name: given.get(name, value) for name, value in secrets.items()}),
        "AWS_DEFAULT_REGION": "eu-west-1",
        "DEAD_LETTER_QUEUE_URL": "none",
        "PUBLIC_URL": "https://llmo.example/prod",
        "MAIL_FROM": "LLMOptimizer <no-reply@llmo.example>",
        "MAIL_PROVIDERS": "sendgrid,smtp",
        "SMS_FROM": "+15005550006",
        "SMS_PROVIDERS": "twilio",
    }
    for name, value in (environment | {name: given[name] for name in given if name not in secrets}).items():
        monkeypatch.setenv(name, value)


@pytest_asyncio.fixture(autouse=True)
async def closed() -> AsyncIterator[None]:
    yield
    await wiring.close()


def account() -> str:
    lines = KEY.decode().replace("\n", "\\n")
    return (
        f'{{"project_id": "llmo", "client_email": "a@llmo.example", "private_key": "{lines}", '
        '"token_uri": "https://oauth2.googleapis.com/token"}'
    )


def senders(sending: Sending) -> Any:
    return sending._senders


@pytest.mark.parametrize("channel", [wiring_email, wiring_sms, wiring_push])
async def test_without_an_account_messages_are_refused_and_do_not_wait_for_ever(
    monkeypatch: pytest.MonkeyPatch, postgres: Postgres, moto_url: str, channel: ModuleType
) -> None:
    set_up(monkeypatch, postgres, moto_url)
    nobody = senders(channel.sending())
    message = Outgoing(
        message_id=new_id(),
        org_id=None,
        address="{}",
        name=None,
        content=SmsContent(text="Hello"),
        category="updates",
        critical=False,
        unsubscribe_url=None,
        time_to_live=timedelta(hours=1),
    )
    assert nobody.available()
    assert [type(outcome) for outcome in await nobody.send([message])] == [Refused]


@pytest.mark.parametrize(
    ("channel", "given"),
    [
        (wiring_email, {"SENDGRID_API_KEY_SECRET": "SG.key"}),
        (wiring_email, {"SMTP_URL_SECRET": "smtps://user:password@mail.example"}),
        (wiring_email, {"MAIL_PROVIDERS": "ses"}),
        (wiring_sms, {"TWILIO_CREDENTIALS_SECRET": TWILIO}),
        (wiring_sms, {"SMS_PROVIDERS": "sns"}),
        (wiring_push, {"VAPID_PRIVATE_KEY_SECRET": RAW}),
        (wiring_push, {"FCM_CREDENTIALS_SECRET": account()}),
    ],
)
async def test_with_one_account_of_its_channel_something_is(
    monkeypatch: pytest.MonkeyPatch, postgres: Postgres, moto_url: str, channel: ModuleType, given: dict[str, str]
) -> None:
    set_up(monkeypatch, postgres, moto_url, **given)
    assert senders(channel.sending()).available()


async def test_a_provider_gets_no_more_than_the_deployment_says(
    monkeypatch: pytest.MonkeyPatch, postgres: Postgres, moto_url: str
) -> None:
    told = {"MAIL_PROVIDERS": "ses", "SES_CONFIGURATION_SET": "mails", "MESSAGE_RATES": '{"ses": 14, "smtp": 0.5}'}
    set_up(monkeypatch, postgres, moto_url, **told)
    [guarded] = senders(wiring_email.sending())._providers

    assert guarded.circuit.admit(100, SystemClock().now()).count == 14
    assert guarded.circuit.wait(SystemClock().now()) > timedelta()
    assert guarded.provider._configuration_set == "mails"
    assert wiring_email.settings().rates["smtp"] == Rate(0.5, 1)
