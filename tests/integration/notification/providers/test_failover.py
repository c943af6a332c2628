"""Providers as one, by their real SDKs, while they fail."""

import random
from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from llmo_core.clock import SystemClock
from notification.delivery.failover import Failover
from notification.delivery.ports import Failed, Sent
from notification.providers.sendgrid import SendGrid
from notification.providers.smtp import Smtp
from tests.fakes.messages import FakeVendors
from tests.fakes.outgoing import mail
from tests.integration.notification.providers.mailers import SENDER


@pytest_asyncio.fixture
async def both(vendors: FakeVendors) -> AsyncIterator[Failover]:
    """SendGrid, and a mail server."""
    sendgrid = SendGrid("SG.test", sender=SENDER, clock=SystemClock(), base_url=vendors.url)
    smtp = Smtp(f"smtp://127.0.0.1:{vendors.smtp_port}?starttls=never", sender=SENDER)
    made = Failover([sendgrid, smtp], clock=SystemClock(), random=random.random)
    yield made
    await made.close()


async def test_while_sendgrid_is_down_a_mail_server_sends(vendors: FakeVendors, both: Failover) -> None:
    vendors.fails("/v3/mail/send", status=503, times=1000)
    messages = [mail(f"user{number}@example.com", text=f"for {number}") for number in range(30)]
    outcomes = await both.send(messages)
    assert {type(outcome) for outcome in outcomes} == {Sent}
    assert {outcome.provider for outcome in outcomes} == {"smtp"}
    assert vendors.api.records.counts()["duplicates"] == {}
    assert len(vendors.sent(provider="smtp")) == 30


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_fails_nothing_arrives_twice_and_what_was_sent_has_arrived(
    vendors: FakeVendors, both: Failover, seed: int
) -> None:
    vendors.fails("/v3/mail/send", rate=0.3, seed=seed, status=503)
    vendors.fails("/v3/mail/send", rate=0.2, seed=seed + 100, lost=True)
    vendors.fails("/smtp", rate=0.2, seed=seed, status=451)
    messages = [mail(f"user{number}@example.com", text=f"for {number}") for number in range(60)]
    outcomes = [outcome for each in messages for outcome in await both.send([each])]
    arrived = Counter(each["message_id"] for each in vendors.sent())
    assert max(arrived.values()) == 1
    for message, outcome in zip(messages, outcomes, strict=True):
        if isinstance(outcome, Sent):
            assert arrived[str(message.message_id)] == 1
        else:
            assert isinstance(outcome, Failed)
            assert outcome.unknown or arrived[str(message.message_id)] == 0
