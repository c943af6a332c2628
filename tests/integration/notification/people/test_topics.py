"""Topics over HTTP: an organization's own, and told to members only."""

from typing import Any
from uuid import UUID

import pytest

from llmo_core.ids import new_id
from llmo_data.postgres import insert
from notification.topics.models import MOST_TOPICS, Topic
from tests.integration.api_caller import ApiCaller, problem
from tests.integration.notification.people.calling import READER, Json, Own, Somebody, program
from tests.integration.organizations import MakeOrg, Org

MAINTENANCE: Json = {"code": "maintenance", "name": "Maintenance", "description": "When nothing works."}


async def joined(make_org: MakeOrg, org: Org) -> Somebody:
    """Another member of an organization."""
    user_id = new_id()
    email = f"{user_id.hex}@example.com"
    user = {"id": user_id, "email": email, "password_hash": "none", "name": "Grace"}
    async with make_org.connection.transaction():
        await make_org.connection.execute(
            "SELECT set_config('app.org_id', %s, true), set_config('app.email', %s, true)", (str(org.org_id), email)
        )
        await make_org.connection.execute(*insert("auth.users", user))
        membership = {"org_id": org.org_id, "user_id": user_id, "role": "viewer"}
        await make_org.connection.execute(*insert("auth.memberships", membership))
    return Somebody(org, user_id=user_id)


async def left(make_org: MakeOrg, org: Org, user_id: UUID) -> None:
    async with make_org.connection.transaction():
        await make_org.connection.execute("SELECT set_config('app.org_id', %s, true)", (str(org.org_id),))
        await make_org.connection.execute(
            "DELETE FROM auth.memberships WHERE org_id = %s AND user_id = %s", (org.org_id, user_id)
        )


async def pages(caller: ApiCaller, path: str) -> list[Json]:
    """All that a list has, page by page of two."""
    found: list[Json] = []
    cursor: Json = {}
    while True:
        answer = await caller("GET", path, params={"limit": 2, **cursor})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["data"]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


async def subscribers(caller: ApiCaller, code: str = "maintenance") -> set[str]:
    return {each["user_id"] for each in await pages(caller, f"/topics/{code}/subscribers")}


async def changed(caller: ApiCaller, method: str, path: str) -> None:
    answer = await caller(method, path)
    assert answer.status_code == 204, answer.text


async def test_topics_are_an_organizations_own_and_their_codes_are_its_own_too(org: Org, make_org: MakeOrg) -> None:
    ours, theirs = program(org), program(await make_org())
    made = [await ours.made("topics", **{**MAINTENANCE, "code": code}) for code in ("one", "two", "three")]
    assert [each["code"] for each in await pages(ours, "/topics")] == ["three", "two", "one"]
    assert made[0]["created_by"] == str(org.key_id)
    assert await pages(theirs, "/topics") == []
    await theirs.made("topics", **{**MAINTENANCE, "code": "one"})
    taken = await ours("POST", "/topics", json={**MAINTENANCE, "code": "one"})
    assert problem(taken) == (409, "topic_exists")


async def test_a_topic_is_made_once_however_often_the_request_is_repeated(org: Org) -> None:
    headers = {"Idempotency-Key": "once"}
    first = await program(org)("POST", "/topics", json=MAINTENANCE, headers=headers)
    again = await program(org)("POST", "/topics", json=MAINTENANCE, headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())


async def test_there_are_so_many_topics_and_no_more(org: Org, own: Own) -> None:
    async with own.database.transaction(org.org_id):
        for number in range(MOST_TOPICS):
            topic = Topic(
                **{**MAINTENANCE, "code": f"topic-{number}"},
                id=new_id(),
                org_id=org.org_id,
                created_by=org.user_id,
                created_at=own.clock.now(),
            )
            await own.topics.add(topic)
    assert problem(await program(org)("POST", "/topics", json=MAINTENANCE)) == (409, "too_many_topics")


@pytest.mark.parametrize(
    "change",
    [{"code": "Upper"}, {"code": "a/b"}, {"name": ""}, {"name": "x\x00"}, {"description": "\x00"}, {"more": 1}],
)
async def test_what_makes_no_topic_is_refused(org: Org, change: Json) -> None:
    answer = await program(org)("POST", "/topics", json={**MAINTENANCE, **change})
    assert problem(answer) == (422, "malformed_request")


async def test_members_subscribe_themselves_and_see_what_they_are_told_of(
    own: Own, ada: Somebody, org: Org, make_org: MakeOrg
) -> None:
    grace = await joined(make_org, org)
    for code in ("maintenance", "news", "prices"):
        await program(org).made("topics", **{**MAINTENANCE, "code": code})
    for _ in range(2):
        await changed(ada, "PUT", "/topics/maintenance/subscription")
        await changed(grace, "PUT", "/topics/news/subscription")
    shown = {each["code"]: each["subscribed"] for each in await pages(ada, "/topics/subscriptions")}
    assert shown == {"prices": False, "news": False, "maintenance": True}
    assert await own.topics.subscribers(org.org_id, "news", after=None, limit=10) == [grace.user_id]
    for _ in range(2):
        await changed(grace, "DELETE", "/topics/news/subscription")
    assert await own.topics.subscribers(org.org_id, "news", after=None, limit=10) == []


async def test_who_may_write_subscribes_members_and_nobody_else(org: Org, ada: Somebody, make_org: MakeOrg) -> None:
    stranger = (await make_org()).user_id
    members = [ada, *[await joined(make_org, org) for _ in range(2)]]
    await program(org).made("topics", **MAINTENANCE)
    for member in members:
        await changed(program(org), "PUT", f"/topics/maintenance/subscribers/{member.user_id}")
    assert await subscribers(program(org, READER)) == {str(member.user_id) for member in members}
    unknown = await program(org)("PUT", f"/topics/maintenance/subscribers/{stranger}")
    assert problem(unknown) == (404, "unknown_member")
    await changed(program(org), "DELETE", f"/topics/maintenance/subscribers/{ada.user_id}")
    await changed(program(org), "DELETE", f"/topics/maintenance/subscribers/{stranger}")
    assert await subscribers(program(org)) == {str(member.user_id) for member in members[1:]}


async def test_former_members_are_told_nothing(own: Own, org: Org, make_org: MakeOrg) -> None:
    grace = await joined(make_org, org)
    await program(org).made("topics", **MAINTENANCE)
    await changed(grace, "PUT", "/topics/maintenance/subscription")
    await left(make_org, org, grace.user_id)
    assert await subscribers(program(org)) == set()
    await own.topics.forget_member(org.org_id, grace.user_id)


async def test_subscribers_are_asked_for_chunk_by_chunk(own: Own, org: Org, ada: Somebody, make_org: MakeOrg) -> None:
    members = [ada, *[await joined(make_org, org) for _ in range(4)]]
    await program(org).made("topics", **MAINTENANCE)
    for member in members:
        await changed(member, "PUT", "/topics/maintenance/subscription")
    told: list[UUID] = []
    while chunk := await own.topics.subscribers(org.org_id, "maintenance", after=told[-1] if told else None, limit=2):
        told += chunk
    assert told == sorted(member.user_id for member in members)


async def test_a_topic_that_is_removed_takes_its_subscriptions_with_it(org: Org, ada: Somebody) -> None:
    await program(org).made("topics", **MAINTENANCE)
    await changed(ada, "PUT", "/topics/maintenance/subscription")
    await changed(program(org), "DELETE", "/topics/maintenance")
    await program(org).made("topics", **MAINTENANCE)
    assert await subscribers(program(org)) == set()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/topics/maintenance"),
        ("GET", "/topics/maintenance/subscribers"),
        ("PUT", "/topics/maintenance/subscribers/{member}"),
        ("DELETE", "/topics/maintenance/subscribers/{member}"),
    ],
)
async def test_another_organizations_topics_are_as_good_as_none(
    org: Org, make_org: MakeOrg, method: str, path: str
) -> None:
    other = await make_org()
    await program(org).made("topics", **MAINTENANCE)
    answer = await program(other)(method, path.format(member=other.user_id))
    assert problem(answer) == (404, "unknown_topic")
    for action in ("PUT", "DELETE"):
        assert problem(await Somebody(other)(action, "/topics/maintenance/subscription")) == (404, "unknown_topic")


async def test_who_may_only_read_changes_nothing_and_who_may_not_reads_nothing(org: Org) -> None:
    nobody = program(org, frozenset())
    calls: list[tuple[ApiCaller, str, str, Any]] = [
        (program(org, READER), "POST", "/topics", MAINTENANCE),
        (program(org, READER), "DELETE", "/topics/maintenance", None),
        (program(org, READER), "PUT", f"/topics/maintenance/subscribers/{org.user_id}", None),
        (program(org, READER), "DELETE", f"/topics/maintenance/subscribers/{org.user_id}", None),
        (nobody, "GET", "/topics", None),
        (nobody, "GET", "/topics/maintenance/subscribers", None),
    ]
    for caller, method, path, body in calls:
        assert problem(await caller(method, path, json=body)) == (403, "missing_permission")
    for method, path in (("PUT", "/topics/x/subscription"), ("GET", "/topics/subscriptions")):
        assert problem(await program(org)(method, path)) == (403, "not_signed_in")
        assert problem(await Somebody()(method, path)) == (403, "no_organization")
