"""Sending what is due: once, the urgent first, each recipient's in order, and nothing lost while providers are down."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import override

import pytest

from notification.delivery import sending
from notification.delivery.failover import Failover
from notification.delivery.models import Settled
from notification.delivery.ports import Failed, Outcome, Outgoing, Refused, Sent
from notification.delivery.repository import PostgresDeliveries
from notification.kinds.models import Audience, Channel, Priority
from notification.models import Status
from notification.planning.models import Planned
from tests.clocks import MovableClock
from tests.integration.notification.messages.post_office import PostOffice, Vendor, enough
from tests.integration.organizations import MakeOrg, Org


async def test_a_message_is_sent_once_by_however_many_senders(office: PostOffice, org: Org) -> None:
    notification = await office.ask(org.org_id, *(f"r{number}@example.com" for number in range(30)))
    await office.plan(notification)

    await asyncio.gather(*(office.send() for _ in range(3)))

    assert sorted(office.vendor.addresses) == sorted(f"r{number}@example.com" for number in range(30))
    assert set(await office.statuses(notification)) == {"sent"}
    [first, *_] = await office.messages(notification)
    assert (first["provider"], first["provider_id"], first["attempts"]) == ("vendor", f"id-{first['id']}", 1)
    assert (first["cost"], first["cost_currency"]) == (Decimal("0.0008"), "USD")


async def test_what_is_urgent_goes_before_what_came_earlier(
    office: PostOffice, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "MOST_IN_A_ROUND", 10)
    bulk = await office.ask(org.org_id, *(f"b{number}@example.com" for number in range(20)), priority=Priority.BULK)
    await office.plan(bulk)
    office.clock.advance(seconds=1)
    urgent = await office.ask(None, "urgent@example.com", priority=Priority.CRITICAL)
    await office.plan(urgent)

    await office.send()

    assert "urgent@example.com" in office.vendor.addresses[:10]


async def test_messages_to_somebody_go_in_their_order_while_a_provider_fails(office: PostOffice, org: Org) -> None:
    notifications = []
    for number in range(3):
        notifications.append(await office.ask(org.org_id, "ada@example.com", variables={"n": number}))
        await office.plan(notifications[-1])
        office.clock.advance(seconds=1)
    office.vendor.answers = lambda _: Failed("down")
    await office.send()
    assert len(office.vendor.took) == 1  # the others wait for the first one
    for _ in range(3):
        office.clock.advance(minutes=1)
        await office.send()

    office.vendor.answers = lambda message: Sent(str(message.message_id))
    office.vendor.took.clear()
    office.clock.advance(minutes=15)
    await office.send()

    assert [message.content.text.split()[1] for message in office.vendor.took if hasattr(message.content, "text")] == [
        *("0", "1", "2")
    ]


async def test_a_provider_that_is_down_for_an_hour_loses_and_doubles_nothing(office: PostOffice, org: Org) -> None:
    notification = await office.ask(org.org_id, *(f"r{number}@example.com" for number in range(5)))
    await office.plan(notification)
    office.vendor.answers = lambda _: Failed("503")
    for _ in range(60):
        await office.send()
        office.clock.advance(minutes=1)
    assert set(await office.statuses(notification)) == {"queued"}

    back = Vendor()
    for _ in range(11):
        office.clock.advance(minutes=1)
        await office.send(back)

    assert sorted(back.addresses) == [f"r{number}@example.com" for number in range(5)]
    assert set(await office.statuses(notification)) == {"sent"}


async def test_nothing_is_leased_while_no_provider_can_be_asked(office: PostOffice, org: Org) -> None:
    notification = await office.ask(org.org_id, "ada@example.com")
    await office.plan(notification)
    office.vendor.up = False

    assert await office.send() == 0
    [message] = await office.messages(notification)
    assert (message["status"], message["attempts"], message["leased_until"]) == ("queued", 0, None)


async def test_what_a_provider_refuses_is_not_tried_again(office: PostOffice, org: Org) -> None:
    notification = await office.ask(org.org_id, "gone@example.com", "no@example.com")
    await office.plan(notification)
    office.vendor.answers = lambda message: Refused("no such user", gone=message.address == "gone@example.com")

    await office.send()
    office.clock.advance(hours=1)
    await office.send()

    assert len(office.vendor.took) == 2
    assert await office.statuses(notification) == ["bounced", "failed"]
    assert office.suppressed.addresses == {"gone@example.com"}


async def test_an_address_that_is_suppressed_gets_nothing(office: PostOffice, org: Org) -> None:
    office.suppressed.addresses.add("gone@example.com")
    notification = await office.ask(org.org_id, "ada@example.com", "gone@example.com")
    await office.plan(notification)

    await office.send()

    assert office.vendor.addresses == ["ada@example.com"]
    assert await office.statuses(notification) == ["sent", "suppressed"]


async def test_a_retry_after_is_respected(office: PostOffice, org: Org) -> None:
    notification = await office.ask(org.org_id, "ada@example.com")
    await office.plan(notification)
    office.vendor.answers = lambda _: Failed("429", retry_after=timedelta(minutes=20))
    await office.send()

    office.clock.advance(minutes=19)
    assert await office.send() == 0
    office.clock.advance(minutes=1)
    assert await office.send() == 1


async def test_what_is_worth_nothing_any_more_is_not_sent(office: PostOffice) -> None:
    told = {"token": "secret", "expires_at": (office.clock.now() + timedelta(minutes=30)).isoformat()}
    notification = await office.ask(None, "ada@example.com", priority=Priority.CRITICAL, variables=told)
    await office.plan(notification)
    office.clock.advance(minutes=31)

    await office.send()

    assert office.vendor.took == []
    assert await office.statuses(notification) == ["expired"]


async def test_a_sender_that_dies_in_between_is_followed_after_its_lease(office: PostOffice, org: Org) -> None:
    notification = await office.ask(org.org_id, "ada@example.com")
    await office.plan(notification)

    class Killed(Vendor):
        async def send(self, messages: object) -> list[Outcome]:
            raise asyncio.CancelledError(messages)

    with pytest.raises(asyncio.CancelledError):
        await office.send(Killed())
    assert await office.send() == 0
    office.clock.advance(minutes=5, seconds=1)
    assert await office.send() == 1

    [message] = await office.messages(notification)
    assert (message["status"], message["attempts"]) == ("sent", 2)
    async with office.database.transaction(org.org_id) as connection:
        found = await connection.execute("SELECT number, outcome FROM notification.attempts ORDER BY number")
        assert await found.fetchall() == [{"number": 1, "outcome": "unknown"}, {"number": 2, "outcome": "sent"}]


async def test_a_receipt_that_came_before_the_note_counts_more(office: PostOffice, org: Org) -> None:
    notification = await office.ask(org.org_id, "ada@example.com")
    await office.plan(notification)
    told = "UPDATE notification.messages SET status = 'delivered' WHERE notification_id = %s"

    class Prompt(Vendor):
        async def send(self, messages: object) -> list[Outcome]:
            async with office.database.transaction(org.org_id) as connection:
                await connection.execute(told, (notification.id,))
            return [Sent(f"id-{messages!r}"[:20])]

    await office.send(Prompt())

    assert await office.statuses(notification) == ["delivered"]


async def test_what_opens_something_is_forgotten_once_it_is_sent(office: PostOffice) -> None:
    variables = {"token": "secret", "expires_at": (office.clock.now() + timedelta(hours=1)).isoformat()}
    notification = await office.ask(None, "ada@example.com", priority=Priority.CRITICAL, variables=variables)
    await office.plan(notification)

    await office.send()

    async with office.database.transaction() as connection:
        found = await connection.execute(
            "SELECT variables FROM notification.notifications WHERE id = %s", (notification.id,)
        )
        [row] = await found.fetchall()
    assert "token" not in row["variables"]


async def test_a_defect_in_a_provider_keeps_the_messages(office: PostOffice, org: Org) -> None:
    notification = await office.ask(org.org_id, "ada@example.com")
    await office.plan(notification)

    def broken(message: Outgoing) -> Outcome:
        raise RuntimeError(message.message_id)

    office.vendor.answers = broken
    await office.send()

    assert await office.statuses(notification) == ["queued"]


async def test_messages_of_several_organizations_go_in_one_run(office: PostOffice, org: Org, make_org: MakeOrg) -> None:
    other = await make_org()
    for org_id in (org.org_id, other.org_id, None):
        await office.plan(await office.ask(org_id, f"{org_id}@example.com"))

    await office.send()

    assert {*office.vendor.addresses} == {f"{org_id}@example.com" for org_id in (org.org_id, other.org_id, None)}
    assert {message.org_id for message in office.vendor.took} == {org.org_id, other.org_id, None}


async def test_only_what_nobody_may_mute_has_no_link_to_unsubscribe(office: PostOffice, org: Org) -> None:
    await office.plan(
        await office.ask(org.org_id, "a@example.com"),
        await office.ask(org.org_id, "b@example.com", priority=Priority.CRITICAL),
    )

    await office.send()

    links = {message.address: message.unsubscribe_url for message in office.vendor.took}
    assert links["b@example.com"] is None
    assert (links["a@example.com"] or "").startswith("https://llmo.example/unsubscribe/")


async def test_who_read_it_in_the_inbox_gets_no_mail_of_it(office: PostOffice, org: Org, make_org: MakeOrg) -> None:
    office.routes.planned = lambda _, recipient, now: [
        Planned(
            channel=Channel.EMAIL,
            address=recipient.email,
            planned_for=now + timedelta(minutes=10),
            unless_read=True,
        )
    ]
    read = await office.ask(org.org_id, audience=Audience(user_ids=(org.user_id,)))
    other = await make_org()
    unread = await office.ask(other.org_id, audience=Audience(user_ids=(other.user_id,)))
    await office.plan(read, unread)
    office.inboxes.read.add((org.user_id, read.id))
    office.clock.advance(minutes=10)

    await office.send()

    assert office.vendor.addresses == [f"{other.user_id.hex}@example.com"]
    assert (await office.statuses(read), await office.statuses(unread)) == (["skipped"], ["sent"])


async def test_a_sender_that_comes_back_late_takes_no_message_from_who_has_it_now(office: PostOffice, org: Org) -> None:
    notification = await office.ask(org.org_id, "ada@example.com")
    await office.plan(notification)
    [message] = await office.messages(notification)
    deliveries, now = PostgresDeliveries(office.database), office.clock.now()
    [first] = await deliveries.lease(org.org_id, [message["id"]], now=now, until=now + sending.LEASE)
    office.clock.advance(minutes=6)
    now = office.clock.now()
    await deliveries.lease(org.org_id, [message["id"]], now=now, until=now + sending.LEASE)
    late = Settled(first.id, Status.QUEUED, "503", now, first.attempts + 1, leased_attempts=first.attempts)

    await deliveries.settle(org.org_id, [late], now=now)

    [message] = await office.messages(notification)
    assert (message["status"], message["leased_until"]) == ("sending", now + sending.LEASE)


class _Slow(Vendor):
    """A provider that takes ten seconds a message; `clock` says so."""

    clock: MovableClock

    @override
    async def send(self, messages: Sequence[Outgoing]) -> Sequence[Outcome]:
        self.clock.advance(seconds=10)
        return await super().send(messages)


async def test_a_slow_provider_is_asked_no_longer_than_there_is_time(office: PostOffice, org: Org) -> None:
    notification = await office.ask(org.org_id, *(f"r{number}@example.com" for number in range(6)))
    await office.plan(notification)
    slow = _Slow(name="smtp")
    slow.clock = office.clock
    senders = Failover([slow], clock=office.clock, random=lambda: 0.0)
    ends = office.clock.now() + timedelta(seconds=25)

    sent = await office.sending(senders).send_due(lambda: ends - office.clock.now())

    assert (sent, len(slow.took)) == (3, 3)
    waiting = [each for each in await office.messages(notification) if each["status"] == "queued"]
    assert {(each["attempts"], each["leased_until"], each["reason"]) for each in waiting} == {(0, None, None)}
    assert await office.sending(senders).send_due(enough) == 3
    assert len({message.message_id for message in slow.took}) == len(slow.took) == 6
