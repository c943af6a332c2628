"""A provider gets as much a second as the deployment says, no more and no less; organizations do not wait in line."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from notification.delivery.circuit import Rate
from notification.delivery.failover import Failover
from notification.delivery.ports import Outcome, Outgoing
from notification.kinds.models import Priority
from tests.integration.notification.messages.post_office import PostOffice, Vendor, enough
from tests.integration.organizations import MakeOrg, Org

PER_SECOND = 10


class Limited:
    """The office's vendor with a rate, and when it got what."""

    def __init__(self, office: PostOffice) -> None:
        self.office = office
        self.began = office.clock.now()
        self.moments: list[datetime] = []
        self.vendor = Vendor()
        answers = self.vendor.answers

        def noted(message: Outgoing) -> Outcome:
            self.moments.append(office.clock.now())
            return answers(message)

        self.vendor.answers = noted
        self.senders = Failover(
            [self.vendor],
            clock=office.clock,
            random=lambda: 0.5,
            pause=self.pause,
            rates={"vendor": Rate(PER_SECOND, PER_SECOND)},
        )

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.office.clock.advance(seconds=seconds)

    def left(self, seconds: float) -> Callable[[], timedelta]:
        """So much time from the beginning on."""
        return lambda: timedelta(seconds=seconds) - (self.office.clock.now() - self.began)

    async def send(self, seconds: float) -> int:
        return await self.office.sending(self.senders).send_due(self.left(seconds))


async def test_one_run_sends_what_its_time_allows_at_the_rate(office: PostOffice, org: Org, make_org: MakeOrg) -> None:
    other = await make_org()
    asked = [
        await office.ask(each.org_id, *(f"{each.org_id.hex}{number}@example.com" for number in range(25)))
        for each in (org, other)
    ]
    await office.plan(*asked)
    limited = Limited(office)
    assert await limited.send(60) == 50
    took = (limited.moments[-1] - limited.began).total_seconds()
    assert abs(took - 4) < 0.01  # ten at once, and forty more at ten a second
    for number, moment in enumerate(limited.moments, start=1):
        assert number <= PER_SECOND * (1 + (moment - limited.began).total_seconds()) + 0.01
    for notification in asked:
        assert {(each["status"], each["attempts"]) for each in await office.messages(notification)} == {("sent", 1)}


async def test_what_there_was_no_time_for_is_due_at_once_and_nothing_is_counted_against_it(
    office: PostOffice, org: Org
) -> None:
    asked = await office.ask(org.org_id, *(f"rated{number}@example.com" for number in range(40)))
    await office.plan(asked)
    now = office.clock.now()
    assert await Limited(office).send(2) == 29
    waiting = [each for each in await office.messages(asked) if each["status"] == "queued"]
    assert len(waiting) == 11
    assert {(each["attempts"], each["leased_until"], each["reason"]) for each in waiting} == {(0, None, None)}
    assert {each["due_at"] for each in waiting} == {now}


async def test_what_is_urgent_waits_for_a_second_of_the_rate_at_most(office: PostOffice, org: Org) -> None:
    await office.plan(await office.ask(org.org_id, *(f"bulk{number}@example.com" for number in range(60))))
    limited = Limited(office)
    pause = limited.pause

    async def asked_meanwhile(seconds: float) -> None:
        await pause(seconds)
        if len(limited.moments) == 15:
            urgent = await office.ask(None, "urgent@example.com", priority=Priority.CRITICAL, category="payments")
            await office.plan(urgent)

    limited.senders._sleep = asked_meanwhile
    assert await limited.send(60) == 61
    assert limited.vendor.addresses.index("urgent@example.com") <= 15 + 2 * PER_SECOND


class Together(Vendor):
    """Takes messages once so many are handed over at the same time."""

    def __init__(self, parties: int) -> None:
        super().__init__()
        self.barrier = asyncio.Barrier(parties)
        self.at_once = self.most = 0

    async def send(self, messages: Sequence[Outgoing]) -> Sequence[Outcome]:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await self.barrier.wait()
        self.at_once -= 1
        return await super().send(messages)


async def test_organizations_of_one_round_are_sent_for_at_once_and_not_without_bound(
    office: PostOffice, make_org: MakeOrg
) -> None:
    for number in range(16):
        org = await make_org()
        await office.plan(await office.ask(org.org_id, f"together{number}@example.com"))
    vendor = Together(8)
    async with asyncio.timeout(60):
        assert await office.sending(vendor).send_due(enough) == 16
    assert vendor.most == 8
