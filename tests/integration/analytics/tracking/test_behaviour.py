"""Questions about tracked events over HTTP, from what a real database keeps."""

import random
from datetime import timedelta
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from analytics.behaviour.models import EventQuery, FunnelQuery, Matching, Range, Seen
from analytics.behaviour.periods import milliseconds
from analytics.behaviour.repository import MongoBehaviour
from analytics.tracking.properties import pair
from llmo_core.ids import new_id
from llmo_data.mongo import Document
from tests.integration.analytics.tracking.calling import NOW, WRITER, Tracked, event
from tests.integration.api_caller import problem
from tests.unit.analytics.behaviour import recomputed

AGO = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
STEPS = [{"name": "a"}, {"name": "b", "where": {"plan": "pro"}}, {"name": "c"}]


def did(number: int, name: str, ago: str, user: str | None = "u-1", **properties: Any) -> dict[str, Any]:
    """Somebody did something so long ago: `3h`."""
    moment = NOW - timedelta(**{AGO[ago[-1]]: float(ago[:-1])})
    return event(number, name=name, user_id=user, timestamp=moment.isoformat(), properties=properties)


async def test_answers_are_those_of_a_plain_recomputation_of_events_shuffled_doubled_and_late(tracked: Tracked) -> None:
    chance = random.Random(8)  # noqa: S311 - the same events in every run
    people = [f"u-{number}" for number in range(40)] + [None]
    events = [
        did(
            number,
            chance.choice("abc"),
            f"{chance.randrange(1, 6 * 24 * 60)}m",
            chance.choice(people),
            plan=chance.choice(["free", "pro"]),
        )
        for number in range(600)
    ]
    given = [*events, *chance.sample(events, 100)]
    chance.shuffle(given)
    await tracked.track(*given)
    await tracked.track(*given[:300], org_id=new_id())
    seen = [
        Seen(each["name"], each["actor"], milliseconds(each["timestamp"]), each["pairs"])
        for each in await tracked.kept()
    ]
    assert len(seen) == 600
    call = tracked.caller()

    answer = await call("POST", "/funnels", json={"steps": STEPS, "window_seconds": 86_400, "breakdown": "plan"})

    steps = (
        Matching(name="a"),
        Matching(name="b", pairs=frozenset({pair("plan", "pro")})),
        Matching(name="c"),
    )
    within = Range(start=NOW - timedelta(days=30), end=NOW)
    query = FunnelQuery(org_id=tracked.org_id, range=within, steps=steps, window=timedelta(days=1), breakdown="plan")
    expected, by_plan = recomputed.funnel(query, seen)
    body = answer.json()
    assert [(step["users"], step["median_seconds"]) for step in body["steps"]] == expected
    groups = {pair("plan", group["value"]): [step["users"] for step in group["steps"]] for group in body["groups"]}
    assert groups == by_plan
    counted = (await call("GET", "/events/counts", params={"name": "a,b", "interval": "day"})).json()["data"]
    assert sum(row["events"] for row in counted) == sum(each.name != "c" for each in seen)
    for row in counted:
        day = [each for each in seen if each.name == row["name"] and row["start"][:10] == _day(each)]
        assert (row["events"], row["users"]) == (len(day), len({each.actor for each in day} - {None}))


def _day(seen: Seen) -> str:
    return (NOW + timedelta(milliseconds=seen.at - milliseconds(NOW))).date().isoformat()


async def test_a_funnel_tells_shares_and_times(tracked: Tracked) -> None:
    await tracked.track(
        *(did(1, "a", "3h"), did(2, "b", "2h", plan="pro"), did(3, "c", "1h")),
        *(did(4, "a", "3h", "u-2"), did(5, "b", "1h", "u-2", plan="free")),
        *(did(6, "c", "3h", "u-3"), did(7, "a", "2h", None)),
    )

    body = (await tracked.caller()("POST", "/funnels", json={"steps": STEPS})).json()

    assert body == {
        "steps": [
            {"name": "a", "users": 2, "share": 1.0, "share_of_previous": 1.0, "median_seconds": None},
            {"name": "b", "users": 1, "share": 0.5, "share_of_previous": 0.5, "median_seconds": 3600.0},
            {"name": "c", "users": 1, "share": 0.5, "share_of_previous": 1.0, "median_seconds": 3600.0},
        ],
        "groups": [],
    }


async def test_retention_and_cohorts_tell_who_came_back(tracked: Tracked) -> None:
    await tracked.track(
        *(did(1, "a", "3d"), did(2, "b", "2d"), did(3, "b", "1d")),
        *(did(4, "a", "3d", "u-2"), did(5, "b", "1d", "u-2")),
        *(did(6, "a", "1d", "u-3"), did(7, "b", "23h", "u-3")),
    )
    asked = {"first": {"name": "a"}, "returning": {"name": "b"}, "periods": 2}
    call = tracked.caller()

    retention = (await call("POST", "/retention", json=asked)).json()
    unbounded = (await call("POST", "/retention", json={**asked, "mode": "unbounded"})).json()
    cohorts = (await call("POST", "/cohorts", json=asked)).json()["data"]

    assert [(row["users"], row["eligible"], row["share"]) for row in retention["periods"]] == [
        (1, 3, 0.333333),
        (1, 3, 0.333333),
        (2, 2, 1.0),
    ]
    assert [row["users"] for row in unbounded["periods"]] == [3, 2, 2]
    day = [(NOW - timedelta(days=days)).date().isoformat() for days in (3, 1)]
    assert [(row["start"], row["users"]) for row in cohorts] == [(day[0], 2), (day[1], 1)]
    assert [row["users"] for row in cohorts[0]["periods"]] == [0, 1, 2]


async def test_events_are_listed_the_newest_first_page_by_page(tracked: Tracked) -> None:
    same = [did(number, "a", "1h") for number in range(5)]
    await tracked.track(*same, did(6, "b", "2h", "u-2", plan="pro"), did(7, "a", "3h"))
    call = tracked.caller()

    listed: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(4):
        page = (await call("GET", "/events", params={"limit": 2, **cursor})).json()
        listed += [each["id"] for each in page["data"]]
        cursor = {"cursor": page["next_cursor"]}

    assert page["next_cursor"] is None
    assert set(listed[:5]) == {each["id"] for each in same}
    assert listed[5:] == ["e0006", "e0007"]
    [found] = (await call("GET", "/events", params={"user_id": "u-2", "name": "b"})).json()["data"]
    assert found["properties"] == {"plan": "pro"}
    assert (found["origin"], found["skew_ms"], found["violations"]) == ("server", 0, [])


class Looks:
    """Remembers what a collection was asked for."""

    def __init__(self, collection: Any) -> None:
        self._collection = collection
        self.asked: list[dict[str, Any]] = []

    def find(self, wanted: dict[str, Any], *args: Any, **options: Any) -> Any:
        self.asked.append(wanted)
        return self._collection.find(wanted, *args, **options)


async def test_a_deep_page_looks_at_nothing_that_earlier_ones_had(tracked: Tracked) -> None:
    await tracked.track(*[did(number, "a", f"{number}h") for number in range(1, 100)])
    looks = Looks(tracked.database["tracked_events"])
    events = MongoBehaviour({"tracked_events": looks})  # type: ignore[arg-type]
    within = Range(start=NOW - timedelta(days=366), end=NOW)
    query = EventQuery(org_id=tracked.org_id, range=within, name=None, user_id=None, before=None, limit=7)

    listed: list[str] = []
    while page := await events.page(query):
        assert all(look["timestamp"]["$lt"] <= query.before[0] for look in looks.asked[1:] if query.before)
        assert len(looks.asked) <= 7
        assert not any("$or" in look for look in looks.asked)
        listed += [each.id for each in page]
        query = query.model_copy(update={"before": (page[-1].timestamp, page[-1].key)})
        looks.asked.clear()

    assert listed == [f"e{number:04}" for number in range(1, 100)]


async def test_another_organizations_events_are_in_no_answer(tracked: Tracked) -> None:
    await tracked.track(did(1, "a", "3h"), did(2, "b", "2h", plan="pro"), did(3, "c", "1h"), org_id=new_id())
    call = tracked.caller()

    assert (await call("GET", "/events")).json() == {"data": [], "next_cursor": None}
    assert (await call("GET", "/events", params={"user_id": "u-1"})).json()["data"] == []
    assert (await call("GET", "/events/counts")).json() == {"data": []}
    assert [s["users"] for s in (await call("POST", "/funnels", json={"steps": STEPS})).json()["steps"]] == [0, 0, 0]
    asked = {"first": {"name": "a"}, "returning": {"name": "b"}}
    assert (await call("POST", "/retention", json=asked)).json()["users"] == 0
    assert (await call("POST", "/cohorts", json=asked)).json() == {"data": []}


async def test_more_events_than_may_be_read_are_refused_and_it_is_said_what_to_narrow(
    mongodb: AsyncDatabase[Document],
) -> None:
    tracked = Tracked(mongodb, most_events=3)
    await tracked.track(*(did(number, "a", f"{number}h") for number in range(1, 5)))
    call = tracked.caller()

    funnel = await call("POST", "/funnels", json={"steps": [{"name": "a"}, {"name": "b"}]})
    shorter = {"from": (NOW - timedelta(hours=3.5)).isoformat()}
    within = await call("POST", "/funnels", json={"steps": [{"name": "a"}, {"name": "b"}], **shorter})

    assert problem(funnel) == (400, "too_many_events")
    assert "More than 3 events" in funnel.json()["detail"]
    assert "shorter range" in funnel.json()["detail"]
    assert within.json()["steps"][0]["users"] == 1
    assert problem(await call("GET", "/events/counts")) == (400, "too_many_events")


@pytest.mark.parametrize(
    ("method", "path", "asked"),
    [
        ("POST", "/funnels", {"steps": STEPS}),
        ("POST", "/retention", {"first": {"name": "a"}, "returning": {"name": "b"}}),
        ("POST", "/cohorts", {"first": {"name": "a"}, "returning": {"name": "b"}}),
        ("GET", "/events", {}),
        ("GET", "/events/counts", {}),
    ],
)
async def test_ranges_make_sense_and_readers_alone_ask(
    tracked: Tracked, method: str, path: str, asked: dict[str, Any]
) -> None:
    async def refused(start: str, end: str) -> tuple[int, str]:
        said = {**asked, "from": start, "to": end}
        given: Any = {"json": said} if method == "POST" else {"params": said}
        return problem(await tracked.caller()(method, path, **given))

    assert await refused("2090-08-15T00:00:00Z", "2090-08-15T00:00:00Z") == (400, "empty_range")
    assert await refused("2089-08-13T00:00:00Z", "2090-08-15T00:00:00Z") == (400, "range_too_long")
    assert await refused("0001-01-01T00:00:00Z", "2090-08-15T00:00:00Z") == (422, "malformed_request")
    assert await refused("2090-08-15T00:00:00Z", "9999-12-31T23:59:59Z") == (422, "malformed_request")
    given: Any = {"json": asked} if method == "POST" else {}
    assert problem(await tracked.caller(WRITER)(method, path, **given)) == (403, "missing_permission")


@pytest.mark.parametrize(
    "asked",
    [
        {"steps": [{"name": "a"}]},
        {"steps": [{"name": "a"}] * 11},
        {"steps": [{"name": "$where"}, {"name": "a"}]},
        {"steps": [{"name": "a", "where": {"plan": {"$ne": "pro"}}}, {"name": "b"}]},
        {"steps": [{"name": "a", "where": {"n": 2**64}}, {"name": "b"}]},
        {"steps": [{"name": "a", "where": {"": 1}}, {"name": "b"}]},
        {"steps": [{"name": "a", "where": {"long": "x" * 201}}, {"name": "b"}]},
        {"steps": [{"name": "a"}, {"name": "b"}], "window_seconds": 0},
        {"steps": [{"name": "a"}, {"name": "b"}], "window_seconds": True},
        {"steps": [{"name": "a"}, {"name": "b"}], "breakdown": ""},
        {"steps": [{"name": "a"}, {"name": "b"}], "from": 1_700_000_000},
        {"steps": [{"name": "a"}, {"name": "b"}], "org_id": "01980a5e-7c00-7000-8000-000000000001"},
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(tracked: Tracked, asked: dict[str, Any]) -> None:
    assert problem(await tracked.caller()("POST", "/funnels", json=asked)) == (422, "malformed_request")
