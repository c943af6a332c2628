"""What every provider of mails promises, by its real SDK."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from notification.delivery.ports import Failed, Refused, Sent
from tests.fakes.aws_mail import FakeAws
from tests.fakes.messages import FakeVendors
from tests.fakes.outgoing import UNSUBSCRIBE, mail, sms
from tests.integration.notification.providers.mailers import Mailer, SendGridMailer, SesMailer, SmtpMailer


@pytest_asyncio.fixture(params=["sendgrid", "ses", "smtp"])
async def mailer(request: pytest.FixtureRequest, vendors: FakeVendors, aws: FakeAws) -> AsyncIterator[Mailer]:
    made: Mailer
    match request.param:
        case "sendgrid":
            made = SendGridMailer(vendors)
        case "ses":
            made = await asyncio.to_thread(SesMailer, aws)
        case _:
            made = SmtpMailer(vendors)
    yield made
    await made.close()


async def test_a_mail_arrives_as_it_was_rendered(mailer: Mailer) -> None:
    message = mail(name="Änne, of Köln", subject="Rechnung für März, 12,00 €", html="<p>Grüße</p>", text="Grüße")
    (outcome,) = await mailer.provider.send([message])
    assert isinstance(outcome, Sent)
    assert outcome.provider_id
    (sent,) = await mailer.sent()
    assert sent["to"] == message.address
    assert sent["name"].strip('"') == "Änne, of Köln"
    assert sent["subject"] == "Rechnung für März, 12,00 €"
    assert sent["html"].strip() == "<p>Grüße</p>"
    assert sent["text"].strip() == "Grüße"
    assert sent["headers"]["Message-ID"] == f"<{message.message_id}@llmo.example>"
    assert sent["headers"]["Auto-Submitted"] == "auto-generated"


async def test_one_click_unsubscribes_from_what_can_be_muted_and_from_nothing_else(mailer: Mailer) -> None:
    url = UNSUBSCRIBE + "x" * 300
    await mailer.provider.send([mail(unsubscribe_url=url), mail("bert@example.com", critical=True)])
    muted, critical = sorted(await mailer.sent(), key=lambda each: str(each["to"]))
    assert muted["headers"]["List-Unsubscribe"] == f"<{url}>"
    assert muted["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "List-Unsubscribe" not in critical["headers"]


async def test_outcomes_stand_in_the_order_of_the_messages(mailer: Mailer) -> None:
    messages = [mail("a@example.com"), mail("not an address"), sms(), mail("b@example.com", subject="Another")]
    outcomes = await mailer.provider.send(messages)
    assert [type(each) for each in outcomes] == [Sent, Refused, Refused, Sent]


@pytest.mark.parametrize(
    "address",
    ["a@example.com\r\nBcc: eve@example.com", "a@example.com,eve@example.com", "<a@example.com>", "a b@x.com"],
)
async def test_an_address_that_is_more_than_one_is_refused(mailer: Mailer, address: str) -> None:
    (outcome,) = await mailer.provider.send([mail(address)])
    assert isinstance(outcome, Refused)
    assert await mailer.sent() == []


async def test_nothing_is_injected_by_subjects_and_names(mailer: Mailer) -> None:
    injected = "Hello\r\nBcc: eve@example.com\r\n\r\n<script>"
    (outcome,) = await mailer.provider.send([mail(subject=injected, name=injected)])
    assert isinstance(outcome, Sent)
    (sent,) = await mailer.sent()
    assert sent["to"] == "anna@example.com"
    assert "Bcc" not in sent["headers"]
    assert sent["subject"] == "Hello Bcc: eve@example.com <script>"


async def test_an_address_for_unsubscribing_ends_no_header(mailer: Mailer) -> None:
    (outcome,) = await mailer.provider.send([mail(unsubscribe_url="https://llmo.example/\r\nBcc: eve@example.com")])
    assert isinstance(outcome, Refused)


async def test_what_is_down_may_be_up_later(mailer: Mailer) -> None:
    mailer.is_down()
    first, second = await mailer.provider.send([mail()]), await mailer.provider.send([mail()])
    (outcome,) = first
    assert isinstance(outcome, Failed)
    assert not outcome.unknown
    assert not outcome.ours
    assert isinstance(second[0], Sent)


async def test_a_refused_account_is_ours_and_no_fault_of_the_message(mailer: Mailer) -> None:
    (outcome,) = await mailer.denied().send([mail()])
    assert isinstance(outcome, Failed)
    assert outcome.ours
    assert not outcome.unknown


async def test_where_nobody_listens_nothing_was_sent(mailer: Mailer) -> None:
    (outcome,) = await mailer.nobody.send([mail()])
    assert isinstance(outcome, Failed)
    assert not outcome.unknown


async def test_without_an_answer_nobody_knows_whether_it_was_sent(mailer: Mailer) -> None:
    mailer.stalls()
    (outcome,) = await mailer.hurried.send([mail()])
    assert isinstance(outcome, Failed)
    assert outcome.unknown


async def test_a_lost_answer_is_no_failure_to_send(mailer: Mailer) -> None:
    mailer.loses()
    (outcome,) = await mailer.provider.send([mail()])
    assert isinstance(outcome, Failed)
    assert outcome.unknown
    assert len(await mailer.sent()) == 1
