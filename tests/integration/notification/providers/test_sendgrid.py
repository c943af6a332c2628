"""SendGrid: what it has beside other providers of mails."""

import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from llmo_core.clock import SystemClock
from notification.delivery.ports import Failed, Refused, Sent
from notification.providers.sendgrid import MOST, SendGrid
from tests.fakes.messages import FakeVendors
from tests.fakes.outgoing import UNSUBSCRIBE, mail
from tests.integration.notification.providers.mailers import SENDER


@pytest_asyncio.fixture
async def sendgrid(vendors: FakeVendors) -> AsyncIterator[SendGrid]:
    made = SendGrid("SG.secret", sender=SENDER, clock=SystemClock(), base_url=vendors.url)
    yield made
    await made.close()


def requests(vendors: FakeVendors) -> int:
    return len({each["provider_id"] for each in vendors.sent()})


async def test_a_thousand_equal_mails_are_one_request_and_each_has_its_own_address_for_unsubscribing(
    vendors: FakeVendors, sendgrid: SendGrid
) -> None:
    urls = {f"user{number}@example.com": f"{UNSUBSCRIBE}{number}" for number in range(MOST)}
    outcomes = await sendgrid.send([mail(address, unsubscribe_url=url) for address, url in urls.items()])
    assert all(isinstance(outcome, Sent) for outcome in outcomes)
    assert requests(vendors) == 1
    for sent in vendors.sent():
        url = urls[sent["to"]]
        assert sent["text"] == f"Hello\n\nNo more: {url}\n"
        assert sent["html"] == f'<p>Hello</p><a href="{url.replace("&", "&amp;")}">No more</a>'
        assert sent["headers"]["List-Unsubscribe"] == f"<{url}>"


async def test_mails_that_differ_are_never_in_one_request(vendors: FakeVendors, sendgrid: SendGrid) -> None:
    await sendgrid.send([mail(text="for Anna"), mail("bert@example.com", text="for Bert"), mail(subject="Other")])
    assert {(each["to"], each["text"]) for each in vendors.sent()} >= {
        ("anna@example.com", "for Anna"),
        ("bert@example.com", "for Bert"),
    }
    assert requests(vendors) == 3


async def test_words_that_stand_for_an_address_are_left_as_they_are_in_somebodys_mail(
    vendors: FakeVendors, sendgrid: SendGrid
) -> None:
    text = "-llmo.unsubscribe.text- and -llmo.unsubscribe.html-"
    await sendgrid.send([mail(text=text, unsubscribe_url=UNSUBSCRIBE + "1")])
    (sent,) = vendors.sent()
    assert sent["text"] == text


async def test_one_bad_address_keeps_no_other_mail_back(vendors: FakeVendors, sendgrid: SendGrid) -> None:
    addresses = ["a@example.com", "refused@example.com", "b@example.com", "refused+2@example.com"]
    outcomes = await sendgrid.send([mail(address) for address in addresses])
    assert [type(each) for each in outcomes] == [Sent, Refused, Sent, Refused]
    assert sorted(each["to"] for each in vendors.sent()) == ["a@example.com", "b@example.com"]


async def test_when_no_mail_is_named_each_is_asked_for_alone(vendors: FakeVendors, sendgrid: SendGrid) -> None:
    vendors.fails("/v3/mail/send", status=413, body={})
    outcomes = await sendgrid.send([mail(f"{name}@example.com") for name in "abc"])
    assert [type(each) for each in outcomes] == [Sent, Sent, Sent]
    assert len(vendors.sent()) == 3


async def test_a_sender_that_is_not_verified_is_ours(vendors: FakeVendors, sendgrid: SendGrid) -> None:
    body = {"errors": [{"message": "The from address does not match.", "field": "from.email"}]}
    vendors.fails("/v3/mail/send", status=400, body=body)
    (outcome,) = await sendgrid.send([mail()])
    assert outcome == Failed("from.email The from address does not match.", ours=True)


async def test_messages_are_told_apart_by_our_ids(vendors: FakeVendors, sendgrid: SendGrid) -> None:
    message = mail()
    await sendgrid.send([message, message])
    assert [each["message_id"] for each in vendors.sent()] == [str(message.message_id)] * 2
    assert {each["org_id"] for each in vendors.sent()} == {str(message.org_id)}
    assert vendors.api.records.counts()["duplicates"] == {str(message.message_id): 2}


async def test_nobody_is_watched_who_reads_a_critical_mail(vendors: FakeVendors, sendgrid: SendGrid) -> None:
    await sendgrid.send([mail(critical=True)])
    (sent,) = vendors.sent()
    assert sent["tracked"] == {"subscription_tracking": False, "click_tracking": False, "open_tracking": False}


async def test_it_is_left_alone_until_its_limit_begins_anew(vendors: FakeVendors, sendgrid: SendGrid) -> None:
    reset = int(datetime.now(UTC).timestamp()) + 60
    vendors.fails("/v3/mail/send", status=429, headers={"X-RateLimit-Reset": str(reset)})
    (outcome,) = await sendgrid.send([mail()])
    assert isinstance(outcome, Failed)
    assert outcome.retry_after is not None
    assert timedelta(seconds=50) < outcome.retry_after <= timedelta(seconds=60)


async def test_neither_key_nor_mail_is_logged(sendgrid: SendGrid, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        await sendgrid.send([mail(text="very private")])
    assert "SG.secret" not in caplog.text
    assert "very private" not in caplog.text
