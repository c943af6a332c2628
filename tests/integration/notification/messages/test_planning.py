"""From events and requests to messages: each once, in chunks that any run can go on with, and never across tenants."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from auth.accounts.closing_repository import CLOSE
from llmo_core.ids import new_id
from llmo_data.postgres import DatabaseUnavailable, every, insert
from llmo_messaging.envelope import Envelope
from notification.kinds.models import Address, Audience, Channel, Priority
from notification.planning import recipients
from notification.planning.models import Notification, Planned, Recipient, Waiting
from notification.planning.planning import LEASE, MOST_ATTEMPTS
from notification.requests.repository import PostgresRequested
from tests.clocks import NOON
from tests.integration.notification.messages.post_office import PostOffice, enough
from tests.integration.organizations import MakeOrg, Org


def told(event_type: str, org_id: UUID | None, **data: object) -> tuple[Envelope, dict[str, object]]:
    """An event as it arrives."""
    envelope = Envelope(id=new_id(), source="llmo.auth", type=event_type, time=NOON, orgid=org_id, data=data)
    return envelope, data


def budget(org: Org, percent: int = 80) -> tuple[Envelope, dict[str, object]]:
    """A threshold of a budget that was reached."""
    data = {"budget_id": "b", "scope": "project", "subject": "p", "window": "month", "window_starts": "2026-11"}
    spent = {"percent": percent, "spent_usd": "80", "limit_usd": "100", "hard": True}
    return told("llmo.integration.budget.threshold_reached", org.org_id, **data, **spent)


async def test_an_event_is_told_once_however_often_it_arrives(office: PostOffice, org: Org) -> None:
    event = budget(org)

    first = await office.accept(event)
    again = await office.accept(event, event)
    another = await office.accept(budget(org))

    assert (len(first), again, another) == (1, [], [])


async def test_everybody_who_may_do_something_about_it_is_told(office: PostOffice, org: Org) -> None:
    waiting = await office.accept(budget(org))
    assert await office.planning().plan(waiting, enough) == 1

    async with office.database.transaction(org.org_id) as connection:
        found = await connection.execute("SELECT recipient, address, name, status FROM notification.messages")
        [message] = await found.fetchall()
    assert (message["recipient"], message["name"], message["status"]) == (str(org.user_id), "Ada", "queued")
    assert message["address"] == f"{org.user_id.hex}@example.com"
    assert await office.announced(org.org_id) == ["llmo.notification.email.queued"]


async def test_who_owned_a_closed_organization_is_told_what_comes_of_it(
    office: PostOffice, make_org: MakeOrg, org: Org
) -> None:
    colleague = await make_org()
    row = {"org_id": org.org_id, "user_id": colleague.user_id, "role": "developer"}
    await make_org.connection.execute(*insert("auth.memberships", row))
    for statement in CLOSE:
        await make_org.connection.execute(statement, {"org_id": org.org_id, "at": office.clock.now()})
    data = {"subscription_id": str(new_id()), "reason": "organization_closed"}

    await office.planning().plan(
        await office.accept(told("llmo.billing.subscription.ended", org.org_id, **data)), enough
    )
    await office.send()

    assert office.vendor.addresses == [f"{org.user_id.hex}@example.com"]


async def test_what_is_personal_belongs_to_no_organization(office: PostOffice, org: Org) -> None:
    data = {"user_id": str(org.user_id), "email": "ada@example.com", "by_reset": True}
    [waiting] = await office.accept(told("llmo.auth.password.changed", None, **data))

    await office.planning().plan([waiting], enough)

    assert waiting.org_id is None
    async with office.database.transaction() as connection:
        found = await connection.execute(
            "SELECT address, user_id, name FROM notification.messages WHERE notification_id = %s",
            (waiting.notification_id,),
        )
        assert await found.fetchall() == [{"address": "ada@example.com", "user_id": org.user_id, "name": "Ada"}]
    async with office.database.transaction(org.org_id) as connection:
        found = await connection.execute("SELECT id FROM notification.messages")
        assert await found.fetchall() == []


async def test_who_left_is_told_that_they_did(office: PostOffice, org: Org, make_org: MakeOrg) -> None:
    stranger = await make_org()
    event = told("llmo.auth.member.removed", org.org_id, user_id=str(stranger.user_id), left=False)

    await office.planning().plan(await office.accept(event), enough)

    async with office.database.transaction(org.org_id) as connection:
        found = await connection.execute("SELECT user_id FROM notification.messages")
        assert await found.fetchall() == [{"user_id": stranger.user_id}]


async def test_users_of_other_organizations_are_not_told(office: PostOffice, org: Org, make_org: MakeOrg) -> None:
    stranger = await make_org()
    audience = Audience(user_ids=(org.user_id, stranger.user_id))
    notification = await office.ask(org.org_id, audience=audience)

    await office.plan(notification)

    assert [message["user_id"] for message in await office.messages(notification)] == [org.user_id]


async def test_somebody_who_is_named_twice_gets_one_message(office: PostOffice, org: Org) -> None:
    audience = Audience(user_ids=(org.user_id,), roles=("owner",))
    notification = await office.ask(org.org_id, audience=audience)

    await office.plan(notification)

    assert len(await office.messages(notification)) == 1


async def test_a_long_list_is_planned_in_chunks_and_gone_on_with(
    office: PostOffice, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipients, "CHUNK", 10)
    notification = await office.ask(org.org_id, *(f"r{number}@example.com" for number in range(25)))
    spent = iter([timedelta(1), timedelta(1), timedelta(0)])

    assert await office.planning().plan([Waiting(org.org_id, notification.id)], lambda: next(spent)) == 0
    begun = len(await office.messages(notification))
    assert await office.plan(notification) == 1

    assert begun == 20
    assert len(await office.messages(notification)) == 25
    assert await office.announced(org.org_id) == ["llmo.notification.email.queued"] * 3


async def test_a_list_that_was_begun_by_position_is_begun_anew_and_leaves_nobody_out(
    office: PostOffice, org: Org
) -> None:
    addresses = [f"0{number}@example.com" for number in range(5)]
    notification = await office.ask(org.org_id, *addresses)
    begun = "UPDATE notification.notifications SET planned_after = 'listed:2' WHERE id = %s"
    async with office.database.transaction(org.org_id) as connection:
        await connection.execute(begun, (notification.id,))

    assert await office.plan(notification) == 1

    assert [message["recipient"] for message in await office.messages(notification)] == addresses


async def test_what_goes_to_many_lets_others_go_first_between_its_commits(
    office: PostOffice, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipients, "CHUNK", 10)
    addresses = [f"r{number}@example.com" for number in range(25)]
    bulk = await office.ask(org.org_id, *addresses, priority=Priority.BULK)
    urgent = await office.ask(org.org_id, "urgent@example.com", priority=Priority.CRITICAL, category="payments")
    asked_again = "llmo.notification.notification.requested"

    assert await office.plan(bulk, urgent) == 1
    assert (len(await office.messages(bulk)), await office.statuses(urgent)) == (10, ["queued"])
    assert (await office.announced(org.org_id)).count(asked_again) == 1
    assert [await office.plan(bulk) for _ in range(2)] == [0, 1]

    assert len(await office.messages(bulk)) == 25
    assert (await office.announced(org.org_id)).count(asked_again) == 2
    assert (await kept(office, bulk))["failures"] == 0


async def test_the_schedule_goes_on_with_what_goes_to_many_where_the_queue_has_lost_it(
    office: PostOffice, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipients, "CHUNK", 10)
    bulk = await office.ask(org.org_id, *(f"r{number}@example.com" for number in range(25)), priority=Priority.BULK)

    for planned in (10, 20, 25):
        await office.planning().plan_due(enough)
        assert len(await office.messages(bulk)) == planned


async def test_a_planner_that_died_is_followed_by_another_after_its_lease(office: PostOffice, org: Org) -> None:
    notification = await office.ask(org.org_id, "ada@example.com")
    now = office.clock.now()
    waiting = Waiting(org.org_id, notification.id)
    assert await office.notifications.lease(waiting, now=now, until=now + timedelta(seconds=150)) is not None

    assert await office.plan(notification) == 0
    office.clock.advance(seconds=151)
    assert await office.plan(notification) == 1


async def test_what_is_scheduled_waits_for_its_time(office: PostOffice, org: Org) -> None:
    notification = await office.ask(
        org.org_id, "ada@example.com", status="scheduled", send_at=office.clock.now() + timedelta(hours=1)
    )

    assert await office.plan(notification) == 0
    office.clock.advance(hours=1)
    assert await office.planning().plan_due(enough) >= 1
    assert await office.statuses(notification) == ["queued"]


async def test_what_goes_to_the_inbox_is_there_at_once_and_what_is_skipped_nowhere(
    office: PostOffice, org: Org
) -> None:
    office.routes.planned = lambda _, recipient, now: [
        Planned(channel=Channel.IN_APP, planned_for=now),
        Planned(channel=Channel.EMAIL, planned_for=now, skipped="muted"),
        Planned(channel=Channel.SMS, address=recipient.key, planned_for=now + timedelta(hours=1)),
    ]
    notification = await office.ask(org.org_id, audience=Audience(user_ids=(org.user_id,)))

    await office.plan(notification)

    by_channel = {message["channel"]: message for message in await office.messages(notification)}
    assert {channel: message["status"] for channel, message in by_channel.items()} == {
        "in_app": "delivered",
        "email": "skipped",
        "sms": "queued",
    }
    assert by_channel["email"]["reason"] == "muted"
    assert office.inboxes.entries == [(notification.id, str(org.user_id))]
    assert await office.announced(org.org_id) == []  # nothing is due yet


async def test_both_addresses_of_one_account_get_a_message(office: PostOffice, org: Org) -> None:
    addresses = tuple(Address(email=email, user_id=org.user_id) for email in ("new@example.com", "old@example.com"))
    notification = await office.ask(None, audience=Audience(addresses=addresses))

    await office.plan(notification)

    assert [message["address"] for message in await office.messages(notification)] == [
        "new@example.com",
        "old@example.com",
    ]


async def test_one_that_cannot_be_planned_keeps_no_other_waiting(office: PostOffice, org: Org) -> None:
    broken = await office.ask(org.org_id, "broken@example.com")
    good = await office.ask(org.org_id, "good@example.com")

    def planned(notification: object, recipient: object, now: object) -> list[Planned]:
        if notification == broken:
            raise RuntimeError((recipient, now))
        return []

    office.routes.planned = lambda notification, recipient, now: planned(notification.model_copy(), recipient, now)

    assert await office.plan(broken, good) == 1


async def test_one_that_cannot_be_read_keeps_no_other_waiting_and_is_given_up(office: PostOffice, org: Org) -> None:
    unreadable, good = [await office.ask(org.org_id, f"{name}@example.com") for name in ("bad", "good")]
    garbled = """UPDATE notification.notifications SET audience = '{"user_ids": ["none"]}' WHERE id = %s"""
    async with office.database.transaction(org.org_id) as connection:
        await connection.execute(garbled, (unreadable.id,))

    assert await office.plan(unreadable, good) == 1
    for _ in range(MOST_ATTEMPTS - 1):
        assert (await kept(office, unreadable))["status"] == "planning"
        office.clock.advance(hours=1)
        assert await office.plan(unreadable) == 0

    row = await kept(office, unreadable)
    assert (row["status"], row["failure"]) == ("failed", "ValidationError: the log says more.")


async def test_one_that_never_can_be_planned_is_given_up_with_its_reason(office: PostOffice, org: Org) -> None:
    broken = await office.ask(org.org_id, "broken@example.com", variables={"token": "secret"})

    def planned(_: object, __: object, ___: object) -> list[Planned]:
        raise KeyError("address of somebody")

    office.routes.planned = planned
    tries = 0
    while (await kept(office, broken))["status"] != "failed":
        await office.plan(broken)
        assert await office.plan(broken) == 0  # not at once again
        office.clock.advance(hours=1)
        tries += 1

    assert tries == MOST_ATTEMPTS
    row = await kept(office, broken)
    assert (row["failure"], row["variables"]) == ("KeyError: the log says more.", {"_forgotten": True})
    assert row["finished_at"] is not None


async def test_one_that_its_planners_die_of_is_given_up(office: PostOffice, org: Org) -> None:
    deadly = await office.ask(org.org_id, "deadly@example.com")
    for _ in range(MOST_ATTEMPTS):
        now = office.clock.now()
        assert await office.notifications.lease(Waiting(org.org_id, deadly.id), now=now, until=now + LEASE)
        office.clock.advance(seconds=150)

    assert await office.plan(deadly) == 0

    row = await kept(office, deadly)
    assert (row["status"], row["failure"]) == ("failed", "Planning it came to no end, several times.")


async def test_what_takes_several_runs_is_no_failure(
    office: PostOffice, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipients, "CHUNK", 1)
    notification = await office.ask(org.org_id, *(f"r{number:02}@example.com" for number in range(13)))
    for _ in range(12):
        spent = iter([timedelta(1), timedelta(0)])
        await office.planning().plan([Waiting(org.org_id, notification.id)], spent.__next__)

    assert await office.plan(notification) == 1
    assert len(await office.messages(notification)) == 13


async def test_without_the_database_no_attempt_is_counted(office: PostOffice, org: Org) -> None:
    notification = await office.ask(org.org_id, "ada@example.com")

    async def away(_: object, __: object) -> None:
        raise DatabaseUnavailable

    office.routes.meanwhile = away
    for _ in range(MOST_ATTEMPTS + 1):
        assert await office.plan(notification) == 0
        office.clock.advance(minutes=5)
    row = await kept(office, notification)
    assert (row["failures"], row["failure"]) == (0, None)


async def test_failures_count_that_follow_one_another(
    office: PostOffice, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipients, "CHUNK", 1)
    notification = await office.ask(org.org_id, *(f"r{number:02}@example.com" for number in range(MOST_ATTEMPTS + 2)))
    failed: set[str] = set()

    async def each_fails_once(_: object, recipient: Recipient) -> None:
        if recipient.key not in failed:
            failed.add(recipient.key)
            raise RuntimeError

    office.routes.meanwhile = each_fails_once
    for _ in range(MOST_ATTEMPTS + 2):
        assert await office.plan(notification) == 0
        office.clock.advance(minutes=1)

    assert await office.plan(notification) == 1
    row = await kept(office, notification)
    assert (row["failures"], row["failure"], row["recipients"]) == (1, None, MOST_ATTEMPTS + 2)


async def kept(office: PostOffice, notification: Notification) -> dict[str, Any]:
    """A notification's row."""
    statement = "SELECT * FROM notification.notifications WHERE id = %(id)s"
    async with office.database.transaction(notification.org_id) as connection:
        [row] = await every(connection, statement, id=notification.id)
    return row


async def test_what_is_cancelled_meanwhile_is_planned_for_nobody_else(
    office: PostOffice, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipients, "CHUNK", 1)
    notification = await office.ask(org.org_id, *(f"r{number}@example.com" for number in range(4)))
    requested = PostgresRequested(office.database)
    routed: list[str] = []

    async def cancelled_at_the_second(_: Notification, recipient: Recipient) -> None:
        routed.append(recipient.key)
        if len(routed) == 2:
            await requested.cancel(org.org_id, notification.id, now=office.clock.now())

    office.routes.meanwhile = cancelled_at_the_second

    assert await office.plan(notification) == 0

    assert await office.statuses(notification) == ["cancelled"]


@pytest.mark.parametrize("expires_at", ["soon", "2026-11-28T12:00:00", "", 7, None])
async def test_a_variable_that_is_no_moment_keeps_nothing_from_being_planned(
    office: PostOffice, org: Org, expires_at: object
) -> None:
    notification = await office.ask(
        org.org_id, "ada@example.com", kind="custom.x", variables={"code": "SAVE10", "expires_at": expires_at}
    )

    assert await office.plan(notification) == 1

    assert await office.statuses(notification) == ["queued"]


async def test_a_code_that_is_only_in_the_inbox_is_kept_nowhere_else(office: PostOffice, org: Org) -> None:
    office.routes.planned = lambda _, __, now: [Planned(channel=Channel.IN_APP, planned_for=now)]
    audience = Audience(user_ids=(org.user_id,))
    notification = await office.ask(org.org_id, audience=audience, kind="custom.x", variables={"code": "1", "n": 2})

    await office.plan(notification)

    assert (await kept(office, notification))["variables"] == {"n": 2, "_forgotten": True}
