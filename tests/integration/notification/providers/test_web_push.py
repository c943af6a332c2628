"""Web Push: what browsers get, decrypted with their own keys."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from llmo_core.clock import SystemClock
from notification.delivery.ports import Failed, Refused, Sent
from notification.providers.web_push import WebPush
from tests.fakes.messages import FakeVendors
from tests.fakes.outgoing import mail, push

KEY = ec.generate_private_key(ec.SECP256R1())
RAW = base64.urlsafe_b64encode(KEY.private_numbers().private_value.to_bytes(32)).decode().rstrip("=")
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()


def provider(key: str = RAW, *, allow_private: bool = True) -> WebPush:
    timeout = aiohttp.ClientTimeout(total=4.0)
    contact = "mailto:ops@llmo.example"
    return WebPush(key, contact=contact, clock=SystemClock(), allow_private=allow_private, timeout=timeout)


@pytest_asyncio.fixture
async def web_push() -> AsyncIterator[WebPush]:
    made = provider()
    yield made
    await made.close()


@pytest_asyncio.fixture
async def browser(vendors: FakeVendors) -> dict[str, Any]:
    """A browser that has subscribed."""
    return await subscribed(vendors)


async def subscribed(vendors: FakeVendors) -> dict[str, Any]:
    url = f"{vendors.url}/_fake/push/subscriptions"
    async with aiohttp.ClientSession() as session, session.post(url) as answer:
        return {"kind": "web_push", **await answer.json()}


@pytest.mark.parametrize("key", [RAW, PEM], ids=["raw", "pem"])
async def test_the_browser_reads_what_was_rendered(vendors: FakeVendors, browser: dict[str, Any], key: str) -> None:
    web_push, message = provider(key), push(browser, body="Grüße", url="https://llmo.example/x", critical=True)
    (outcome,) = await web_push.send([message])
    await web_push.close()
    assert isinstance(outcome, Sent)
    (sent,) = vendors.sent(provider="web_push")
    assert (sent["title"], sent["text"], sent["url"]) == ("Budget", "Grüße", "https://llmo.example/x")
    assert sent["message_id"] == str(message.message_id)
    assert sent["headers"]["TTL"] == "86400"
    assert sent["headers"]["Urgency"] == "high"


async def test_what_is_sent_twice_has_the_same_topic_and_another_message_another(
    vendors: FakeVendors, web_push: WebPush, browser: dict[str, Any]
) -> None:
    message = push(browser)
    await web_push.send([message])
    await web_push.send([message])
    await web_push.send([push(browser)])
    last, second, first = [each["headers"]["Topic"] for each in vendors.sent()]
    assert first == second != last
    assert len(first) <= 32


async def test_who_unsubscribed_or_never_was_there_is_gone(
    vendors: FakeVendors, web_push: WebPush, browser: dict[str, Any]
) -> None:
    subscription = browser["endpoint"].rpartition("/")[2]
    async with aiohttp.ClientSession() as session:
        await session.delete(f"{vendors.url}/_fake/push/subscriptions/{subscription}")
    outcomes = await web_push.send([push(browser), push({**browser, "endpoint": f"{vendors.url}/push/nobody"})])
    for outcome in outcomes:
        assert isinstance(outcome, Refused)
        assert outcome.gone


async def test_whatever_the_length_it_is_taken(
    vendors: FakeVendors, web_push: WebPush, browser: dict[str, Any]
) -> None:
    long = push(browser, title="ä" * 5000, body="€" * 5000, url="https://llmo.example/" + "x" * 1000)
    (outcome,) = await web_push.send([long])
    assert isinstance(outcome, Sent)
    assert vendors.sent()[0]["text"].endswith("…")


@pytest.mark.parametrize(
    "device",
    [
        {},
        {"kind": "web_push", "endpoint": "ftp://x.example", "keys": {}},
        {"kind": "web_push", "endpoint": "https://x.example:x", "keys": {}},
        {"kind": "web_push", "endpoint": "https://user:password@push.example/1", "keys": {}},
        {"kind": "web_push", "endpoint": ["https://push.example/1"], "keys": {}},
        {"kind": "web_push", "endpoint": "https://push.example/1", "keys": {"p256dh": "", "auth": ""}},
        {"kind": "web_push", "endpoint": "https://push.example/1", "keys": {"p256dh": "AAAA", "auth": "AAAA"}},
        {"kind": "web_push", "endpoint": "https://push.example/1"},
        {"kind": "fcm", "token": "x"},
    ],
)
async def test_what_is_no_browser_is_refused(web_push: WebPush, device: object) -> None:
    outcomes = await web_push.send([push(device), mail()])
    assert [type(each) for each in outcomes] == [Refused, Refused]


async def test_private_networks_are_not_called_for_anybody(vendors: FakeVendors, browser: dict[str, Any]) -> None:
    web_push = provider(allow_private=False)
    port = vendors.url.rpartition(":")[2]
    endpoints = [
        *(browser["endpoint"], f"https://127.0.0.1:{port}/push/1", f"https://localhost:{port}/push/1"),
        *("https://169.254.169.254/", "https://[::1]/", "https://0x7f.1/"),
    ]
    for endpoint in endpoints:
        (outcome,) = await web_push.send([push({**browser, "endpoint": endpoint})])
        assert isinstance(outcome, Refused), endpoint
    await web_push.close()
    assert vendors.sent() == []


async def test_redirects_are_not_followed(vendors: FakeVendors, web_push: WebPush, browser: dict[str, Any]) -> None:
    vendors.fails("/push/.*", status=307, headers={"Location": browser["endpoint"]})
    (outcome,) = await web_push.send([push(browser)])
    assert isinstance(outcome, Refused)
    assert vendors.sent() == []


@pytest.mark.parametrize("fault", [{"status": 429}, {"status": 503}, {"stall": 30.0}, {"lost": True}])
async def test_what_may_come_to_something_the_next_time_has_failed(
    vendors: FakeVendors, web_push: WebPush, browser: dict[str, Any], fault: dict[str, Any]
) -> None:
    vendors.fails("/push/.*", **fault)
    (outcome,) = await web_push.send([push(browser)])
    assert isinstance(outcome, Failed)
    assert outcome.unknown is ("status" not in fault)


async def test_where_nobody_listens_nothing_was_sent(web_push: WebPush, browser: dict[str, Any]) -> None:
    (outcome,) = await web_push.send([push({**browser, "endpoint": "http://127.0.0.1:1/push/1"})])
    assert isinstance(outcome, Failed)
    assert not outcome.unknown


async def test_a_browser_that_knows_another_key_of_ours_is_no_fault_of_the_account(
    vendors: FakeVendors, web_push: WebPush, browser: dict[str, Any]
) -> None:
    vendors.fails("/push/.*", status=403)
    (outcome,) = await web_push.send([push(browser)])
    assert isinstance(outcome, Failed)
    assert not outcome.ours


@pytest.mark.parametrize("key", ["", "unset", "AAAA", "-----BEGIN PRIVATE KEY-----"])
def test_what_is_no_key_is_refused_at_once(key: str) -> None:
    with pytest.raises(ValueError, match="private key"):
        provider(key)
