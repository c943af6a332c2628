"""Preferences over HTTP, and what the planner of messages is told of them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from psycopg import errors

from llmo_core.ids import new_id
from llmo_data.postgres import insert
from notification.kinds.models import Category, Channel
from notification.preferences.models import Choices, Defaults
from tests.integration.api_caller import problem
from tests.integration.notification.people.calling import READER, Json, Own, Somebody, program
from tests.integration.organizations import MakeOrg, Org
from tests.integration.statements import run

ALL: Json = {
    "locale": "de-AT",
    "time_zone": "Europe/Vienna",
    "quiet_hours": {"start": "22:00", "end": "07:00", "days": [1, 2, 3]},
    "digests": {"reports": {"every": "weekly", "hour": 8, "weekday": 1}},
    "channels": {"budgets": {"push": True, "sms": False}},
    "daily_caps": {"push": 10},
}


async def test_who_chose_nothing_has_the_first_revision_of_nothing(ada: Somebody) -> None:
    answer = await ada("GET", "/preferences")

    assert answer.status_code == 200
    assert answer.headers["etag"] == '"1"'
    assert answer.json() == {
        "locale": None,
        "time_zone": None,
        "quiet_hours": None,
        "digests": {},
        "channels": {},
        "daily_caps": {},
        "revision": 1,
        "updated_at": None,
    }


async def test_what_is_chosen_is_kept_and_what_is_left_out_later_is_gone(ada: Somebody, own: Own) -> None:
    first = await ada("PUT", "/preferences", json=ALL)
    assert first.status_code == 200, first.text
    kept = (await ada("GET", "/preferences")).json()
    assert kept == ALL | {"revision": 2, "updated_at": kept["updated_at"]}
    assert (await ada("PUT", "/preferences", json=ALL)).headers["etag"] == '"2"'  # nothing has changed
    await ada("PUT", "/preferences", json={"locale": "fr"})
    assert await own.preferences.choices_of([ada.user_id]) == {ada.user_id: Choices(locale="fr")}


async def test_of_two_who_change_the_same_preferences_the_second_is_told(ada: Somebody) -> None:
    tag = (await ada("PUT", "/preferences", json=ALL)).headers["etag"]
    assert (await ada("PUT", "/preferences", json={}, headers={"If-Match": tag})).status_code == 200
    late = await ada("PUT", "/preferences", json=ALL, headers={"If-Match": tag})
    assert problem(late) == (412, "preferences_changed")


@pytest.mark.parametrize(
    "body",
    [{"channels": {"payments": {"email": False}}}, {"digests": {"security": {"every": "daily"}}}],
)
async def test_what_is_critical_is_not_muted(ada: Somebody, body: Json) -> None:
    assert problem(await ada("PUT", "/preferences", json=body)) == (400, "critical_category")


@pytest.mark.parametrize(
    "body",
    [
        {"time_zone": "Mars/Olympus"},
        {"locale": "german"},
        {"locale": "de\x00"},
        {"quiet_hours": {"start": "22:00", "end": "22:00"}},
        {"quiet_hours": {"start": "22:00", "end": "07:00", "days": []}},
        {"quiet_hours": {"start": 79_200, "end": "07:00"}},
        {"digests": {"reports": {"every": "hourly"}}},
        {"channels": {"budgets": {"push": 1}}},
        {"channels": {"gossip": {"push": True}}},
        {"daily_caps": {"in_app": 3}},
        {"daily_caps": {"push": -1}},
        {"frequency": "high"},
    ],
)
async def test_what_makes_no_preferences_is_refused(ada: Somebody, body: Json) -> None:
    assert problem(await ada("PUT", "/preferences", json=body)) == (422, "malformed_request")


async def test_preferences_are_a_persons_own_in_whatever_organization_they_are(
    ada: Somebody, org: Org, make_org: MakeOrg
) -> None:
    await ada("PUT", "/preferences", json=ALL)
    elsewhere = Somebody(await make_org(), user_id=ada.user_id)
    assert (await elsewhere("GET", "/preferences")).json()["locale"] == "de-AT"
    nowhere = Somebody(user_id=ada.user_id)
    assert (await nowhere("GET", "/preferences")).json()["locale"] == "de-AT"
    colleague = Somebody(org, user_id=new_id())
    assert (await colleague("GET", "/preferences")).json()["locale"] is None
    assert problem(await program(org)("GET", "/preferences")) == (403, "not_signed_in")


async def test_an_organization_chooses_for_its_members_and_for_nobody_else(
    own: Own, org: Org, make_org: MakeOrg
) -> None:
    other = await make_org()
    body = {"category_channels": {"budgets": ["in_app", "push"]}, "push_fallback_minutes": 30}
    changed = await program(org)("PUT", "/preferences/organization", json=body)
    assert changed.status_code == 200, changed.text
    shown = (await program(org, READER)("GET", "/preferences/organization")).json()
    assert (shown["category_channels"], shown["updated_by"]) == (body["category_channels"], str(org.key_id))
    assert (await program(other)("GET", "/preferences/organization")).json()["category_channels"] == {}
    assert (await own.preferences.defaults_of(org.org_id)).push_fallback_minutes == 30
    assert await own.preferences.defaults_of(other.org_id) == Defaults() == await own.preferences.defaults_of(None)
    stale = await program(org)("PUT", "/preferences/organization", json={}, headers={"If-Match": '"1"'})
    assert problem(stale) == (412, "preferences_changed")


async def test_who_may_only_read_changes_nothing_for_an_organization(org: Org) -> None:
    refused = await program(org, READER)("PUT", "/preferences/organization", json={})
    assert problem(refused) == (403, "missing_permission")
    unread = await program(org, frozenset())("GET", "/preferences/organization")
    assert problem(unread) == (403, "missing_permission")
    muted = await program(org)("PUT", "/preferences/organization", json={"channels": {"account": {"in_app": False}}})
    assert problem(muted) == (400, "critical_category")


async def test_the_planner_learns_at_once_what_many_people_chose(own: Own, ada: Somebody) -> None:
    await ada("PUT", "/preferences", json=ALL)
    others = [new_id() for _ in range(999)]
    chosen = await own.preferences.choices_of([ada.user_id, *others])
    assert len(chosen) == 1000
    assert chosen[ada.user_id].locale == "de-AT"
    assert chosen[others[0]] == Choices()


async def test_caps_count_what_a_person_gets_from_all_organizations_by_the_days_of_their_clock(
    own: Own, org: Org, make_org: MakeOrg
) -> None:
    own.clock.moment = own.clock.moment.replace(hour=23, minute=30)
    user_id, other = new_id(), await make_org()
    now = own.clock.now()
    for org_id, channel, others in (
        (org.org_id, "push", {}),
        (other.org_id, "push", {}),
        (None, "email", {}),
        (org.org_id, "push", {"planned_for": now + timedelta(hours=1)}),
        (org.org_id, "push", {"category": "security"}),
        (org.org_id, "push", {"status": "skipped"}),
        (org.org_id, "email", {"digest": "budgets@2026-11-30T09:00Z"}),
        (org.org_id, "in_app", {}),
    ):
        await _message(own, org_id, user_id, channel, **others)
    capped = Choices(daily_caps={Channel.PUSH: 3}, time_zone="UTC")

    counted = await own.preferences.counted({user_id: capped, new_id(): Choices()}, Defaults(), now)
    today, tomorrow = now.date(), now.date() + timedelta(days=1)
    assert counted[user_id] == {
        (Channel.PUSH, today): 2,
        (Channel.PUSH, tomorrow): 1,
        (Channel.EMAIL, today): 1,
    }
    further_east = {user_id: capped.model_copy(update={"time_zone": "Europe/Vienna"})}
    assert (await own.preferences.counted(further_east, Defaults(), now))[user_id] == {
        (Channel.PUSH, tomorrow): 3,
        (Channel.EMAIL, tomorrow): 1,
    }


async def test_an_address_without_an_account_mutes_one_category_of_one_organization(
    own: Own, org: Org, make_org: MakeOrg
) -> None:
    mute, muted = own.preferences.mute_address, own.preferences.muted_addresses
    address, another, other = "ab" * 32, "cd" * 32, await make_org()
    for _ in range(2):
        await mute(org.org_id, Category.UPDATES, address, at=own.clock.now())
        await mute(None, Category.UPDATES, another, at=own.clock.now())
    assert await muted(org.org_id, Category.UPDATES, [address, another]) == {address}
    assert await muted(None, Category.UPDATES, [address, another]) == {another}
    assert await muted(other.org_id, Category.UPDATES, [address, another]) == set()
    assert await muted(org.org_id, Category.REPORTS, [address]) == set()


@pytest.mark.parametrize("table", ["organization_preferences", "address_choices", "topics", "topic_subscribers"])
async def test_an_organization_writes_no_rows_of_another(own: Own, org: Org, make_org: MakeOrg, table: str) -> None:
    other = await make_org()
    rows: dict[str, Json] = {
        "organization_preferences": {},
        "address_choices": {"address_hash": "ab" * 32, "category": "updates", "created_at": own.clock.now()},
        "topics": {
            "id": new_id(),
            "code": "news",
            "name": "News",
            "description": "",
            "created_by": new_id(),
            "created_at": own.clock.now(),
        },
        "topic_subscribers": {"code": "news", "user_id": new_id(), "created_at": own.clock.now()},
    }
    with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
        async with own.database.transaction(org.org_id) as connection:
            await connection.execute(*insert(f"notification.{table}", {"org_id": other.org_id, **rows[table]}))


async def test_an_organizations_transaction_sees_nothing_that_is_a_persons_own(own: Own, ada: Somebody) -> None:
    await ada("PUT", "/preferences", json=ALL)
    async with own.database.transaction(ada.person.org_id) as connection:
        assert await run(connection, "SELECT user_id FROM notification.{}", "user_preferences") == []


async def _message(own: Own, org_id: UUID | None, user_id: UUID, channel: str, **others: Any) -> None:
    now = own.clock.now()
    notification = {
        "id": new_id(),
        "org_id": org_id,
        "kind": "message",
        "category": "updates",
        "priority": 1,
        "channels": [channel],
        "audience": "{}",
        "variables": "{}",
        "dedupe_key": str(new_id()),
        "status": "planned",
        "send_at": now,
        "created_at": now,
        "finished_at": now,
        "expires_at": now,
    }
    message = {
        "id": new_id(),
        "org_id": org_id,
        "notification_id": notification["id"],
        "kind": "message",
        "category": "updates",
        "priority": 1,
        "channel": channel,
        "recipient": str(user_id),
        "user_id": user_id,
        "locale": "en",
        "time_zone": "UTC",
        "status": "queued",
        "planned_for": now,
        "due_at": now,
        "created_at": now,
        "updated_at": now,
        "expires_at": now,
        "give_up_at": now,
    }
    async with own.database.transaction(org_id) as connection:
        await connection.execute(*insert("notification.notifications", notification))
        await connection.execute(*insert("notification.messages", message | others))
