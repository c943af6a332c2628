"""Meters: made once, never changed, seen by everybody."""

import pytest

from billing.catalogue.examples import METERS
from tests.integration.api_caller import problem
from tests.integration.billing.calling import CALLS, COST, Caller, Catalogue


@pytest.mark.parametrize("example", METERS)
async def test_every_example_of_the_document_is_a_meter_that_comes_back_as_it_was_given(
    operator: Caller, reader: Caller, example: str
) -> None:
    given = METERS[example]["value"]
    made = await operator.made("meters", **given)

    assert made.items() >= given.items()
    assert (await operator("GET", f"meters/{given['code']}")).json() == made
    assert (await reader("GET", f"meters/{given['code']}")).json() == {**made, "created_by": None}


async def test_meters_are_listed_page_by_page_the_newest_first(operator: Caller, reader: Caller) -> None:
    made = [await operator.meter(code=f"m{number}") for number in range(5)]

    assert await operator.listed("meters") == made[::-1]
    assert await reader.listed("meters") == [{**meter, "created_by": None} for meter in made[::-1]]


async def test_a_code_is_taken_once(operator: Caller) -> None:
    await operator.meter()
    refused = await operator("POST", "meters", json={**COST, "code": "calls"})

    assert problem(refused) == (409, "code_taken")
    assert "`calls`" in refused.json()["detail"]
    assert [meter["aggregation"] for meter in await operator.listed("meters")] == ["count"]


async def test_a_meter_is_announced_with_who_made_it(operator: Caller, catalogue: Catalogue) -> None:
    made = await operator.meter()
    [event] = await catalogue.announced(operator.org.org_id)

    assert (event.type, event.source, event.orgid) == (
        "llmo.billing.meter.created",
        "llmo.billing",
        operator.org.org_id,
    )
    assert event.data == {"meter_id": made["id"], "code": "calls", "created_by": str(operator.org.key_id)}


@pytest.mark.parametrize(
    ("changes", "pointer", "message"),
    [
        ({"code": "Calls"}, "/body/code", "match pattern"),
        ({"code": "a\0"}, "/body/code", "match pattern"),
        ({"name": "a\0"}, "/body/name", "match pattern"),
        ({"name": " "}, "/body/name", "at least 1 character"),
        ({"fields": ["input_tokens"]}, "/body", "`count` counts events: it has no fields"),
        ({"aggregation": "sum"}, "/body", "`sum` needs a field"),
        ({"aggregation": "sum", "fields": ["weight"]}, "/body", "LLM calls have no `weight`"),
        ({"aggregation": "average"}, "/body/aggregation", "'sum', 'count', 'max' or 'unique'"),
        ({"filters": [{"field": "model", "values": []}]}, "/body/filters/0/values", "at least 1 item"),
        ({"filters": [{"field": "model", "values": ["a\0b"]}]}, "/body/filters/0/values", "NUL character"),
        ({"filters": [{"field": "model", "values": [1]}]}, "/body/filters/0/values/0", "valid string"),
        ({"price": "1"}, "/body/price", "not permitted"),
    ],
)
async def test_a_meter_that_makes_no_sense_is_refused_by_the_name_of_its_field(
    operator: Caller, changes: dict[str, object], pointer: str, message: str
) -> None:
    answer = await operator("POST", "meters", json={**CALLS, **changes})

    assert problem(answer) == (422, "malformed_request")
    [mistake] = answer.json()["errors"]
    assert mistake["pointer"] == pointer
    assert message in mistake["message"]
    assert await operator.listed("meters") == []


async def test_values_of_any_script_are_kept_as_they_are(operator: Caller) -> None:
    values = sorted(["", "müller@example.org", "客户", "\u202eevil", "👩\u200d👩\u200d👧", "𝛌" * 256])
    made = await operator.meter(
        name="Zähler \u202e 👩\u200d👩\u200d👧", filters=[{"field": "end_user", "values": values}]
    )

    shown = (await operator("GET", "meters/calls")).json()
    assert (shown["name"], shown["filters"][0]["values"]) == ("Zähler \u202e 👩\u200d👩\u200d👧", values)
    assert shown == made


@pytest.mark.parametrize("code", ["Calls", "a%00", "a b", "a" * 64])
async def test_what_is_no_code_is_no_meters(operator: Caller, code: str) -> None:
    assert problem(await operator("GET", f"meters/{code}")) == (422, "malformed_request")
    assert problem(await operator("GET", "meters/unknown")) == (404, "unknown_meter")
