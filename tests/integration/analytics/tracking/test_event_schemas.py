"""What events are checked against, over HTTP."""

from typing import Any

import pytest

from llmo_core.ids import new_id
from tests.integration.analytics.tracking.calling import ADMIN, READER, WRITER, Tracked, event
from tests.integration.api_caller import problem

CHECKOUT = {
    "type": "object",
    "required": ["plan"],
    "properties": {"plan": {"enum": ["free", "pro"]}, "items": {"type": "integer", "minimum": 1}},
}


def schema(mode: str = "enforce", **said: Any) -> dict[str, Any]:
    return {"name": "page.viewed", "mode": mode, "schema": CHECKOUT, **said}


async def test_what_does_not_fit_an_enforced_schema_is_refused_without_its_value(tracked: Tracked) -> None:
    call = tracked.caller()
    assert (await call("POST", "/event-schemas", json=schema())).status_code == 201

    fits = await call("POST", "/events", json=event(1, properties={"plan": "pro", "unknown": {"to": "us"}}))
    alone = await call("POST", "/events", json=event(2, properties={"plan": "secret"}))
    batch = await call("POST", "/events/batch", json={"events": [event(3), event(4, name="other")]})

    assert fits.json()["status"] == "accepted"
    assert problem(alone) == (400, "schema_violated")
    assert "/plan" in alone.json()["detail"]
    assert "secret" not in alone.text
    told = [(each["status"], each.get("reason"), each.get("field")) for each in batch.json()["results"]]
    assert told == [("invalid", "schema_violated", "/properties"), ("accepted", None, None)]
    kept = await tracked.kept()
    assert [(each["event_id"], each["schema_version"]) for each in kept] == [("e0001", 1), ("e0004", None)]
    assert '"unknown":{"to":"us"}' in kept[0]["properties"]


async def test_what_does_not_fit_a_warning_schema_is_kept_and_noted(tracked: Tracked) -> None:
    call = tracked.caller()
    await call("POST", "/event-schemas", json=schema("warn"))

    answer = await call("POST", "/events", json=event(properties={"plan": "secret", "items": 0}))

    assert answer.json()["status"] == "accepted"
    [kept] = await tracked.kept()
    assert {each.split(":")[0] for each in kept["violations"]} == {"/plan", "/items"}
    assert not any("secret" in each for each in kept["violations"])


async def test_a_version_that_is_published_holds_for_the_very_next_event(tracked: Tracked) -> None:
    call = tracked.caller()
    for mode in ("warn", "enforce", "warn"):
        await call("POST", "/event-schemas", json=schema(mode))

    await call("POST", "/events", json=event())

    [kept] = await tracked.kept()
    assert kept["schema_version"] == 3
    versions = [(await call("GET", "/event-schemas/page.viewed", params={"version": n})).json() for n in (1, 2, 3)]
    assert [each["mode"] for each in versions] == ["warn", "enforce", "warn"]
    assert (await call("GET", "/event-schemas/page.viewed")).json() == versions[2]
    assert versions[0]["schema"] == CHECKOUT


async def test_to_publish_what_is_in_force_changes_nothing(tracked: Tracked) -> None:
    call = tracked.caller()

    first, again = [(await call("POST", "/event-schemas", json=schema())).json() for _ in range(2)]

    assert first == again
    assert first["version"] == 1


async def test_schemas_are_listed_by_name_page_by_page(tracked: Tracked) -> None:
    call = tracked.caller()
    for name in ("c", "a", "b"):
        await call("POST", "/event-schemas", json=schema(name=name))
    await call("POST", "/event-schemas", json=schema("warn", name="a"))

    first = (await call("GET", "/event-schemas", params={"limit": 2})).json()
    second = (await call("GET", "/event-schemas", params={"limit": 2, "cursor": first["next_cursor"]})).json()

    assert [(each["name"], each["version"]) for each in first["data"]] == [("a", 2), ("b", 1)]
    assert [each["name"] for each in second["data"]] == ["c"]
    assert second["next_cursor"] is None
    assert problem(await call("GET", "/event-schemas", params={"cursor": "$ne"})) == (400, "malformed_cursor")


async def test_another_organizations_schemas_neither_show_nor_check(tracked: Tracked) -> None:
    await tracked.caller(org_id=new_id())("POST", "/event-schemas", json=schema())
    call = tracked.caller()

    assert (await call("GET", "/event-schemas")).json()["data"] == []
    assert problem(await call("GET", "/event-schemas/page.viewed")) == (404, "unknown_event_schema")
    assert (await call("POST", "/events", json=event())).json()["status"] == "accepted"


@pytest.mark.parametrize(
    "document",
    [
        {"type": "array"},
        {"type": "objekt"},
        {"$ref": "https://example.org/schema"},
        {"properties": {"a": {"$ref": "#"}}},
        {"additionalProperties": False},
        {"anyOf": [{}]},
        {"properties": {"a": {"pattern": "("}}},
        {"properties": {"a": {"pattern": "(a)\\1"}}},
        {"properties": {"a": {"pattern": "(?:a{1000}){1000}"}}},
        {"properties": {"a": {"minimum": "1"}}},
        {"properties": []},
        {"properties": {"a": True}},
        {"required": "a"},
        {"description": "x" * 40_000},
        {"items": {"items": {"items": {"items": {"items": {"items": {"items": {"items": {}}}}}}}}},
        {"properties": {"a": {"maximum": 2**70}}},
    ],
)
async def test_a_schema_that_events_cannot_be_checked_against_is_refused(
    tracked: Tracked, document: dict[str, Any]
) -> None:
    answer = await tracked.caller()("POST", "/event-schemas", json=schema(schema=document))

    assert problem(answer) == (400, "unsupported_schema")


async def test_a_pattern_takes_no_longer_than_its_text(tracked: Tracked) -> None:
    call = tracked.caller()
    slow = {"properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}
    assert (await call("POST", "/event-schemas", json=schema(schema=slow))).status_code == 201

    answer = await call("POST", "/events", json=event(properties={"a": "a" * 8000 + "b"}))

    assert problem(answer) == (400, "schema_violated")


@pytest.mark.parametrize("permissions", [WRITER, READER])
async def test_only_whoever_sets_up_analytics_publishes_schemas(tracked: Tracked, permissions: frozenset[str]) -> None:
    answer = await tracked.caller(permissions)("POST", "/event-schemas", json=schema())

    assert problem(answer) == (403, "missing_permission")


async def test_a_browsers_key_sees_no_schema(tracked: Tracked) -> None:
    for path in ("/event-schemas", "/event-schemas/page.viewed"):
        assert problem(await tracked.caller(WRITER)("GET", path)) == (403, "missing_permission")


async def test_publishing_again_mends_what_ended_between_its_two_writes(tracked: Tracked) -> None:
    call = tracked.caller()
    strict = schema(mode="enforce", schema={"required": ["plan"]})
    assert (await call("POST", "/event-schemas", json=strict)).status_code == 201
    await tracked.database["event_schemas"].delete_many({"org_id": tracked.org_id})
    assert (await call("POST", "/events", json=event(1))).status_code == 200

    assert (await call("POST", "/event-schemas", json=strict)).json()["version"] == 1

    assert problem(await call("POST", "/events", json=event(2))) == (400, "schema_violated")


async def test_one_and_true_are_two_schemas(tracked: Tracked) -> None:
    call = tracked.caller()
    versions = [
        (await call("POST", "/event-schemas", json=schema(schema={"properties": {"a": {"const": each}}}))).json()[
            "version"
        ]
        for each in (1, True, True)
    ]

    assert versions == [1, 2, 2]


async def test_a_web_page_is_told_where_its_properties_do_not_fit_and_not_what_would(tracked: Tracked) -> None:
    secret = schema(mode="enforce", schema={"properties": {"coupon": {"enum": ["SECRET50"]}}})
    await tracked.caller()("POST", "/event-schemas", json=secret)
    wrong = event(properties={"coupon": "x"})

    page, server = [
        (await tracked.caller(permissions)("POST", "/events", json=wrong)).json()["detail"]
        for permissions in (WRITER, ADMIN)
    ]

    assert "/coupon" in page
    assert "SECRET50" not in page
    assert "SECRET50" in server
