"""Who leaves while they are being told something, is told nothing that is kept: with two transactions at once."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from llmo_core.ids import new_id
from llmo_data.postgres import Database, one
from notification.kinds.models import Address, Audience, Channel, Priority
from notification.planning.models import Notification, NotificationStatus, Planned, Recipient, Route
from notification.templates.models import Rendered, RenderFacts
from tests.integration.notification.messages.post_office import Inboxes, PostOffice, enough
from tests.integration.notification.messages.test_departures import known, leave, leaving, mail_of
from tests.integration.notification.messages.test_digests import digesting, said
from tests.integration.organizations import MakeOrg, Org

WAITING = """
    SELECT count(*) AS waiting FROM pg_locks
    WHERE locktype = 'advisory' AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    """


@dataclass
class Meanwhile:
    """Something that begins inside of another's transaction, and has to wait for its end."""

    database: Database
    what: Callable[[], Awaitable[None]]
    task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Begin it, and come back when it waits."""
        if self.task is not None:
            return

        async def done() -> None:
            await self.what()

        self.task = asyncio.create_task(done())
        async with asyncio.timeout(10):
            while not (self.task.done() or await self._waits()):
                pass

    async def end(self) -> None:
        """Wait until it is done."""
        assert self.task is not None
        async with asyncio.timeout(10):
            await self.task

    async def _waits(self) -> bool:
        async def look() -> bool:
            async with self.database.statements() as connection:
                row = await one(connection, WAITING)
            return row is not None and row["waiting"] > 0

        return await asyncio.create_task(look())


@dataclass
class Interrupted(Inboxes):
    """Inboxes, and what begins when something is put there."""

    meanwhile: Meanwhile | None = None

    async def deliver(
        self, notification: Notification, entries: Sequence[tuple[UUID, Recipient, Route]], *, now: datetime
    ) -> Mapping[UUID, str]:
        if self.meanwhile is not None:
            await self.meanwhile.begin()
        return await super().deliver(notification, entries, now=now)


def by_mail_and_inbox(_: Notification, recipient: Recipient, now: datetime) -> Sequence[Planned]:
    return [
        Planned(channel=Channel.EMAIL, address=recipient.email, planned_for=now),
        Planned(channel=Channel.IN_APP, planned_for=now),
    ]


OWNERS = Audience(roles=("owner",))


async def test_who_left_after_a_chunk_was_read_gets_none_of_it(office: PostOffice, org: Org, make_org: MakeOrg) -> None:
    office.routes.planned = by_mail_and_inbox

    async def leaves(_: object, recipient: Recipient) -> None:
        if recipient.user_id == org.user_id:
            await leave(office, make_org, org)

    office.routes.meanwhile = leaves
    for audience in (OWNERS, Audience(user_ids=(org.user_id,), roles=("owner",))):
        asked = await office.ask(org.org_id, audience=audience, variables={"title": "kept"})
        await office.plan(asked)
        assert await office.messages(asked) == []
    assert office.inboxes.entries == []
    assert await known(office.database, org.org_id, mail_of(org), "Ada") == []


async def test_who_leaves_while_a_chunk_is_kept_is_forgotten_with_it(
    office: PostOffice, org: Org, make_org: MakeOrg
) -> None:
    office.routes.planned = by_mail_and_inbox
    meanwhile = Meanwhile(office.database, lambda: leave(office, make_org, org))
    office.inboxes = Interrupted(meanwhile=meanwhile)
    asked = await office.ask(org.org_id, audience=OWNERS)

    await office.plan(asked)
    await meanwhile.end()
    await office.send()

    assert office.vendor.addresses == []
    assert sorted(await office.statuses(asked)) == ["cancelled", "delivered"]
    assert await known(office.database, org.org_id, mail_of(org), "Ada") == []


async def test_who_leaves_while_a_digest_is_made_is_forgotten_with_it(
    office: PostOffice, org: Org, make_org: MakeOrg
) -> None:
    at = office.clock.now() + timedelta(hours=6)
    office.routes.planned = lambda _, recipient, __: [
        Planned(channel=Channel.EMAIL, address=recipient.email, planned_for=at, digest="daily@1")
    ]
    await office.plan(await office.ask(org.org_id, audience=OWNERS, variables={"n": 1}))
    office.clock.moment = at
    meanwhile = Meanwhile(office.database, lambda: leave(office, make_org, org))

    async def rendered(facts: RenderFacts) -> Rendered:
        await meanwhile.begin()
        return await said(facts)

    assert await digesting(office, rendered).digest_due(enough) >= 1
    await meanwhile.end()
    await office.send()

    assert mail_of(org) not in office.vendor.addresses
    assert await known(office.database, org.org_id, mail_of(org), "Ada") == []


async def test_who_leaves_is_told_what_is_critical_and_names_them_and_nothing_of_it_is_kept(
    office: PostOffice, org: Org, make_org: MakeOrg
) -> None:
    async def leaves(_: object, recipient: Recipient) -> None:
        if recipient.user_id == org.user_id:
            await leave(office, make_org, org)

    office.routes.meanwhile = leaves
    audience = Audience(user_ids=(org.user_id,))
    asked = await office.ask(org.org_id, audience=audience, priority=Priority.CRITICAL, category="payments")
    await office.plan(asked)
    await office.send()
    assert office.vendor.addresses == [mail_of(org)]
    assert await known(office.database, org.org_id, mail_of(org), "Ada") == []


async def test_two_who_leave_at_once_are_both_taken_off_a_list(office: PostOffice, org: Org) -> None:
    mails = [f"{new_id().hex}@example.com" for _ in range(6)]
    addresses = tuple(Address(email=each) for each in (*mails, "stays@example.com"))
    later = office.clock.now() + timedelta(days=1)
    scheduled = {"status": NotificationStatus.SCHEDULED, "send_at": later}
    await office.ask(org.org_id, audience=Audience(addresses=addresses), **scheduled)
    await asyncio.gather(*(leaving(office).account_deleted(new_id(), mail) for mail in mails))
    assert await known(office.database, org.org_id, *mails) == []
    assert await known(office.database, org.org_id, "stays@example.com") == ["notifications"]


async def test_what_is_scheduled_by_who_never_wrote_before_is_forgotten_with_the_account(
    office: PostOffice, org: Org, make_org: MakeOrg
) -> None:
    user_id, mail = new_id(), f"{new_id().hex}@example.com"
    later = office.clock.now() + timedelta(days=1)
    scheduled = {"status": NotificationStatus.SCHEDULED, "send_at": later, "variables": {"title": "for Grace"}}
    others = await make_org()
    await office.ask(org.org_id, mail.upper(), **scheduled)
    await office.ask(others.org_id, audience=Audience(user_ids=(user_id,)), **scheduled)

    await leaving(office).account_deleted(user_id, mail)

    for each in (org, others):
        assert await known(office.database, each.org_id, mail, str(user_id), "Grace") == []
    office.clock.moment = later
    await office.planning().plan_due(enough)
    await office.send()
    assert mail.upper() not in office.vendor.addresses
