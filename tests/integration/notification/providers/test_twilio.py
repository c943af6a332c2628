"""Twilio: what it has beside other providers of text messages."""

import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import pytest_asyncio
from twilio.request_validator import RequestValidator

from notification.delivery.ports import Failed, Refused, Sent
from notification.providers.twilio import Twilio
from tests.fakes.messages import FakeVendors
from tests.fakes.outgoing import sms
from tests.integration.notification.providers.texters import twilio


@pytest_asyncio.fixture
async def provider(vendors: FakeVendors) -> AsyncIterator[Twilio]:
    made = twilio(vendors.url)
    yield made
    await made.close()


@pytest.mark.parametrize("number", ["+15005550001", "+15005550009"])
async def test_what_is_no_mobile_number_is_never_sent_to_again(provider: Twilio, number: str) -> None:
    (outcome,) = await provider.send([sms(number)])
    assert isinstance(outcome, Refused)
    assert outcome.gone


@pytest.mark.parametrize("number", ["+15005550002", "+15005550003", "+15005550004"])
async def test_who_cannot_be_reached_now_may_be_another_time(provider: Twilio, number: str) -> None:
    (outcome,) = await provider.send([sms(number)])
    assert isinstance(outcome, Refused)
    assert not outcome.gone


@pytest.mark.parametrize("sender", ["+15005550001", "+15005550007"])
async def test_a_sender_that_is_not_ours_is_our_fault(vendors: FakeVendors, sender: str) -> None:
    provider = twilio(vendors.url, sender=sender)
    (outcome,) = await provider.send([sms()])
    await provider.close()
    assert isinstance(outcome, Failed)
    assert outcome.ours


async def test_a_full_queue_is_tried_later(vendors: FakeVendors) -> None:
    provider = twilio(vendors.url, sender="+15005550008")
    (outcome,) = await provider.send([sms()])
    await provider.close()
    assert isinstance(outcome, Failed)
    assert not outcome.ours
    assert not outcome.unknown


async def test_a_wrong_token_is_our_fault(vendors: FakeVendors) -> None:
    provider = twilio(vendors.url, auth_token="wrong")
    (outcome,) = await provider.send([sms()])
    await provider.close()
    assert isinstance(outcome, Failed)
    assert outcome.ours


async def test_it_is_left_alone_for_as_long_as_it_wants(vendors: FakeVendors, provider: Twilio) -> None:
    body = {"code": 20429, "message": "Too many requests", "status": 429}
    vendors.fails(".*/Messages.json", status=429, body=body, headers={"Retry-After": "3"})
    (outcome,) = await provider.send([sms()])
    assert isinstance(outcome, Failed)
    assert outcome.retry_after == timedelta(seconds=3)


async def test_an_answer_that_is_none_of_twilios_says_nothing(vendors: FakeVendors, provider: Twilio) -> None:
    vendors.fails(".*/Messages.json", status=201, body="<html>")
    (outcome,) = await provider.send([sms()])
    assert isinstance(outcome, Failed)
    assert outcome.unknown


async def test_a_messaging_service_chooses_the_number(vendors: FakeVendors) -> None:
    provider = twilio(vendors.url, sender="MG" + "0" * 32)
    (outcome,) = await provider.send([sms()])
    await provider.close()
    assert isinstance(outcome, Sent)
    assert vendors.sent()[0]["sender"] == "MG" + "0" * 32


@pytest.mark.parametrize(
    ("number", "statuses"),
    [("+4915112345678", ["queued", "sent", "delivered"]), ("+4915112330005", ["queued", "sent", "undelivered"])],
)
async def test_it_is_told_what_became_of_a_message(vendors: FakeVendors, number: str, statuses: list[str]) -> None:
    provider = twilio(vendors.url, auth_token="secret", status_callback=f"{vendors.receiver_url}/webhooks/twilio")
    message = sms(number)
    await provider.send([message])
    await provider.close()
    calls = await vendors.told.until(3)
    told = []
    for path, headers, body in calls:
        form = dict(parse_qsl(body.decode()))
        assert RequestValidator("secret").validate(vendors.receiver_url + path, form, headers["X-Twilio-Signature"])
        assert parse_qs(urlsplit(path).query)["message_id"] == [str(message.message_id)]
        told.append(form["MessageStatus"])
    assert sorted(told) == sorted(statuses)


async def test_neither_token_nor_text_is_logged(
    vendors: FakeVendors, provider: Twilio, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await provider.send([sms(text="very private")])
    assert len(vendors.sent()) == 1
    assert "very private" not in caplog.text
    assert "of-a-test" not in caplog.text
