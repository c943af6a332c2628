"""No organization keeps others waiting, however much it sends."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from notification.delivery import repository, sending
from notification.delivery.repository import PostgresDeliveries
from notification.kinds.models import Channel, Priority
from notification.planning.models import Notification, Planned, Recipient
from tests.integration.notification.messages.post_office import PostOffice, enough
from tests.integration.organizations import MakeOrg, Org

_A_ROUND = 12


async def test_an_organization_that_sends_much_fills_no_round(
    office: PostOffice, org: Org, make_org: MakeOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "MOST_IN_A_ROUND", _A_ROUND)
    await office.plan(await office.ask(org.org_id, *(f"much{number:02}@example.com" for number in range(40))))
    office.clock.advance(seconds=1)
    for _ in range(3):
        other = await make_org()
        await office.plan(await office.ask(other.org_id, *(f"{other.org_id.hex}{n}@example.com" for n in range(2))))

    await office.send()

    first = office.vendor.addresses[:_A_ROUND]
    assert len([address for address in first if address.startswith("much")]) == _A_ROUND - 6
    assert len(office.vendor.addresses) == 46


async def test_one_alone_has_the_whole_round(office: PostOffice, org: Org) -> None:
    await office.plan(await office.ask(org.org_id, *(f"r{number}@example.com" for number in range(30))))
    looks: list[int] = []

    def left() -> timedelta:
        looks.append(len(office.vendor.took))
        return enough()

    assert await office.sending().send_due(left) == 30
    assert len([each for each in looks if 0 < each < 30]) == 0


async def test_what_is_urgent_goes_first_whosever_it_is(
    office: PostOffice, org: Org, make_org: MakeOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "MOST_IN_A_ROUND", _A_ROUND)
    others = [await make_org() for _ in range(3)]
    for each in (org, *others):
        await office.plan(await office.ask(each.org_id, *(f"{each.org_id.hex}{n}@example.com" for n in range(9))))
    office.clock.advance(seconds=1)
    urgent = [f"urgent{number}@example.com" for number in range(_A_ROUND)]
    for number, address in enumerate(urgent):
        org_id = others[number % 3].org_id if number % 4 else None
        await office.plan(await office.ask(org_id, address, priority=Priority.CRITICAL, category="payments"))

    await office.send()

    assert sorted(office.vendor.addresses[:_A_ROUND]) == sorted(urgent)


async def waiting(office: PostOffice, orgs: Sequence[Org], priority: Priority = Priority.NORMAL) -> None:
    """A message of each of these organizations."""
    for each in orgs:
        await office.plan(await office.ask(each.org_id, f"{each.org_id.hex}@example.com", priority=priority))


async def looked_at(office: PostOffice, start: UUID) -> list[UUID | None]:
    deliveries = PostgresDeliveries(office.database, start=lambda: start)
    found = await deliveries.due(Channel.EMAIL, now=office.clock.now(), besides=(), limit=200)
    return [each.org_id for each in found]


async def test_where_more_wait_than_are_looked_at_everybody_has_a_turn(
    office: PostOffice, make_org: MakeOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "MOST_LANES", 4)
    orgs = sorted([await make_org() for _ in range(10)], key=lambda each: each.org_id)
    await waiting(office, orgs)
    seen = [set(await looked_at(office, org.org_id)) for org in orgs]
    for org, found in zip(orgs, seen, strict=True):
        assert len(found) == 4
        assert org.org_id in found
    assert set().union(*seen) == {org.org_id for org in orgs}


async def test_a_look_goes_round_and_counts_nobody_twice(office: PostOffice, make_org: MakeOrg) -> None:
    orgs = [await make_org() for _ in range(5)]
    await waiting(office, orgs)
    for start in (UUID(int=0), orgs[2].org_id, UUID(int=2**128 - 1)):
        assert sorted(map(str, await looked_at(office, start))) == sorted(str(org.org_id) for org in orgs)


async def test_those_whose_messages_wait_for_later_hide_nobody(
    office: PostOffice, make_org: MakeOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "MOST_LANES", 4)

    def tomorrow(_: Notification, recipient: Recipient, now: datetime) -> Sequence[Planned]:
        return [Planned(channel=Channel.EMAIL, address=recipient.email, planned_for=now + timedelta(days=1))]

    office.routes.planned = tomorrow
    orgs = sorted([await make_org() for _ in range(12)], key=lambda each: each.org_id)
    await waiting(office, orgs[:-1], Priority.CRITICAL)
    await waiting(office, orgs[:-1])
    office.routes.planned = None
    await waiting(office, orgs[-1:])
    assert await looked_at(office, UUID(int=0)) == [orgs[-1].org_id]


async def test_much_that_is_urgent_keeps_nobody_else_from_being_looked_at(
    office: PostOffice, make_org: MakeOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "MOST_LANES", 6)
    orgs = [await make_org() for _ in range(8)]
    await waiting(office, orgs, Priority.CRITICAL)
    other = await make_org()
    await waiting(office, [other])
    found = await looked_at(office, orgs[0].org_id)
    assert found[-1] == other.org_id  # and what is urgent goes first
    assert len(found) == 6
