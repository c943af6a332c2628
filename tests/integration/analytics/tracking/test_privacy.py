"""Erasing people over HTTP."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest

from analytics.usage.repository import MongoUsageStore
from llmo_core.ids import new_id
from tests.integration.analytics.calls import call as llm_call
from tests.integration.analytics.calls import delivered
from tests.integration.analytics.tracking.calling import NOW, READER, WRITER, Tracked, event
from tests.integration.api_caller import problem


async def test_a_persons_events_go_and_nobody_elses(tracked: Tracked) -> None:
    theirs = new_id()
    await tracked.track(event(1), event(2), event(3, user_id="u-2"), event(4, user_id=None, anonymous_id="u-1"))
    await tracked.track(event(1), org_id=theirs)
    call = tracked.caller()

    first, again = [await call("DELETE", "/users/u-1") for _ in range(2)]

    assert (first.status_code, first.json()) == (200, {"events": 2, "calls": 0, "rollups": 0, "files": 0, "done": True})
    assert again.json() == {"events": 0, "calls": 0, "rollups": 0, "files": 0, "done": True}
    assert [each["event_id"] for each in await tracked.kept()] == ["e0003", "e0004"]
    assert (await tracked.caller(org_id=theirs)("GET", "/events")).json()["data"][0]["user_id"] == "u-1"


async def test_an_anonymous_visitor_is_erased_and_no_user_of_the_same_id(tracked: Tracked) -> None:
    await tracked.track(event(1), event(2, user_id=None, anonymous_id="u-1"), event(3, anonymous_id="u-1"))

    answer = await tracked.caller()("DELETE", "/users/u-1", params={"kind": "anonymous"})

    assert (answer.json()["events"], answer.json()["done"]) == (2, True)
    assert [each["event_id"] for each in await tracked.kept()] == ["e0001"]


async def test_events_of_whoever_was_erased_are_refused_from_then_on(tracked: Tracked) -> None:
    await tracked.track(event(1))
    await tracked.caller()("DELETE", "/users/u-1")
    call = tracked.caller()

    batch = await call("POST", "/events/batch", json={"events": [event(1), event(2), event(3, user_id="u-2")]})
    alone = await call("POST", "/events", json=event(4))
    visitor = await call("POST", "/events", json=event(5, user_id=None, anonymous_id="u-1"))

    assert [(each["status"], each.get("reason")) for each in batch.json()["results"]] == [
        ("invalid", "person_erased"),
        ("invalid", "person_erased"),
        ("accepted", None),
    ]
    assert problem(alone) == (400, "person_erased")
    assert visitor.json()["status"] == "accepted"
    assert [each["event_id"] for each in await tracked.kept()] == ["e0003", "e0005"]
    await tracked.track(event(6), org_id=new_id())  # another organization's u-1 is another person


async def test_an_event_of_somebody_else_stays_whatever_is_sent_under_its_id(tracked: Tracked) -> None:
    await tracked.track(event(1, user_id="u-2"))
    await tracked.caller()("DELETE", "/users/u-1")

    again = await tracked.caller()("POST", "/events", json=event(1))

    assert problem(again) == (400, "person_erased")
    assert [each["user_id"] for each in await tracked.kept()] == ["u-2"]


async def test_nobodys_id_is_kept_of_whoever_was_erased(tracked: Tracked) -> None:
    await tracked.caller()("DELETE", "/users/ada%40example.com")

    [kept] = await tracked.database["erased_people"].find({"org_id": tracked.org_id}).to_list()
    assert set(kept) == {"_id", "org_id", "erased_at"}
    assert len(kept["_id"]) == 32
    assert b"ada" not in kept["_id"]


def an_export(org_id: UUID, **said: Any) -> dict[str, Any]:
    order = {"what": "usage", "format": "csv", "criteria": {"end_user": "u-1", "model": None}}
    return {
        "_id": new_id(),
        "org_id": org_id,
        "fence": 4,
        "order": order,
        "expires_at": NOW + timedelta(days=3),
        **said,
    }


def parts(*keys: str) -> dict[str, Any]:
    return {"parts": [{"key": key, "rows": 1, "size": 1} for key in keys], "position": None, "estimated_rows": 2}


async def test_files_are_deleted_and_those_under_way_are_made_anew(tracked: Tracked) -> None:
    done = an_export(tracked.org_id, state="done", progress=parts("a", "b"))
    running = an_export(tracked.org_id, state="running", progress=parts("c"), leased_until=NOW + timedelta(minutes=3))
    theirs = an_export(new_id(), state="done", progress=parts("d"))
    report = {"_id": new_id(), "org_id": tracked.org_id, "state": "done", "files": [{"key": "e"}], "fence": 1}
    await tracked.database["exports"].insert_many([done, running, theirs])
    await tracked.database["report_runs"].insert_one({**report, "expires_at": NOW + timedelta(days=1)})

    answer = await tracked.caller()("DELETE", "/users/u-1")

    assert answer.json()["files"] == 4
    assert sorted(tracked.objects.deleted) == ["a", "b", "c", "e"]
    kept = {each["_id"]: each async for each in tracked.database["exports"].find()}
    assert kept[done["_id"]]["expires_at"] == NOW
    again = kept[running["_id"]]
    assert (again["state"], again["fence"], again["progress"]["parts"]) == ("queued", 5, [])
    assert again["leased_until"] == NOW
    assert kept[theirs["_id"]]["expires_at"] == theirs["expires_at"]
    assert (await tracked.caller()("DELETE", "/users/u-1")).json()["files"] == 0


async def test_filters_name_nobody_who_was_erased(tracked: Tracked) -> None:
    filters = [
        {"dimension": "end_user", "values": ["u-1", None, "u-2"]},
        {"dimension": "model", "values": ["u-1"]},
    ]
    report = {"_id": new_id(), "org_id": tracked.org_id, "definition": {"inquiry": {"filters": filters}}}
    await tracked.database["reports"].insert_one(report)
    await tracked.database["exports"].insert_one(an_export(tracked.org_id, state="failed"))

    await tracked.caller()("DELETE", "/users/u-1")

    [kept] = await tracked.database["reports"].find({"org_id": tracked.org_id}).to_list()
    assert [each["values"] for each in kept["definition"]["inquiry"]["filters"]] == [["(erased)", None, "u-2"], ["u-1"]]
    [export] = await tracked.database["exports"].find({"org_id": tracked.org_id}).to_list()
    assert export["order"]["criteria"] == {"end_user": "(erased)", "model": None}


async def test_calls_that_were_made_for_a_person_keep_their_numbers_and_lose_the_name(
    tracked: Tracked, store: MongoUsageStore
) -> None:
    mine = [llm_call(tracked.org_id, end_user="u-1"), llm_call(tracked.org_id, end_user="u-2")]
    other = llm_call(new_id(), end_user="u-1")
    await store.add([delivered(each) for each in (*mine, other)])

    answer = await tracked.caller()("DELETE", "/users/u-1")

    assert answer.json() == {"events": 0, "calls": 1, "rollups": 0, "files": 0, "done": True}
    kept = {each["_id"]: each async for each in tracked.database["usage_events"].find()}
    assert [kept[each.id]["end_user"] for each in (*mine, other)] == [None, "u-2", "u-1"]
    assert str(kept[mine[0].id]["cost_usd"].to_decimal()) == "0.0000195"


async def test_sums_of_what_was_erased_are_made_anew(tracked: Tracked, store: MongoUsageStore) -> None:
    await tracked.track(event(1))
    called = llm_call(tracked.org_id, end_user="u-1")
    await store.add([delivered(called)])
    tracked.marks.marked.clear()

    await tracked.caller()("DELETE", "/users/u-1")

    minute = NOW.replace(second=0) - timedelta(minutes=1)
    assert tracked.marks.marked == [(tracked.org_id, frozenset({minute}))] * 2
    assert [org_id for org_id, _ in tracked.call_marks.marked] == [tracked.org_id] * 2


@pytest.mark.parametrize("user_id", ["a/b", "..", "$ne", "%2F", "ä é", "u?x=1", "x" * 256])
async def test_whatever_a_person_is_called_they_are_erased(tracked: Tracked, user_id: str) -> None:
    await tracked.track(event(1, user_id=user_id), event(2))

    answer = await tracked.caller()("DELETE", f"/users/{quote(user_id, safe='').replace('..', '%2E%2E')}")

    assert answer.status_code == 200, answer.text
    assert [each["event_id"] for each in await tracked.kept()] == ["e0002"]


@pytest.mark.parametrize("permissions", [WRITER, READER])
async def test_only_whoever_sets_up_analytics_erases(tracked: Tracked, permissions: frozenset[str]) -> None:
    assert problem(await tracked.caller(permissions)("DELETE", "/users/u-1")) == (403, "missing_permission")


@pytest.mark.parametrize("user", ["ada\n", "x" * 300], ids=["with a line's end", "longer than is kept"])
async def test_people_of_calls_are_erased_whatever_the_gateway_kept_of_them(
    tracked: Tracked, store: MongoUsageStore, user: str
) -> None:
    await store.add([delivered(llm_call(tracked.org_id, end_user=user[:256]))])

    answer = await tracked.caller()("DELETE", f"/users/{quote(user, safe='')}")

    assert answer.json() == {"events": 0, "calls": 1, "rollups": 0, "files": 0, "done": True}
