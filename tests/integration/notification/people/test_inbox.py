"""The inbox over HTTP: whose it is, and what becomes of what lies in it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import errors
from psycopg.conninfo import make_conninfo

from llmo_core.ids import new_id
from llmo_data.postgres import Database
from notification.inbox.models import InboxItem, Whose
from notification.kinds.models import Category
from relay.repository import PostgresSchemas
from tests.integration.api_caller import problem
from tests.integration.auth.announcements import BusDown
from tests.integration.notification.people.calling import Json, Own, Somebody, program
from tests.integration.organizations import MakeOrg, Org
from tests.integration.statements import run
from tests.integration.stores import Postgres


async def put(own: Own, org_id: UUID | None, user_id: UUID, **others: Any) -> UUID:
    """Put something into somebody's inbox."""
    item = an_item(own, org_id, user_id, **others)
    await own.inbox.add(org_id, [item])
    return item.id


def an_item(own: Own, org_id: UUID | None, user_id: UUID, **others: Any) -> InboxItem:
    now = own.clock.now()
    fields = {
        "id": new_id(),
        "org_id": org_id,
        "user_id": user_id,
        "notification_id": new_id(),
        "kind": "budget_threshold",
        "category": Category.BUDGETS,
        "title": "80 % of a budget are spent",
        "body": "search: $80.12 of $100",
        "url": "/budgets",
        "created_at": now,
        "expires_at": now + timedelta(days=180),
    }
    return InboxItem(**fields | others)


async def listed(caller: Somebody, **parameters: Any) -> list[UUID]:
    """What a list has, page by page of two."""
    found: list[UUID] = []
    cursor: Json = {}
    while True:
        answer = await caller("GET", "/inbox", params={"limit": 2, **parameters, **cursor})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += [UUID(item["id"]) for item in page["data"]]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


async def counts(caller: Somebody) -> tuple[int, int]:
    answer = await caller("GET", "/inbox/count")
    assert answer.status_code == 200, answer.text
    return answer.json()["unread"], answer.json()["unseen"]


async def test_the_inbox_has_what_is_about_the_organization_and_what_is_about_the_person(
    own: Own, ada: Somebody, org: Org, make_org: MakeOrg
) -> None:
    theirs = [await put(own, org_id, ada.user_id) for org_id in (org.org_id, None, org.org_id)]
    other = await make_org()
    elsewhere = await put(own, other.org_id, ada.user_id)

    assert await listed(ada) == theirs[::-1]
    assert await counts(ada) == (3, 3)
    assert await listed(Somebody(other, user_id=ada.user_id)) == [elsewhere, theirs[1]]
    assert await listed(Somebody(user_id=ada.user_id)) == [theirs[1]]


async def test_nobody_sees_or_touches_what_is_another_persons_or_of_another_organization(
    own: Own, ada: Somebody, org: Org, make_org: MakeOrg
) -> None:
    of_org, personal = [await put(own, org_id, ada.user_id) for org_id in (org.org_id, None)]
    colleague, stranger = Somebody(org, user_id=new_id()), Somebody(await make_org())
    herself_elsewhere = Somebody(stranger_org(stranger), user_id=ada.user_id)
    for caller, items in (
        (colleague, [of_org, personal]),
        (stranger, [of_org, personal]),
        (herself_elsewhere, [of_org]),
    ):
        assert not {*items} & {*await listed(caller)}
        for item in items:
            for what in ("seen", "read", "unread", "archive", "unarchive"):
                assert problem(await caller("POST", f"/inbox/{item}/{what}")) == (404, "unknown_item")
        await caller("POST", "/inbox/seen", json={"ids": [str(item) for item in items]})
        if caller is not herself_elsewhere:
            await caller("POST", "/inbox/read-all", json={"until": own.clock.now().isoformat()})
    assert await counts(ada) == (2, 2)
    assert problem(await program(org)("GET", "/inbox")) == (403, "not_signed_in")


def stranger_org(stranger: Somebody) -> Org:
    """Their organization, as far as a caller needs it."""
    assert stranger.person.org_id is not None
    return Org(stranger.person.org_id, "", new_id(), stranger.user_id, new_id(), "", "")


async def test_an_item_is_seen_read_unread_and_put_away_and_the_first_moment_stays(own: Own, ada: Somebody) -> None:
    item = await put(own, ada.person.org_id, ada.user_id)
    seen = (await ada("POST", f"/inbox/{item}/seen")).json()
    own.clock.forward(minutes=1)
    read = (await ada("POST", f"/inbox/{item}/read")).json()
    assert (read["seen_at"], read["read_at"] > seen["seen_at"]) == (seen["seen_at"], True)
    own.clock.forward(minutes=1)
    assert (await ada("POST", f"/inbox/{item}/read")).json() == read
    unread = (await ada("POST", f"/inbox/{item}/unread")).json()
    assert (unread["read_at"], unread["seen_at"]) == (None, seen["seen_at"])
    assert await counts(ada) == (1, 0)
    archived = (await ada("POST", f"/inbox/{item}/archive")).json()
    assert archived["archived_at"] is not None
    assert await counts(ada) == (0, 0)
    assert (await listed(ada), await listed(ada, archived=True)) == ([], [item])
    await ada("POST", f"/inbox/{item}/unarchive")
    assert (await listed(ada), await listed(ada, archived=True)) == ([item], [])


async def test_what_is_opened_or_put_away_at_once_was_seen(own: Own, ada: Somebody) -> None:
    first, second = [await put(own, ada.person.org_id, ada.user_id) for _ in range(2)]
    assert (await ada("POST", f"/inbox/{first}/read")).json()["seen_at"] is not None
    assert (await ada("POST", f"/inbox/{second}/archive")).json()["seen_at"] is not None


async def test_lists_are_of_what_is_unread_or_of_a_category(own: Own, ada: Somebody) -> None:
    org_id, me = ada.person.org_id, ada.user_id
    budgets = [await put(own, org_id, me) for _ in range(3)]
    news = await put(own, org_id, me, category=Category.UPDATES)
    await ada("POST", f"/inbox/{budgets[1]}/read")
    assert await listed(ada, unread=True) == [news, budgets[2], budgets[0]]
    assert await listed(ada, category="budgets") == budgets[::-1]
    assert await listed(ada, category="budgets", unread=True) == [budgets[2], budgets[0]]
    assert problem(await ada("GET", "/inbox", params={"cursor": "?"})) == (400, "malformed_cursor")
    assert problem(await ada("GET", "/inbox", params={"category": "gossip"})) == (422, "malformed_request")


async def test_many_items_are_seen_at_once_and_unknown_ones_are_skipped(own: Own, ada: Somebody) -> None:
    items = [await put(own, org_id, ada.user_id) for org_id in (ada.person.org_id, None, None)]
    shown = [str(item) for item in (*items[:2], new_id())]
    assert (await ada("POST", "/inbox/seen", json={"ids": shown})).json() == {"unread": 3, "unseen": 1}
    assert problem(await ada("POST", "/inbox/seen", json={"ids": []})) == (422, "malformed_request")
    many = [str(new_id()) for _ in range(101)]
    assert problem(await ada("POST", "/inbox/seen", json={"ids": many})) == (422, "malformed_request")


async def test_reading_all_leaves_what_came_since_and_what_is_of_other_categories(own: Own, ada: Somebody) -> None:
    org_id, me = ada.person.org_id, ada.user_id
    await put(own, org_id, me)
    await put(own, None, me, category=Category.SECURITY)
    archived = await put(own, org_id, me)
    await ada("POST", f"/inbox/{archived}/archive")
    until = (await ada("GET", "/inbox")).json()["data"][0]["created_at"]
    own.clock.forward(seconds=1)
    later = await put(own, org_id, me)

    of_one = await ada("POST", "/inbox/read-all", json={"until": until, "category": "security"})
    assert of_one.json() == {"unread": 2, "unseen": 2}
    assert (await ada("POST", "/inbox/read-all", json={"until": until})).json() == {"unread": 1, "unseen": 1}
    assert await listed(ada, unread=True) == [later]
    assert await listed(ada, unread=True, archived=True) == [archived]


async def test_what_has_expired_is_neither_shown_nor_counted_and_deleted_by_the_relay(
    own: Own, ada: Somebody, postgres: Postgres
) -> None:
    item = await put(own, ada.person.org_id, ada.user_id, expires_at=own.clock.now() + timedelta(hours=1))
    own.clock.forward(hours=2)
    assert (await listed(ada), await counts(ada)) == ([], (0, 0))
    assert problem(await ada("POST", f"/inbox/{item}/read")) == (404, "unknown_item")

    relay = Database(postgres.conninfo("llmo_relay"))
    await PostgresSchemas(relay, BusDown).forget(
        events_before=own.clock.now() - timedelta(days=30), requests_before=own.clock.now()
    )
    await relay.close()
    with psycopg.connect(make_conninfo("", **postgres.admin)) as connection:
        connection.execute("SELECT set_config('app.user_id', %s, true)", (str(ada.user_id),))
        assert connection.execute("SELECT id FROM notification.inbox_items WHERE id = %s", (item,)).fetchall() == []


async def test_a_notification_lies_in_an_inbox_once_however_often_it_is_planned(
    own: Own, ada: Somebody, org: Org
) -> None:
    colleague = Somebody(org, user_id=new_id())
    notification_id = new_id()

    def items() -> Sequence[InboxItem]:
        return [
            an_item(own, org.org_id, user_id, notification_id=notification_id)
            for user_id in (ada.user_id, colleague.user_id)
        ]

    async with own.database.transaction(org.org_id):
        await own.inbox.add(org.org_id, items())
    await own.inbox.add(org.org_id, items())
    await own.inbox.add(org.org_id, [])
    assert len(await listed(ada)) == len(await listed(colleague)) == 1


async def test_what_goes_into_an_inbox_fits(own: Own, ada: Somebody) -> None:
    await put(own, None, ada.user_id, title="\x00" + "t" * 600, body="b" * 20_000)
    shown = (await ada("GET", "/inbox")).json()["data"][0]
    assert (len(shown["title"]), shown["title"][-1], len(shown["body"])) == (500, "…", 10_000)


async def test_the_sender_learns_which_notifications_somebody_has_read(own: Own, ada: Somebody, org: Org) -> None:
    of_org = Whose(user_id=ada.user_id, org_id=org.org_id)
    items = [an_item(own, org.org_id, ada.user_id) for _ in range(4)]
    await own.inbox.add(org.org_id, items)
    await ada("POST", f"/inbox/{items[0].id}/read")
    await ada("POST", f"/inbox/{items[1].id}/archive")
    await ada("POST", f"/inbox/{items[2].id}/seen")
    every = [item.notification_id for item in items]
    assert await own.inbox.read_among(of_org, every) == {every[0], every[1]}
    colleague = of_org.model_copy(update={"user_id": new_id()})
    assert await own.inbox.read_among(colleague, every) == set()


async def test_whatever_is_asked_of_the_database_a_person_gets_their_own(own: Own, ada: Somebody, org: Org) -> None:
    await put(own, org.org_id, ada.user_id)
    async with own.database.transaction(org.org_id) as connection:
        assert await run(connection, "SELECT * FROM notification.{}", "inbox_items") == []
        changed = await connection.execute("UPDATE notification.inbox_items SET read_at = now(), seen_at = now()")
        assert changed.rowcount == 0
    with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
        async with own.database.transaction(org.org_id):
            await own.inbox.add(org.org_id, [an_item(own, None, ada.user_id)])
