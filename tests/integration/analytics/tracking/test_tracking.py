"""Events over HTTP: what is kept of them, and what is refused."""

import json
from datetime import timedelta
from typing import Any

import pytest

from llmo_auth.principal import ActorType
from llmo_core.ids import new_id
from tests.integration.analytics.tracking.calling import ADMIN, NOW, READER, WRITER, Tracked, event
from tests.integration.api_caller import problem


async def test_an_event_is_kept_once_however_often_it_is_sent(tracked: Tracked) -> None:
    call = tracked.caller(WRITER)

    first, again = [await call("POST", "/events", json=event()) for _ in range(2)]
    other = await call("POST", "/events", json=event(name="other.name"))

    assert (first.status_code, first.json()) == (200, {"id": "e0001", "status": "accepted"})
    assert again.json() == other.json() == {"id": "e0001", "status": "duplicate"}
    [kept] = await tracked.kept()
    assert kept["name"] == "page.viewed"


async def test_another_organizations_event_with_the_same_id_is_another_one(tracked: Tracked) -> None:
    theirs = new_id()

    mine = await tracked.caller()("POST", "/events", json=event())
    other = await tracked.caller(org_id=theirs)("POST", "/events", json=event())

    assert mine.json()["status"] == other.json()["status"] == "accepted"
    assert len(await tracked.kept()) == 1


async def test_every_event_of_a_batch_has_its_own_result(tracked: Tracked) -> None:
    events = [
        event(1),
        event(1),
        event(2, name="$where"),
        event(3, timestamp=(NOW - timedelta(days=7, seconds=1)).isoformat()),
        event(4, timestamp=(NOW + timedelta(hours=1, seconds=1)).isoformat()),
        "no event",
        {"name": "page.viewed"},
        event(5, surprise=1),
        event(6, properties={"many": {str(number): number for number in range(100)}}),
        event(7),
    ]

    answer = await tracked.caller(WRITER)("POST", "/events/batch", json={"events": events})

    body = answer.json()
    assert answer.status_code == 200
    assert (body["accepted"], body["duplicate"], body["invalid"]) == (2, 1, 7)
    told = [(each.get("id"), each["status"], each.get("reason"), each.get("field")) for each in body["results"]]
    assert told == [
        ("e0001", "accepted", None, None),
        ("e0001", "duplicate", None, None),
        ("e0002", "invalid", "malformed_event", "/name"),
        ("e0003", "invalid", "too_late", "/timestamp"),
        ("e0004", "invalid", "in_the_future", "/timestamp"),
        (None, "invalid", "malformed_event", ""),
        (None, "invalid", "malformed_event", "/id"),
        ("e0005", "invalid", "malformed_event", "/surprise"),
        ("e0006", "invalid", "malformed_event", "/properties"),
        ("e0007", "accepted", None, None),
    ]
    assert [each["event_id"] for each in await tracked.kept()] == ["e0001", "e0007"]


@pytest.mark.parametrize("count", [0, 1001])
async def test_a_batch_has_a_thousand_events_at_most(tracked: Tracked, count: int) -> None:
    answer = await tracked.caller()("POST", "/events/batch", json={"events": [{}] * count})

    assert problem(answer) == (422, "malformed_request")


async def test_a_thousand_events_are_kept_at_once(tracked: Tracked) -> None:
    answer = await tracked.caller()("POST", "/events/batch", json={"events": [event(n) for n in range(1000)]})

    assert answer.json()["accepted"] == 1000
    assert len(await tracked.kept()) == 1000


async def test_properties_are_kept_whatever_their_keys_are(tracked: Tracked) -> None:
    said = {"$where": "1", "a.b": {"$gt": {"": 0}}, "plan": "pro", "n\x00l": "\x00", "n": 1.0, "on": True, "none": None}
    del said["a.b"]
    said["a.b"] = {"$gt": [1, {"c": 2.5}]}

    answer = await tracked.caller()("POST", "/events", json=event(properties=said))

    assert answer.status_code == 200, answer.text
    [kept] = await tracked.kept()
    assert json.loads(kept["properties"]) == said
    assert '["plan","pro"]' in kept["pairs"]
    assert '["n",1]' in kept["pairs"]
    assert not any("a.b" in each for each in kept["pairs"])


async def test_ten_thousand_values_of_a_property_are_ten_thousand_values(tracked: Tracked) -> None:
    call = tracked.caller()
    for start in range(0, 10_000, 1000):
        events = [event(n, properties={"tag": f"value-{n}"}) for n in range(start, start + 1000)]
        assert (await call("POST", "/events/batch", json={"events": events})).json()["accepted"] == 1000

    [found] = await tracked.kept(pairs='["tag","value-7777"]')
    assert found["event_id"] == "e7777"


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ({"id": ""}, "/body/id"),
        ({"id": "x" * 201}, "/body/id"),
        ({"id": 7}, "/body/id"),
        ({"id": "a\x00b"}, "/body/id"),
        ({"name": "1st"}, "/body/name"),
        ({"name": "a$b"}, "/body/name"),
        ({"name": "a" * 101}, "/body/name"),
        ({"user_id": "x" * 257}, "/body/user_id"),
        ({"user_id": {"$ne": None}}, "/body/user_id"),
        ({"timestamp": "yesterday"}, "/body/timestamp"),
        ({"timestamp": 1}, "/body/timestamp"),
        ({"timestamp": "2090-08-15T12:00:00"}, "/body/timestamp"),
        ({"timestamp": "0001-01-01T00:00:00Z"}, "/body/timestamp"),
        ({"timestamp": "9999-12-31T23:59:59Z"}, "/body/timestamp"),
        ({"properties": []}, "/body/properties"),
        ({"properties": {"a": {"b": {"c": {"d": {"e": 1}}}}}}, "/body/properties"),
        ({"properties": {"": 1}}, "/body/properties"),
        ({"properties": {"k" * 201: 1}}, "/body/properties"),
        ({"properties": {"big": 2**63}}, "/body/properties"),
        ({"properties": {"long": "x" * 8193}}, "/body/properties"),
        ({"properties": {str(n): "x" * 8000 for n in range(5)}}, "/body/properties"),
        ({"properties": {str(n): n for n in range(101)}}, "/body/properties"),
    ],
)
async def test_what_is_over_a_bound_is_refused_and_named(tracked: Tracked, said: dict[str, Any], where: str) -> None:
    answer = await tracked.caller()("POST", "/events", json=event(**said))

    assert problem(answer) == (422, "malformed_request")
    assert {mistake["pointer"] for mistake in answer.json()["errors"]} == {where}
    assert await tracked.kept() == []


@pytest.mark.parametrize(
    "text",
    [
        '{"id":"1","name":"a","properties":{"n":NaN}}',
        '{"id":"1","name":"a","properties":{"n":-Infinity}}',
        '{"id":"1","name":"a","properties":{"n":1e999}}',
        '{"id":"1","name":"a","properties":{"t":"\\ud800"}}',
        '{"id":"1","name":"a","properties":{"\\ud800":1}}',
        '{"id":"\\ud800","name":"a"}',
        '{"id":"1","name":"a","\\ud800":1}',
        '{"id":"1","name":"a","properties":' + '{"a":' * 3000 + "1" + "}" * 3000 + "}",
    ],
)
async def test_what_is_no_json_that_all_read_alike_is_refused(tracked: Tracked, text: str) -> None:
    call = tracked.caller()

    alone = await call("POST", "/events", content=text, headers={"content-type": "application/json"})
    batch = await call(
        "POST", "/events/batch", content=f'{{"events":[{text}]}}', headers={"content-type": "application/json"}
    )

    assert alone.status_code in {400, 422}
    assert batch.status_code == 400 or batch.json()["invalid"] == 1
    assert await tracked.kept() == []


async def test_bodies_have_a_size(tracked: Tracked) -> None:
    call = tracked.caller()
    sixteen_megabytes = {"text": "x" * 16 * 1024 * 1024}

    alone = await call("POST", "/events", json=event(properties=sixteen_megabytes))
    batch = await call("POST", "/events/batch", json={"events": [event(properties=sixteen_megabytes)]})

    assert problem(alone) == problem(batch) == (413, "body_too_large")


async def test_a_wrong_clock_is_corrected_and_that_is_kept(tracked: Tracked) -> None:
    three_hours_ahead = NOW + timedelta(hours=3)
    happened = three_hours_ahead - timedelta(seconds=20, microseconds=123)

    answer = await tracked.caller()(
        "POST",
        "/events/batch",
        json={"sent_at": three_hours_ahead.isoformat(), "events": [event(timestamp=happened.isoformat())]},
    )

    assert answer.json()["accepted"] == 1
    [kept] = await tracked.kept()
    assert kept["skew_ms"] == -3 * 3_600_000
    assert kept["timestamp"] == NOW - timedelta(seconds=20, milliseconds=1)
    assert kept["minute"] == NOW.replace(second=0)
    assert (kept["hour"], kept["day"]) == (NOW.replace(second=0), NOW.replace(second=0, hour=0))


@pytest.mark.parametrize("off", [-5, 0, 5])
async def test_a_difference_of_five_seconds_is_the_ways(tracked: Tracked, off: int) -> None:
    sent_at = NOW + timedelta(seconds=off)

    await tracked.caller()("POST", "/events", json=event(sent_at=sent_at.isoformat()))

    [kept] = await tracked.kept()
    assert (kept["skew_ms"], kept["timestamp"]) == (0, NOW - timedelta(minutes=1))


async def test_an_event_without_a_time_happens_when_it_arrives(tracked: Tracked) -> None:
    await tracked.caller()("POST", "/events", json={"id": "1", "name": "a"})

    [kept] = await tracked.kept()
    assert kept["timestamp"] == kept["received_at"] == NOW


@pytest.mark.parametrize(
    ("timestamp", "reason"),
    [
        (NOW - timedelta(days=7, milliseconds=1), "too_late"),
        (NOW + timedelta(hours=1, milliseconds=1), "in_the_future"),
    ],
)
async def test_a_single_event_of_another_time_is_refused_with_its_reason(
    tracked: Tracked, timestamp: Any, reason: str
) -> None:
    answer = await tracked.caller()("POST", "/events", json=event(timestamp=timestamp.isoformat()))

    assert problem(answer) == (400, reason)
    assert await tracked.kept() == []


async def test_events_are_late_by_seven_days_at_most(tracked: Tracked) -> None:
    for number, moment in enumerate([NOW - timedelta(days=7), NOW + timedelta(hours=1)]):
        answer = await tracked.caller()("POST", "/events", json=event(number, timestamp=moment.isoformat()))
        assert answer.json()["status"] == "accepted"


async def test_a_key_that_can_only_append_is_a_browsers(tracked: Tracked) -> None:
    await tracked.caller(WRITER)("POST", "/events", json=event(1))
    await tracked.caller(ADMIN)("POST", "/events", json=event(2))
    await tracked.caller(WRITER, actor_type=ActorType.SERVICE_ACCOUNT)("POST", "/events", json=event(3))

    assert [each["origin"] for each in await tracked.kept()] == ["browser", "server", "server"]


async def test_to_read_is_not_enough_to_append(tracked: Tracked) -> None:
    for path, body in (("/events", event()), ("/events/batch", {"events": [event()]})):
        assert problem(await tracked.caller(READER)("POST", path, json=body)) == (403, "missing_permission")


async def test_events_end_together_with_those_of_their_day(tracked: Tracked) -> None:
    await tracked.caller()("POST", "/events", json=event())

    [kept] = await tracked.kept()
    assert kept["expires_at"] == NOW.replace(hour=0, second=0) + timedelta(days=91)


async def test_a_web_page_takes_no_ids_from_a_servers_events(tracked: Tracked) -> None:
    answers = [
        await tracked.caller(permissions)("POST", "/events", json=event(1)) for permissions in (WRITER, ADMIN, ADMIN)
    ]

    assert [each.json()["status"] for each in answers] == ["accepted", "accepted", "duplicate"]
