"""No organization keeps others waiting, however much it sends."""

from datetime import timedelta

import pytest

from notification.delivery import sending
from notification.kinds.models import Priority
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
