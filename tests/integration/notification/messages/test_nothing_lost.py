"""What goes wrong with one message, or one organization's, costs no other message: none is lost, none is doubled."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from llmo_core.ids import new_id
from llmo_data.postgres import Database
from notification.contents import Content, InAppContent
from notification.delivery.models import Leased, Settled
from notification.delivery.repository import PostgresDeliveries
from notification.delivery.suppressions import PostgresSuppressions
from notification.inbox.models import InboxItem, Whose
from notification.kinds.models import Channel, Priority
from notification.planning import recipients
from notification.planning.delivering import RenderedInboxes
from notification.planning.models import Recipient, Route, Waiting
from notification.templates.models import Rendered, RenderFacts
from tests.clocks import NOON
from tests.integration.notification.messages.post_office import Contents, PostOffice
from tests.integration.organizations import PEPPER, MakeOrg, Org


async def test_a_code_is_kept_for_those_who_are_still_to_be_planned_for(
    office: PostOffice, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipients, "CHUNK", 1)
    mails = ("a@example.com", "b@example.com")
    notification = await office.ask(org.org_id, *mails, kind="custom.sale", variables={"code": "SAVE10", "n": 1})
    spent = iter([timedelta(1), timedelta()])
    await office.planning().plan([Waiting(org.org_id, notification.id)], lambda: next(spent))
    await office.send()
    assert office.vendor.addresses == ["a@example.com"]

    assert await _variables(office, org, notification.id) == {"code": "SAVE10", "n": 1}
    await office.plan(notification)
    await office.send()
    assert await _variables(office, org, notification.id) == {"n": 1, "_forgotten": True}


async def test_who_complained_gets_what_is_critical_beside_what_is_not(office: PostOffice, org: Org) -> None:
    office.suppressed.complained.add("ada@example.com")
    news = await office.ask(org.org_id, "ada@example.com")
    await office.plan(news)
    office.clock.advance(seconds=1)
    urgent = await office.ask(org.org_id, "ada@example.com", priority=Priority.CRITICAL, category="payments")
    await office.plan(urgent)

    await office.send()

    assert (await office.statuses(urgent), await office.statuses(news)) == (["sent"], ["suppressed"])


async def test_an_address_is_suppressed_however_it_is_written(notification_database: Database) -> None:
    suppressions = PostgresSuppressions(notification_database, PEPPER.encode())
    address = f"{new_id().hex}@example.com"
    await suppressions.add(Channel.EMAIL, address, message_id=new_id(), now=NOON)

    written = [address, address.upper()]

    assert {*await suppressions.among(Channel.EMAIL, written, critical=False)} == {*written}


async def test_no_organization_is_begun_with_when_the_time_is_up(
    office: PostOffice, org: Org, make_org: MakeOrg
) -> None:
    for org_id in (org.org_id, (await make_org()).org_id):
        await office.plan(await office.ask(org_id, f"{org_id}@example.com"))

    def left() -> timedelta:
        return timedelta() if office.vendor.took else timedelta(hours=1)

    assert await office.sending().send_due(left) == 1
    assert len(office.vendor.took) == 1


class _Hiccup(PostgresDeliveries):
    """The database is away when the first message's outcome is to be kept, and back at once."""

    async def settle(self, org_id: UUID | None, settled: Sequence[Settled], *, now: datetime) -> None:
        if self._failed:
            await super().settle(org_id, settled, now=now)
            return
        self._failed = True
        raise ConnectionError

    _failed = False


async def test_what_came_of_other_messages_is_kept_when_that_of_one_cannot_be(office: PostOffice, org: Org) -> None:
    notification = await office.ask(org.org_id, *(f"r{number}@example.com" for number in range(5)))
    await office.plan(notification)
    sending = office.sending(deliveries=_Hiccup(office.database))

    with pytest.raises(ConnectionError):
        await sending.send_due(lambda: timedelta(hours=1))

    assert sorted(await office.statuses(notification)) == ["sending", *["sent"] * 4]


async def test_one_that_a_defect_keeps_from_being_said_keeps_no_other(office: PostOffice, org: Org) -> None:
    class Defective(Contents):
        async def content(self, message: Leased, *, unsubscribe_url: str | None) -> Content:
            if message.address == "b@example.com":
                raise KeyError(message.id)
            return await super().content(message, unsubscribe_url=unsubscribe_url)

    notification = await office.ask(org.org_id, "a@example.com", "b@example.com", "c@example.com")
    await office.plan(notification)

    await office.sending(contents=Defective()).send_due(lambda: timedelta(hours=1))
    assert await office.statuses(notification) == ["sent", "queued", "sent"]

    office.clock.advance(minutes=1)
    await office.send()
    assert await office.statuses(notification) == ["sent"] * 3


async def test_an_inbox_that_a_defect_keeps_empty_keeps_nobody_elses(office: PostOffice, org: Org) -> None:
    filled: list[InboxItem] = []

    class Filling:
        async def add(self, org_id: UUID | None, items: Sequence[InboxItem]) -> None:
            assert org_id == org.org_id
            filled.extend(items)

        async def read_among(self, _whose: Whose, _notification_ids: Collection[UUID]) -> Collection[UUID]:
            return ()

    async def render(facts: RenderFacts) -> Rendered:
        if facts.person == "Ada":
            raise KeyError(facts.kind)
        return Rendered(content=InAppContent(title="Hello", body=""), locale="en")

    inboxes = RenderedInboxes(filling=Filling(), render=render, announce=lambda _: None, organization_locale="en")
    route = Route(locale="en", time_zone="UTC", messages=())
    entries = [(new_id(), Recipient(key=name, user_id=new_id(), name=name), route) for name in ("Ada", "Grace")]

    unsaid = await inboxes.deliver(await office.ask(org.org_id), entries, now=NOON)

    assert [*unsaid] == [entries[0][0]]
    assert [item.id for item in filled] == [entries[1][0]]


async def _variables(office: PostOffice, org: Org, notification_id: UUID) -> object:
    async with office.database.transaction(org.org_id) as connection:
        found = await connection.execute(
            "SELECT variables FROM notification.notifications WHERE id = %s", (notification_id,)
        )
        [row] = await found.fetchall()
    return row["variables"]
