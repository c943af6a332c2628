"""Providers' webhooks through the Lambda handler, with everything as it is wired."""

import base64
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from llmo_core.ids import new_id
from llmo_core.loop import run
from local.vendors.message_webhooks import EventKey, twilio_signature
from notification.provider_webhooks import LARGEST_BODY, handler
from notification.receipts import wiring
from tests.integration import lambda_calls
from tests.integration.organizations import PEPPER
from tests.integration.stores import PASSWORD, Postgres

KEY = EventKey()
SID = "SM" + "0a" * 16


@pytest.fixture(autouse=True)
def wired(postgres: Postgres, moto_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    secrets = {
        "DATABASE_PASSWORD_SECRET": PASSWORD,
        "API_KEY_PEPPER_SECRET": PEPPER,
        "TWILIO_CREDENTIALS_SECRET": '{"account_sid": "AC1", "auth_token": "secret"}',
    }
    environment = {
        **postgres.environment("llmo_notification"),
        **lambda_calls.environment(moto_url, secrets),
        "PUBLIC_URL": "https://llmo.example",
        "SENDGRID_WEBHOOK_KEY": KEY.public,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    yield
    run(wiring.close())


def call(
    path: str, body: bytes, headers: dict[str, str], query: dict[str, str] | None = None, *, encoded: bool = False
) -> tuple[int, Any]:
    event = json.loads((lambda_calls.EVENTS / "ProviderWebhooksFunction" / "sendgrid-delivered.json").read_text())
    event |= {
        "resource": path,
        "path": path,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "headers": headers,
        "queryStringParameters": query,
        "body": base64.b64encode(body).decode() if encoded else body.decode(),
        "isBase64Encoded": encoded,
    }
    answer = handler(event, None)
    return answer["statusCode"], json.loads(answer["body"])


def events(**changed: Any) -> bytes:
    event = {
        "event": "delivered",
        "timestamp": int(time.time()),
        "sg_event_id": str(new_id()),
        "message_id": str(new_id()),
        **changed,
    }
    return json.dumps([event]).encode()


@pytest.mark.parametrize("encoded", [True, False])
def test_signed_events_are_taken(encoded: bool) -> None:  # noqa: FBT001 - a parameter of the test
    body = events()
    assert call("/webhooks/sendgrid", body, KEY.headers(body), encoded=encoded) == (200, {})


def test_unsigned_events_are_refused_before_they_are_read() -> None:
    status, problem = call("/webhooks/sendgrid", b"not even JSON", KEY.headers(b"something else"))
    assert (status, problem["type"]) == (403, "urn:llmo:problem:not_signed")
    assert call("/webhooks/sendgrid", events(), {})[0] == 403


def test_malformed_events_are_refused() -> None:
    assert call("/webhooks/sendgrid", b"{", KEY.headers(b"{"))[0] == 400


def test_too_much_is_not_read() -> None:
    body = b" " * (LARGEST_BODY + 1)
    assert call("/webhooks/sendgrid", body, KEY.headers(body))[0] == 413


def test_nobody_tells_anything_elsewhere() -> None:
    assert call("/webhooks/elsewhere", b"", {})[0] == 404


def test_without_a_key_nothing_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDGRID_WEBHOOK_KEY", "")
    body = events()
    assert call("/webhooks/sendgrid", body, KEY.headers(body))[0] == 503


def twilio_call(token: str, **changed: str) -> tuple[int, Any]:
    form = {"MessageSid": SID, "MessageStatus": "delivered", **changed}
    query = {"message_id": str(new_id()), "org_id": str(new_id())}
    url = f"https://llmo.example/webhooks/twilio?{urlencode(query)}"
    headers = {"X-Twilio-Signature": twilio_signature(url, form, token)}
    return call("/webhooks/twilio", urlencode(form).encode(), headers, query)


def test_signed_callbacks_are_taken_and_others_are_refused() -> None:
    assert twilio_call("secret") == (200, {})
    assert twilio_call("another")[0] == 403
    assert twilio_call("secret", MessageSid="none")[0] == 400
    assert call("/webhooks/twilio", b"", {})[0] == 403
