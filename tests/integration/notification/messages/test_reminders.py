"""Owners are reminded of keys that expire: a week and a day before, once each, and of none that it is not worth for."""

from datetime import UTC, datetime, timedelta

from llmo_core.ids import new_id
from llmo_data.postgres import Database, every
from notification.planning.repository import PostgresNotifications
from notification.reminders.repository import PostgresExpiringKeys
from notification.reminders.service import KeyReminders
from tests.clocks import MovableClock
from tests.integration.organizations import MakeOrg, Org

LATER = datetime(2031, 1, 31, tzinfo=UTC)  # no key of other tests expires about then


def reminders(database: Database, now: datetime) -> KeyReminders:
    """At this time."""
    return KeyReminders(
        keys=PostgresExpiringKeys(database),
        reminders=PostgresNotifications(database),
        transaction=database.transaction,
        clock=MovableClock(now),
        new_id=new_id,
    )


async def of(database: Database, org: Org) -> list[dict[str, object]]:
    """What an organization is told."""
    statement = "SELECT kind, variables FROM notification.notifications ORDER BY id"
    async with database.transaction(org.org_id) as connection:
        return await every(connection, statement)


async def lengthened(make_org: MakeOrg, org: Org, **by: float) -> None:
    """Let an organization's key have been made so long before it expires."""
    statement = "UPDATE auth.api_keys SET created_at = expires_at - %s WHERE id = %s"
    await make_org.connection.execute(statement, (timedelta(**by), org.key_id))


async def test_a_week_and_a_day_before_once_each(make_org: MakeOrg, notification_database: Database) -> None:
    org = await make_org(expires_at=LATER)
    await lengthened(make_org, org, days=90)

    told = []
    for before in (8, 6.9, 6.8, 1.1, 0.9, 0.8, -0.1):
        await reminders(notification_database, LATER - timedelta(days=before)).remind()
        told.append(len(await of(notification_database, org)))

    assert told == [0, 1, 1, 1, 2, 2, 2]
    [first, _] = await of(notification_database, org)
    assert first["kind"] == "api_key_expiring"
    assert first["variables"] == {
        "key_id": str(org.key_id),
        "key_name": "First key",
        "hint": org.api_key[-4:],
        "expires_at": LATER.isoformat(),
    }


async def test_who_makes_a_key_for_a_day_knows_that(make_org: MakeOrg, notification_database: Database) -> None:
    org = await make_org(expires_at=LATER)
    await lengthened(make_org, org, days=1.5)
    await reminders(notification_database, LATER - timedelta(hours=20)).remind()
    assert await of(notification_database, org) == []


async def test_a_key_that_is_revoked_or_replaced_needs_no_reminder(
    make_org: MakeOrg, notification_database: Database
) -> None:
    revoked = await make_org(expires_at=LATER, revoked_at=LATER - timedelta(days=30))
    replaced = await make_org(expires_at=LATER)
    successor = await make_org.another_project(replaced)
    for org in (revoked, replaced):
        await lengthened(make_org, org, days=90)
    statement = "UPDATE auth.api_keys SET replaces = %s WHERE id = %s"
    await make_org.connection.execute(statement, (replaced.key_id, successor.key_id))

    await reminders(notification_database, LATER - timedelta(days=3)).remind()

    assert await of(notification_database, revoked) == await of(notification_database, replaced) == []
