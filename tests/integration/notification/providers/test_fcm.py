"""Firebase Cloud Messaging, with Google's own library for its tokens."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from llmo_core.clock import SystemClock
from notification.delivery.ports import Failed, Refused, Sent
from notification.providers.fcm import Fcm
from tests.fakes.messages import FakeVendors
from tests.fakes.outgoing import mail, push

KEY = rsa.generate_private_key(65537, 2048).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)
APP = {"kind": "fcm", "token": "app-1234567890123456"}


def fcm_of(url: str, *, email: str = "push@llmo.iam.example") -> Fcm:
    account = {
        "type": "service_account",
        "project_id": "llmo",
        "client_email": email,
        "private_key": KEY.decode(),
        "token_uri": f"{url}/token",
    }
    timeout = aiohttp.ClientTimeout(total=4.0)
    return Fcm(json.dumps(account), clock=SystemClock(), base_url=url, timeout=timeout)


@pytest_asyncio.fixture
async def fcm(vendors: FakeVendors) -> AsyncIterator[Fcm]:
    made = fcm_of(vendors.url)
    yield made
    await made.close()


async def test_the_app_shows_what_was_rendered_and_shows_it_once(vendors: FakeVendors, fcm: Fcm) -> None:
    message = push(APP, url="https://llmo.example/x", critical=True)
    outcomes = await fcm.send([message, message])
    assert all(isinstance(outcome, Sent) for outcome in outcomes)
    second, first = vendors.sent(provider="fcm")
    assert (first["title"], first["text"], first["url"]) == ("Budget", "95 % used", "https://llmo.example/x")
    assert first["message_id"] == str(message.message_id)
    assert first["android"]["ttl"] == "86400s"
    assert first["android"]["priority"] == "high"
    assert first["android"]["notification"]["tag"] == second["android"]["notification"]["tag"]
    assert first["apns"]["headers"]["apns-collapse-id"] == second["apns"]["headers"]["apns-collapse-id"]


@pytest.mark.parametrize(("token", "gone"), [("unregistered", True), ("mismatch", True), ("invalid", False)])
async def test_an_app_that_was_removed_is_gone(fcm: Fcm, token: str, gone: bool) -> None:  # noqa: FBT001 - a parameter of the test
    (outcome,) = await fcm.send([push({**APP, "token": token})])
    assert isinstance(outcome, Refused)
    assert outcome.gone is gone


async def test_outcomes_stand_in_the_order_of_the_messages(fcm: Fcm) -> None:
    outcomes = await fcm.send([push({"kind": "web_push"}), push(APP), mail()])
    assert [type(each) for each in outcomes] == [Refused, Sent, Refused]


async def test_a_token_of_googles_is_used_until_it_is_refused(vendors: FakeVendors, fcm: Fcm) -> None:
    await fcm.send([push(APP)])
    vendors.fails("/token", status=500, times=100)
    assert isinstance((await fcm.send([push(APP)]))[0], Sent)
    vendors.api.faults.clear()
    unauthenticated = {"error": {"status": "UNAUTHENTICATED", "message": "expired"}}
    vendors.fails(".*/messages:send", status=401, body=unauthenticated)
    (outcome,) = await fcm.send([push(APP)])
    assert isinstance(outcome, Failed)
    assert outcome.ours
    assert isinstance((await fcm.send([push(APP)]))[0], Sent)


async def test_an_account_that_google_does_not_know_is_our_fault(vendors: FakeVendors) -> None:
    fcm = fcm_of(vendors.url, email="wrong@llmo.iam.example")
    (outcome,) = await fcm.send([push(APP)])
    await fcm.close()
    assert isinstance(outcome, Failed)
    assert outcome.ours
    assert "PRIVATE" not in outcome.reason


async def test_it_is_left_alone_for_as_long_as_it_wants(vendors: FakeVendors, fcm: Fcm) -> None:
    vendors.fails(".*/messages:send", status=429, headers={"Retry-After": "11"})
    (outcome,) = await fcm.send([push(APP)])
    assert isinstance(outcome, Failed)
    assert outcome.retry_after == timedelta(seconds=11)


@pytest.mark.parametrize("fault", [{"stall": 30.0}, {"lost": True}])
async def test_without_an_answer_nobody_knows_whether_it_was_sent(
    vendors: FakeVendors, fcm: Fcm, fault: dict[str, Any]
) -> None:
    await fcm.send([push(APP)])
    vendors.fails(".*/messages:send", **fault)
    (outcome,) = await fcm.send([push(APP)])
    assert isinstance(outcome, Failed)
    assert outcome.unknown


async def test_where_nobody_listens_nothing_was_sent() -> None:
    fcm = fcm_of("http://127.0.0.1:1")
    (outcome,) = await fcm.send([push(APP)])
    await fcm.close()
    assert isinstance(outcome, Failed)
    assert not outcome.unknown


def test_what_is_no_account_is_refused_at_once() -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - Google's own words
        Fcm("{}", clock=SystemClock())
