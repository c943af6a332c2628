"""What every provider of text messages promises, by its real SDK."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from notification.delivery.ports import Failed, Refused, Sent
from tests.fakes.aws_mail import FakeAws
from tests.fakes.messages import FakeVendors
from tests.fakes.outgoing import mail, sms
from tests.integration.notification.providers.texters import SnsTexter, Texter, TwilioTexter


@pytest_asyncio.fixture(params=["sns", "twilio"])
async def texter(request: pytest.FixtureRequest, vendors: FakeVendors, aws: FakeAws) -> AsyncIterator[Texter]:
    made: Texter = SnsTexter(aws) if request.param == "sns" else TwilioTexter(vendors)
    yield made
    await made.close()


async def test_a_text_message_arrives_as_it_was_rendered(texter: Texter) -> None:
    (outcome,) = await texter.provider.send([sms(text="Grüße: 271828, €")])
    assert isinstance(outcome, Sent)
    assert outcome.provider_id
    assert await texter.sent() == [("+4915112345678", "Grüße: 271828, €")]


async def test_outcomes_stand_in_the_order_of_the_messages(texter: Texter) -> None:
    outcomes = await texter.provider.send([sms("0151 1234"), sms(), mail(), sms(text=" "), sms(text="x" * 1601)])
    assert [type(each) for each in outcomes] == [Refused, Sent, Refused, Refused, Refused]


@pytest.mark.parametrize("status", [429, 503])
async def test_what_is_busy_or_down_is_asked_again(texter: Texter, status: int) -> None:
    texter.answers(status)
    (outcome,) = await texter.provider.send([sms()])
    assert isinstance(outcome, Failed)
    assert not outcome.unknown
    assert not outcome.ours
    assert await texter.sent() == []


async def test_where_nobody_listens_nothing_was_sent(texter: Texter) -> None:
    (outcome,) = await texter.nobody.send([sms()])
    assert isinstance(outcome, Failed)
    assert not outcome.unknown


async def test_without_an_answer_nobody_knows_whether_it_was_sent(texter: Texter) -> None:
    texter.stalls()
    (outcome,) = await texter.hurried.send([sms()])
    assert isinstance(outcome, Failed)
    assert outcome.unknown


async def test_a_lost_answer_is_no_failure_to_send_and_it_is_sent_once(texter: Texter) -> None:
    texter.loses()
    (outcome,) = await texter.provider.send([sms()])
    assert isinstance(outcome, Failed)
    assert outcome.unknown
    assert len(await texter.sent()) == 1
