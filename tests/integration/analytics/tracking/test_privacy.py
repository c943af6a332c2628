"""Erasing people over HTTP."""

from datetime import timedelta
from urllib.parse import quote

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
