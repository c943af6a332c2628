"""Organizations report what was used themselves: each event once, and what cannot be counted not at all."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.usage.examples import BATCHES, EVENTS
from billing.usage.schemas import MOST_BYTES
from tests.integration.api_caller import problem
from tests.integration.billing.calling import WRITER, Caller
from tests.integration.billing.using import NOW, Using, call

PAGES: dict[str, Any] = {"code": "pages", "event": "page.rendered", "aggregation": "sum", "fields": ["pages"]}
PAGE: dict[str, Any] = {"name": "page.rendered", "fields": {"pages": 3}}


def at(moment: Any) -> str:
    return str(moment.isoformat())


async def reported(caller: Caller, **event: Any) -> dict[str, Any]:
    answer = await caller("POST", "usage/events", json={**PAGE, **event})
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def test_what_is_reported_is_counted_and_listed(using: Using, reporter: Caller, reader: Caller) -> None:
    await using.make(**PAGES)
    await using.make(**{**PAGES, "code": "reds", "filters": [{"field": "tags.team", "values": ["red"]}]})
    org_id = reporter.org.org_id

    first = await reported(reporter, id="a", occurred_at=at(NOW - timedelta(days=2)), tags={"team": "red"})
    second = await reported(reporter, fields={"pages": "0.25", "colour": True})

    assert first == {"id": "a", "status": "accepted", "refusal": None}
    assert await using.quantity(org_id, "pages") == Decimal("3.25")
    assert await using.quantity(org_id, "reds") == 3
    assert (await reader("GET", "usage/events")).json() == {
        "data": [
            {
                "id": second["id"],
                "name": "page.rendered",
                "occurred_at": "2026-11-27T12:07:30Z",
                "received_at": "2026-11-27T12:07:30Z",
                "fields": {"pages": "0.25", "colour": True},
                "tags": {},
            },
            {
                "id": "a",
                "name": "page.rendered",
                "occurred_at": "2026-11-25T12:07:30Z",
                "received_at": "2026-11-27T12:07:30Z",
                "fields": {"pages": 3},
                "tags": {"team": "red"},
            },
        ],
        "next_cursor": None,
    }


async def test_an_event_is_known_by_its_id_whatever_else_it_says(using: Using, reporter: Caller) -> None:
    await using.make(**PAGES)
    assert (await reported(reporter, id="a"))["status"] == "accepted"
    for other in ({}, {"occurred_at": at(NOW - timedelta(days=30))}, {"fields": {"pages": 100}}):
        assert await reported(reporter, id="a", **other) == {"id": "a", "status": "duplicate", "refusal": None}
    using.clock.moment += timedelta(days=34)
    assert (await reported(reporter, id="a"))["status"] == "duplicate"

    assert await using.quantity(reporter.org.org_id, "pages") == 3


async def test_organizations_ids_are_their_own(using: Using, reporter: Caller, operator: Caller) -> None:
    await using.make(**PAGES)
    assert (await reported(reporter, id="a"))["status"] == "accepted"
    other = Caller(operator.org, permissions=reporter.principal.permissions)
    assert (await reported(other, id="a"))["status"] == "accepted"
    assert await using.quantity(operator.org.org_id, "pages") == 3


async def test_a_batch_says_what_became_of_each_event(using: Using, reporter: Caller) -> None:
    await using.make(**PAGES)
    events = [
        {**PAGE, "id": "a"},
        {**PAGE, "id": "a", "fields": {"pages": 7}},
        {**PAGE, "id": "b", "name": "page.printed"},
        {**PAGE, "id": "c", "fields": {}},
        {**PAGE, "id": "d", "occurred_at": at(NOW - timedelta(days=35, seconds=1))},
        {**PAGE, "id": "e", "occurred_at": at(NOW + timedelta(minutes=5, seconds=1))},
        {**PAGE, "id": "f", "occurred_at": at(NOW - timedelta(days=35))},
        {**PAGE, "id": "g", "occurred_at": at(NOW + timedelta(minutes=5))},
        {**PAGE, "id": "c"},
        PAGE,
    ]
    answer = await reporter("POST", "usage/events/batch", json={"events": events})

    assert answer.status_code == 200, answer.text
    page = answer.json()
    shown = [(each["id"], each["status"], (each["refusal"] or {}).get("type")) for each in page["data"]]
    assert shown[:9] == [
        ("a", "accepted", None),
        ("a", "duplicate", None),
        ("b", "refused", "urn:llmo:problem:nothing_counts_it"),
        ("c", "refused", "urn:llmo:problem:not_measurable"),
        ("d", "refused", "urn:llmo:problem:occurred_too_early"),
        ("e", "refused", "urn:llmo:problem:not_yet_occurred"),
        ("f", "accepted", None),
        ("g", "accepted", None),
        ("c", "accepted", None),
    ]
    assert (page["accepted"], page["duplicate"], page["refused"]) == (5, 1, 4)
    assert "`pages`" in page["data"][3]["refusal"]["detail"]
    assert len(await using.kept(reporter.org.org_id)) == 5


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({"name": "page.printed"}, "nothing_counts_it"),
        ({"fields": {"pages": -1}}, "not_measurable"),
        ({"fields": {"pages": "-0.5"}}, "not_measurable"),
        ({"fields": {"pages": "1000000000000000001"}}, "not_measurable"),
        ({"fields": {"pages": "0.0000000000001"}}, "not_measurable"),
        ({"fields": {"pages": "NaN"}}, "not_measurable"),
        ({"fields": {"pages": "many"}}, "not_measurable"),
        ({"fields": {"pages": True}}, "not_measurable"),
        ({"fields": {"page": 1}}, "not_measurable"),
        ({"occurred_at": "2026-10-01T00:00:00Z"}, "occurred_too_early"),
        ({"occurred_at": "2026-11-27T12:13:00Z"}, "not_yet_occurred"),
    ],
)
async def test_an_event_that_cannot_be_counted_is_refused_and_not_kept(
    using: Using, reporter: Caller, event: dict[str, Any], code: str
) -> None:
    await using.make(**PAGES)
    refused = await reporter("POST", "usage/events", json={**PAGE, **event})

    assert problem(refused) == (400, code)
    assert await using.kept(reporter.org.org_id) == []


@pytest.mark.parametrize(
    ("event", "pointer", "message"),
    [
        ({"name": "llm.call"}, "/body/name", "reports its calls itself"),
        ({"name": "Page"}, "/body/name", "match pattern"),
        ({"id": ""}, "/body/id", "at least 1 character"),
        ({"id": "x" * 129}, "/body/id", "at most 128 characters"),
        ({"id": "a\0"}, "/body/id", "match pattern"),
        ({"id": 7}, "/body/id", "valid string"),
        ({"occurred_at": 1764244800}, "/body/occurred_at", "write it as RFC 3339 has it"),
        ({"occurred_at": "2026-11-27T12:00:00"}, "/body/occurred_at", "timezone"),
        ({"fields": {"pages": 0.1234567890123456}}, "/body/fields/pages", "write it as text"),
        ({"fields": {"pages": 1e300}}, "/body/fields/pages", "at most 10^18"),
        ({"fields": {"pages": 10**18 + 1}}, "/body/fields/pages", "at most 10^18"),
        ({"fields": {"pages": -(10**19)}}, "/body/fields/pages", "at most 10^18"),
        ({"fields": {"pages": None}}, "/body/fields/pages", "a text, a boolean, or a number"),
        ({"fields": {"pages": [1]}}, "/body/fields/pages", "a text, a boolean, or a number"),
        ({"fields": {"pages": "1\0"}}, "/body/fields/pages", "no NUL"),
        ({"fields": {"pages": "1" * 257}}, "/body/fields/pages", "256 characters at most"),
        ({"fields": {"tags": "red"}}, "/body/fields/tags", "tags stand in `tags`"),
        ({"fields": {"tags.team": "red"}}, "/body/fields/tags.team", "tags stand in `tags`"),
        ({"fields": {f"f{number}": 1 for number in range(51)}}, "/body/fields", "at most 50 items"),
        ({"tags": {"team": 1}}, "/body/tags/team", "valid string"),
        ({"tags": {"te am": "1"}}, "/body/tags/te am", "match pattern"),
        ({"quantity": 1}, "/body/quantity", "not permitted"),
    ],
)
async def test_an_event_that_makes_no_sense_is_refused(
    using: Using, reporter: Caller, event: dict[str, Any], pointer: str, message: str
) -> None:
    await using.make(**PAGES)
    for path, body, prefix in (
        ("usage/events", {**PAGE, **event}, "/body"),
        ("usage/events/batch", {"events": [{**PAGE, **event}]}, "/body/events/0"),
    ):
        answer = await reporter("POST", path, json=body)
        assert problem(answer) == (422, "malformed_request"), answer.text
        [only] = answer.json()["errors"]
        assert only["pointer"].startswith(pointer.replace("/body", prefix))
        assert message in only["message"]


@pytest.mark.parametrize("events", [[], [PAGE] * 1001])
async def test_a_batch_has_one_to_a_thousand_events(using: Using, reporter: Caller, events: list[Any]) -> None:
    await using.make(**PAGES)
    assert problem(await reporter("POST", "usage/events/batch", json={"events": events}))[0] == 422


async def test_the_largest_batch_is_counted(using: Using, reporter: Caller) -> None:
    await using.make(**PAGES)
    events = [{**PAGE, "id": f"e{number}"} for number in range(1000)]
    answer = await reporter("POST", "usage/events/batch", json={"events": events})

    assert answer.json()["accepted"] == 1000
    assert await using.quantity(reporter.org.org_id, "pages") == 3000


@pytest.mark.parametrize("path", ["usage/events", "usage/events/batch"])
async def test_a_body_that_is_too_large_is_not_read(using: Using, reporter: Caller, path: str) -> None:
    await using.make(**PAGES)
    headers = {"content-type": "application/json", "idempotency-key": "once"}
    for extra in ({}, {"idempotency-key": "once"}):
        answer = await reporter("POST", path, content=b" " * (MOST_BYTES + 1), headers=headers | extra)
        assert problem(answer) == (413, "body_too_large")


@pytest.mark.parametrize("body", [b"{", b"null", b'{"name": "page.rendered", "fields": {"pages": NaN}}', b"\xff"])
async def test_a_body_that_is_no_event_is_refused_and_no_defect(using: Using, reporter: Caller, body: bytes) -> None:
    await using.make(**PAGES)
    answer = await reporter("POST", "usage/events", content=body, headers={"content-type": "application/json"})
    assert problem(answer)[0] in {400, 422}


async def test_the_examples_of_the_document_are_events(using: Using, reporter: Caller) -> None:
    await using.make(**PAGES)
    await using.make(code="gb", event="storage.measured", aggregation="max", fields=["gigabytes"])
    for example in EVENTS.values():
        assert (await reporter("POST", "usage/events", json=example["value"])).json()["status"] == "accepted"
    [batch] = BATCHES.values()
    answer = (await reporter("POST", "usage/events/batch", json=batch["value"])).json()
    assert (answer["accepted"], answer["duplicate"]) == (1, 1)


async def test_reports_at_the_same_time_are_counted_once(using: Using, reporter: Caller) -> None:
    await using.make(**PAGES)
    events = [{**PAGE, "id": f"e{number}"} for number in range(50)]
    answers = await asyncio.gather(
        *(
            reporter("POST", "usage/events/batch", json={"events": order})
            for order in (events, events[::-1], events[10:], events[:40][::-1])
        )
    )

    assert sum(answer.json()["accepted"] for answer in answers) == 50
    assert await using.quantity(reporter.org.org_id, "pages") == 150


async def test_a_request_may_be_repeated_under_its_key(using: Using, reporter: Caller) -> None:
    await using.make(**PAGES)
    first, second = [
        await reporter("POST", "usage/events", json=PAGE, headers={"idempotency-key": "once"}) for _ in range(2)
    ]
    assert first.json() == second.json()
    assert await using.quantity(reporter.org.org_id, "pages") == 3


async def test_whoever_reports_can_do_nothing_else_and_nobody_else_reports(
    using: Using, reporter: Caller, customer: Caller
) -> None:
    await using.make(**PAGES)
    assert problem(await reporter("GET", "usage/events")) == (403, "missing_permission")
    assert problem(await reporter("GET", "plans")) == (403, "missing_permission")
    assert customer.principal.permissions == WRITER
    for path, body in (("usage/events", PAGE), ("usage/events/batch", {"events": [PAGE]})):
        assert problem(await customer("POST", path, json=body)) == (403, "missing_permission")


async def test_events_are_listed_page_by_page_the_latest_first(using: Using, reporter: Caller, reader: Caller) -> None:
    await using.make(**PAGES)
    moments = [NOW - timedelta(hours=number // 2) for number in range(7)]
    for number, moment in enumerate(moments):
        await reported(reporter, id=f"e{number}", occurred_at=at(moment))
    await using.record(call(reporter.org.org_id, started_at=at(NOW - timedelta(days=20))))

    found = await reader.listed("usage/events")
    assert [event["id"] for event in found[:7]] == ["e1", "e0", "e3", "e2", "e5", "e4", "e6"]
    assert [event["name"] for event in found[7:]] == ["llm.call"]

    async def some(**parameters: str) -> list[str]:
        answer = await reader("GET", "usage/events", params=parameters)
        assert answer.status_code == 200, answer.text
        return [event["id"] for event in answer.json()["data"]]

    assert await some(name="llm.call") == [found[7]["id"]]
    assert await some(**{"from": at(moments[2]), "to": at(moments[0])}) == ["e3", "e2"]
    assert await some(name="page.printed") == []
    assert await some(to=at(moments[6])) == [found[7]["id"]]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"cursor": "x"}, (400, "malformed_cursor")),
        ({"cursor": "/////////////////////////////////w"}, (400, "malformed_cursor")),
        ({"from": "2026-11-02T00:00:00Z", "to": "2026-11-02T00:00:00Z"}, (400, "empty_range")),
        ({"from": "yesterday"}, (422, "malformed_request")),
        ({"limit": "1001"}, (422, "malformed_request")),
        ({"name": "a\0"}, (422, "malformed_request")),
        ({"since": "2026-11-02T00:00:00Z"}, (422, "malformed_request")),
    ],
)
async def test_a_list_that_makes_no_sense_is_refused(
    using: Using, reader: Caller, parameters: dict[str, str], expected: tuple[int, str]
) -> None:
    assert using.operator_id is not None
    assert problem(await reader("GET", "usage/events", params=parameters)) == expected


async def test_nobody_sees_events_of_others(using: Using, reporter: Caller, operator: Caller) -> None:
    await using.make(**PAGES)
    await reported(reporter, id="a")
    await using.record(call(reporter.org.org_id))

    assert await operator.listed("usage/events") == []
    assert await using.quantity(operator.org.org_id, "pages") == 0
