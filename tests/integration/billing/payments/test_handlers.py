"""Stripe's webhooks through their Lambda handlers, over moto's queue, with everything as it is wired."""

import base64
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from billing import stripe_events, stripe_webhook
from billing import wiring as shared
from billing.payments import webhook_wiring
from billing.payments.notices import Notice
from llmo_core.ids import new_id
from llmo_core.loop import run
from tests.fakes.stripe import API_KEY, FakeStripe, signed, stripe_in_a_thread
from tests.integration import lambda_calls
from tests.integration.organizations import PEPPER
from tests.integration.stores import PASSWORD, Postgres

SECRETS = ("whsec_old", "whsec_new")


class Queue:
    """The queue between the two functions."""

    def __init__(self, moto_url: str) -> None:
        self._sqs = lambda_calls.moto_client("sqs", moto_url)
        self.url = self._sqs.create_queue(QueueName=f"stripe-{new_id().hex}")["QueueUrl"]

    def taken(self) -> list[dict[str, Any]]:
        """What is in it, as Lambda's trigger delivers it."""
        found = self._sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", [])
        for message in found:
            self._sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return [{"messageId": message["MessageId"], "body": message["Body"]} for message in found]


@pytest.fixture
def queue(moto_url: str) -> Queue:
    return Queue(moto_url)


@pytest.fixture
def stripe() -> Iterator[FakeStripe]:
    """Stripe, beside handlers that block."""
    with stripe_in_a_thread() as running:
        yield running


@pytest.fixture(autouse=True)
def wired(
    postgres: Postgres, moto_url: str, queue: Queue, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    secrets = {
        "DATABASE_PASSWORD_SECRET": PASSWORD,
        "API_KEY_PEPPER_SECRET": PEPPER,
        "STRIPE_API_KEY_SECRET": API_KEY,
        "STRIPE_WEBHOOK_SECRETS_SECRET": json.dumps(SECRETS),
    }
    environment = {
        **postgres.environment("llmo_billing"),
        **lambda_calls.environment(moto_url, secrets),
        "OPERATOR_ORG_ID": "",
        "STRIPE_BASE_URL": stripe.url,
        "STRIPE_EVENTS_QUEUE_URL": queue.url,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    yield
    run(webhook_wiring.close())
    run(shared.close())


def sent(body: bytes, signature: str | None, *, encoded: bool = False) -> dict[str, Any]:
    """What API Gateway proxies."""
    event = json.loads((lambda_calls.EVENTS / "StripeWebhookFunction" / "payment-succeeded.json").read_text())
    event["multiValueHeaders"].pop("Stripe-Signature", None)
    if signature is not None:
        event["multiValueHeaders"]["Stripe-Signature"] = [signature]
    text = base64.b64encode(body).decode() if encoded else body.decode()
    return {**event, "body": text, "isBase64Encoded": encoded}


def event(kind: str = "payment_intent.succeeded", object_id: str = "pi_1") -> dict[str, Any]:
    return {"id": f"evt_{new_id().hex}", "type": kind, "data": {"object": {"id": object_id, "about": "é"}}}


def answer(body: bytes, signature: str | None, **options: Any) -> int:
    return int(stripe_webhook.handler(sent(body, signature, **options), None)["statusCode"])


@pytest.mark.parametrize("encoded", [False, True])
@pytest.mark.parametrize("secret", SECRETS)
def test_an_event_is_kept_and_passed_on_by_its_name(queue: Queue, secret: str, *, encoded: bool) -> None:
    told = event()
    assert answer(*signed(told, secret), encoded=encoded) == 200
    (message,) = queue.taken()
    assert json.loads(message["body"]) == {"id": told["id"], "type": told["type"], "object_id": "pi_1"}


def test_an_event_that_comes_again_is_passed_on_until_it_is_applied(queue: Queue) -> None:
    told = event("refund.created", "re_unknown")
    for _ in range(2):
        assert answer(*signed(told, SECRETS[0])) == 200
    messages = queue.taken()
    assert len(messages) == 2
    assert stripe_events.handler({"Records": messages}, None) == {"batchItemFailures": []}
    assert answer(*signed(told, SECRETS[0])) == 200
    assert queue.taken() == []


def test_payments_that_are_declined_are_counted(queue: Queue, capsys: pytest.CaptureFixture[str]) -> None:
    for kind in ("payment_intent.payment_failed", "payment_intent.payment_failed", "payment_intent.canceled"):
        assert answer(*signed(event(kind, "pi_unknown"), SECRETS[0])) == 200
    capsys.readouterr()
    assert stripe_events.handler({"Records": queue.taken()}, None) == {"batchItemFailures": []}
    (measured,) = (json.loads(line) for line in capsys.readouterr().out.splitlines() if "PaymentsFailed" in line)
    assert measured["PaymentsFailed"] == [2.0]


def test_events_that_mean_nothing_are_taken_and_left(queue: Queue) -> None:
    assert answer(*signed(event("invoice.created"), SECRETS[0])) == 200
    assert queue.taken() == []


def test_what_is_not_signed_by_stripe_is_refused(queue: Queue) -> None:
    body, signature = signed(event(), SECRETS[0])
    assert answer(body, None) == 400
    assert answer(body, signed(event(), SECRETS[0])[1]) == 400
    assert answer(*signed(event(), "whsec_other")) == 400
    assert answer(*signed(event(), SECRETS[0], at=int(time.time()) - 301)) == 400
    doubled = sent(body, signature)
    doubled["multiValueHeaders"]["Stripe-Signature"] *= 2
    assert stripe_webhook.handler(doubled, None)["statusCode"] == 400
    assert queue.taken() == []


def test_nonsense_is_refused_even_when_it_is_signed(queue: Queue) -> None:
    assert answer(*signed([], SECRETS[0])) == 400  # type: ignore[arg-type]
    broken = {**sent(b"", None), "body": "%%%", "isBase64Encoded": True}
    assert stripe_webhook.handler(broken, None)["statusCode"] == 400
    for size in (2**20 + 1, 2**21 + 1):
        too_large = stripe_webhook.handler(sent(size * b"a", None), None)
        assert (too_large["statusCode"], json.loads(too_large["body"])["type"]) == (
            413,
            "urn:llmo:problem:event_too_large",
        )
    assert queue.taken() == []


@pytest.mark.parametrize("secrets", ["[]", '[""]', "unset"])
def test_without_a_signing_secret_nothing_is_taken(
    moto_url: str, queue: Queue, monkeypatch: pytest.MonkeyPatch, secrets: str
) -> None:
    made = lambda_calls.environment(moto_url, {"STRIPE_WEBHOOK_SECRETS_SECRET": secrets})
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRETS_SECRET", made["STRIPE_WEBHOOK_SECRETS_SECRET"])
    assert answer(*signed(event(), "")) == 503
    assert queue.taken() == []


def test_an_event_that_the_queue_does_not_take_is_sent_again_by_stripe(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = event()
    monkeypatch.setenv("STRIPE_EVENTS_QUEUE_URL", f"{queue.url}-gone")
    assert answer(*signed(told, SECRETS[0])) == 503
    run(webhook_wiring.close())
    monkeypatch.setenv("STRIPE_EVENTS_QUEUE_URL", queue.url)
    assert answer(*signed(told, SECRETS[0])) == 200
    assert len(queue.taken()) == 1


def test_messages_that_cannot_be_applied_stay_in_the_queue(stripe: FakeStripe) -> None:
    records = [{"messageId": "1", "body": "nonsense"}, {"messageId": "2", "body": "{}"}]
    done = stripe_events.handler({"Records": records}, None)
    assert done == {"batchItemFailures": [{"itemIdentifier": "1"}, {"itemIdentifier": "2"}]}
    assert stripe.calls("/v1/payment_intents") == []


def test_while_stripe_is_away_the_batch_waits_and_the_rest_is_not_tried(stripe: FakeStripe) -> None:
    stripe.fails("/v1/.*", times=3, status=500)  # as often as the SDK asks
    notices = [Notice(id=f"evt_{new_id().hex}", type="refund.created", object_id=f"re_{each}") for each in range(3)]
    records = [{"messageId": each.id, "body": each.model_dump_json()} for each in notices]
    done = stripe_events.handler({"Records": records}, None)
    assert done == {"batchItemFailures": [{"itemIdentifier": each.id} for each in notices]}
    assert {call["path"] for call in stripe.api.requests} == {"/v1/refunds/re_0"}
    assert stripe_events.handler({"Records": records}, None) == {"batchItemFailures": []}


def test_the_schedule_checks_what_no_event_told_of() -> None:
    sample = json.loads((lambda_calls.EVENTS / "StripeEventsFunction" / "every-minute.json").read_text())
    assert set(stripe_events.handler(sample, None)) == {"payments", "refunds"}


def test_taking_webhooks_imports_neither_fastapi_nor_stripes_sdk() -> None:
    slow = ("fastapi", "stripe", "boto3", "aiohttp")
    script = f"import sys, billing.stripe_webhook; print([name for name in {slow} if name in sys.modules])"
    environment = {"PYTHONPATH": ":".join(sys.path)}
    found = subprocess.run(  # noqa: S603 - this very Python
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, env=environment
    )
    assert found.stdout.strip() == "[]"
