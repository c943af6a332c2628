"""Of who has left, nothing is kept of what was sent to them; what is critical, and the farewell, is sent first."""

import re
from datetime import timedelta
from uuid import UUID

import pytest

from llmo_core.ids import new_id
from llmo_data.postgres import Database, every, insert
from notification.contacts.repository import PostgresDevices, PostgresPhones
from notification.delivery.ports import Refused
from notification.inbox.repository import PostgresInbox
from notification.kinds.models import Address, Audience, Channel, Priority
from notification.leaving.repository import PostgresDepartures
from notification.leaving.service import Leaving
from notification.planning import recipients
from notification.planning.models import Planned, Recipient, Waiting
from notification.planning.people import PostgresPeople
from notification.planning.planning import MOST_ATTEMPTS
from notification.preferences.repository import PostgresPreferences
from notification.requests.repository import PostgresRequested
from notification.topics.repository import PostgresTopics
from tests.integration.notification.messages.post_office import PostOffice, enough
from tests.integration.notification.messages.test_planning import told
from tests.integration.organizations import MakeOrg, Org

TABLES = ("notifications", "messages", "attempts", "receipts")


def leaving(office: PostOffice) -> Leaving:
    topics = PostgresTopics(office.database)
    return Leaving(
        preferences=PostgresPreferences(office.database),
        phones=PostgresPhones(office.database),
        devices=PostgresDevices(office.database),
        inbox=PostgresInbox(office.database),
        topics=topics,
        messages=PostgresDepartures(office.database),
        people=PostgresPeople(office.database, topics),
        transaction=office.database.transaction,
        clock=office.clock,
    )


async def known(database: Database, org_id: UUID | None, *names: str) -> list[str]:
    """Where any of these stands, in what is kept of an organization's notifications, or of those of none.

    As a word: what is hexadecimal has `ada` in it by chance.
    """
    sought = re.compile("|".join(rf"\b{re.escape(name)}\b" for name in names), re.IGNORECASE)
    found = []
    async with database.transaction(org_id) as connection:
        for table in TABLES:
            rows = await every(connection, f"SELECT each::text AS said FROM notification.{table} AS each")  # noqa: S608
            found += [table for row in rows if sought.search(row["said"])]
    return found


async def leave(office: PostOffice, make_org: MakeOrg, org: Org) -> None:
    """The owner is a member no more, and notification hears so."""
    await make_org.owner_leaves(org)
    await leaving(office).member_removed(org.org_id, org.user_id)


def mail_of(org: Org) -> str:
    return f"{org.user_id.hex}@example.com"


async def test_of_a_sent_farewell_nothing_is_kept(office: PostOffice, make_org: MakeOrg, org: Org) -> None:
    stranger = await make_org()
    event = told("llmo.auth.member.removed", org.org_id, user_id=str(stranger.user_id), left=False)
    waiting = await office.accept(event)
    await leaving(office).member_removed(org.org_id, stranger.user_id)
    await office.planning().plan(waiting, enough)
    await leaving(office).member_removed(org.org_id, stranger.user_id)
    assert await known(office.database, org.org_id, mail_of(stranger)) == ["messages"]

    await office.send()

    assert office.vendor.addresses == [mail_of(stranger)]
    assert await known(office.database, org.org_id, mail_of(stranger), "Ada", "left") == []


async def test_of_a_deleted_account_nothing_is_kept_once_it_was_told(office: PostOffice) -> None:
    user_id, mail = new_id(), f"{new_id().hex}@example.com"
    waiting = await office.accept(told("llmo.auth.user.deleted", None, user_id=str(user_id), email=mail))
    await leaving(office).account_deleted(user_id, mail)
    await office.planning().plan(waiting, enough)
    assert await known(office.database, None, mail) == ["notifications", "messages"]

    await office.send()

    assert office.vendor.addresses == [mail]
    assert await known(office.database, None, mail) == []


async def test_a_farewell_that_is_never_taken_is_forgotten_with_what_was_said_of_it(office: PostOffice) -> None:
    user_id, mail = new_id(), f"{new_id().hex}@example.com"
    waiting = await office.accept(told("llmo.auth.user.deleted", None, user_id=str(user_id), email=mail))
    await office.planning().plan(waiting, enough)
    office.vendor.answers = lambda message: Refused(f"550 {message.address} unknown")

    await office.send()

    assert await known(office.database, None, mail) == []


async def test_mails_without_an_account_are_found_by_their_address(office: PostOffice, org: Org) -> None:
    user_id, mail, other = new_id(), f"{new_id().hex}@example.com", f"{new_id().hex}@new.example"
    expires = {"token": "t", "expires_at": "2026-11-29T12:00:00Z"}
    verify = told("llmo.auth.email.verification_requested", None, email=mail.upper(), name="Grace Hopper", **expires)
    change = {"user_id": str(user_id), "email": other, "known": False, **expires}
    invited = {"invitation_id": str(new_id()), "email": mail, "organization": "Engines", "role": "developer"}
    waiting = await office.accept(
        verify,
        told("llmo.auth.email.change_requested", None, **change),
        told("llmo.auth.member.invited", org.org_id, **invited, **expires),
    )
    assert await office.planning().plan(waiting, enough) == 3
    await office.send()

    await leaving(office).account_deleted(user_id, mail)

    assert await known(office.database, None, mail, other, "Hopper") == []
    assert await known(office.database, org.org_id, mail, "Engines") == []


async def test_what_waits_is_not_sent_any_more_unless_it_is_critical(
    office: PostOffice, org: Org, make_org: MakeOrg
) -> None:
    mail = mail_of(org)
    audience = Audience(user_ids=(org.user_id,))
    waits = await office.ask(org.org_id, audience=audience, variables={"title": "secret plan"})
    urgent = await office.ask(org.org_id, audience=audience, priority=Priority.CRITICAL, category="payments")
    unplanned = await office.ask(org.org_id, audience=audience, variables={"title": "secret plan"})
    await office.plan(waits, urgent)

    for _ in range(2):
        await leave(office, make_org, org)
    assert await office.statuses(waits) == ["cancelled"]
    assert await office.plan(unplanned) == 0
    await office.send()

    assert office.vendor.addresses == [mail]
    assert await known(office.database, org.org_id, mail, "Ada", "secret plan") == []


async def test_others_are_still_told_who_are_on_the_same_list(
    office: PostOffice, org: Org, make_org: MakeOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipients, "CHUNK", 2)
    mail = mail_of(org)
    addresses = tuple(Address(email=each) for each in ("a@example.com", mail, "y@example.com", "z@example.com"))
    listed = await office.ask(org.org_id, audience=Audience(addresses=addresses), variables={"title": "kept"})

    async def leave_at_the_first_chunk(_: object, recipient: Recipient) -> None:
        if recipient.key == "y@example.com":
            await leave(office, make_org, org)

    office.routes.meanwhile = leave_at_the_first_chunk
    await office.plan(listed)
    await office.send()

    assert {*office.vendor.addresses} - {mail} == {"a@example.com", "y@example.com", "z@example.com"}
    assert await known(office.database, org.org_id, mail) == []
    assert await known(office.database, org.org_id, "kept") == ["notifications"]


async def test_what_is_told_of_an_account_after_it_is_gone_is_erased_as_well(office: PostOffice) -> None:
    mail = f"{new_id().hex}@example.com"
    late = told("llmo.auth.password.changed", None, user_id=str(new_id()), email=mail, by_reset=True)
    await office.planning().plan(await office.accept(late), enough)

    await office.send()

    assert office.vendor.addresses == [mail]
    assert await known(office.database, None, mail) == []


async def test_colleagues_keep_theirs(office: PostOffice, org: Org, make_org: MakeOrg) -> None:
    colleague = await make_org()
    audience = Audience(user_ids=(org.user_id, colleague.user_id), anybody=True)
    both = await office.ask(org.org_id, audience=audience, variables={"title": "kept"})
    office.routes.planned = lambda _, recipient, now: [
        Planned(channel=Channel.IN_APP, planned_for=now),
        Planned(channel=Channel.EMAIL, address=recipient.email, planned_for=now),
    ]
    await office.plan(both)
    await office.send()

    await leave(office, make_org, org)

    assert await known(office.database, org.org_id, mail_of(org)) == []
    assert await known(office.database, org.org_id, mail_of(colleague)) == ["messages"]
    assert await known(office.database, org.org_id, "kept") == ["notifications"]


async def farewell(office: PostOffice, org: Org) -> tuple[Waiting, str]:
    """A farewell that names its recipient, and whom."""
    mail = f"{new_id().hex}@example.com"
    asked = await office.ask(org.org_id, mail, departing=True, variables={"title": f"Farewell, {mail}"})
    return Waiting(org.org_id, asked.id), mail


async def test_of_a_farewell_that_is_given_up_nothing_is_kept(office: PostOffice, org: Org) -> None:
    waiting, mail = await farewell(office, org)

    async def fail(_: object, __: object) -> None:
        raise RuntimeError

    office.routes.meanwhile = fail
    for _ in range(MOST_ATTEMPTS):
        assert await known(office.database, org.org_id, mail) == ["notifications"]
        await office.planning().plan([waiting], enough)
        office.clock.advance(hours=1)

    assert await known(office.database, org.org_id, mail) == []


async def test_of_a_farewell_that_nobody_is_left_for_nothing_is_kept(office: PostOffice, org: Org) -> None:
    waiting, mail = await farewell(office, org)
    office.routes.planned = lambda _, __, ___: []

    assert await office.planning().plan([waiting], enough) == 1

    assert await known(office.database, org.org_id, mail) == []


async def test_of_a_farewell_whose_last_recipients_get_none_nothing_is_kept(
    office: PostOffice, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipients, "CHUNK", 1)
    mails = ["a@example.com", "b@example.com"]
    asked = await office.ask(org.org_id, *mails, departing=True)
    waiting, spent = Waiting(org.org_id, asked.id), iter([timedelta(1), timedelta()])
    await office.planning().plan([waiting], spent.__next__)
    await office.send()
    office.routes.planned = lambda _, __, ___: []

    await office.planning().plan([waiting], enough)

    assert office.vendor.addresses == mails[:1]
    assert await known(office.database, org.org_id, *mails) == []


async def test_of_a_farewell_that_is_cancelled_nothing_is_kept(office: PostOffice, org: Org) -> None:
    waiting, mail = await farewell(office, org)

    await PostgresRequested(office.database).cancel(org.org_id, waiting.notification_id, now=office.clock.now())

    assert await known(office.database, org.org_id, mail) == []


async def test_who_is_a_member_again_loses_nothing_to_old_news(office: PostOffice, org: Org, make_org: MakeOrg) -> None:
    audience = Audience(user_ids=(org.user_id,))
    await leave(office, make_org, org)
    row = {"org_id": org.org_id, "user_id": org.user_id, "role": "developer"}
    await make_org.connection.execute(*insert("auth.memberships", row))
    planned = await office.ask(org.org_id, audience=audience)
    await office.plan(planned)
    asked = await office.ask(org.org_id, audience=audience)

    await leaving(office).member_removed(org.org_id, org.user_id)
    await office.plan(asked)
    await office.send()

    assert office.vendor.addresses == [mail_of(org)] * 2
