"""Previews: what a period of a plan would cost, without anything being kept."""

from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from billing.catalogue.examples import PREVIEW
from billing.invoicing.recomputing import recompute
from tests.integration.api_caller import problem
from tests.integration.billing.calling import FEE, Caller, Catalogue, Json, usage, version
from tests.integration.management.clocks import At

SEATS: Json = {"code": "s", "name": "Seats", "basis": "seats", "price": {"kind": "per_unit", "unit_price": "5"}}
PER_CALL = usage({"kind": "per_unit", "unit_price": "0.001"}, included="1000")
VAT = {"code": "vat", "name": "VAT", "percent": "19"}


async def preview(caller: Caller, **body: Any) -> httpx2.Response:
    return await caller("POST", "plans/preview", json=body)


async def shown(caller: Caller, **body: Any) -> Json:
    answer = await preview(caller, **body)
    assert answer.status_code == 200, answer.text
    breakdown: Json = answer.json()
    recomputed = recompute(breakdown)
    assert (recomputed.subtotal, recomputed.total, recomputed.amount_due) == (
        breakdown["subtotal"],
        breakdown["total"],
        breakdown["amount_due"],
    )
    return breakdown


async def test_a_version_that_is_thought_of_is_priced_line_by_line(reader: Caller) -> None:
    made = await shown(
        reader,
        version=version(FEE, SEATS, PER_CALL),
        seats="3",
        quantities={"calls": "1234567.5"},
        starts_on="2027-01-31",
        time_zone="Europe/Berlin",
        taxation={"rates": [VAT]},
    )

    assert [(line["kind"], line["code"], line["amount"]) for line in made["lines"]] == [
        ("advance", "base", 2000),
        ("advance", "s", 1500),
        ("usage", "usage", 123357),  # 1233.5675 dollars
    ]
    [component] = made["lines"][2]["components"]
    assert (component["units"], component["unit_price"], component["amount"]) == ("1233567.5", "0.001", "1233.5675")
    assert (made["subtotal"], made["total"], made["amount_due"]) == (126857, 150960, 150960)
    assert {line["period"]["start"] for line in made["lines"]} == {"2027-01-30T23:00:00Z"}
    assert {line["period"]["end"] for line in made["lines"]} == {"2027-02-27T23:00:00Z"}


async def test_the_example_of_the_document_is_answered(reader: Caller) -> None:
    made = await shown(reader, **PREVIEW)
    # 1M x 0.000002 + 9M x 0.0000015 + 1 + 2.5M x 0.000001
    assert (made["subtotal"], made["total"]) == (1900, 2261)


async def test_a_plans_versions_are_priced_by_number_and_the_newest_without(operator: Caller, reader: Caller) -> None:
    plan = await operator.plan(offered=True)
    dearer = {**FEE, "price": {"kind": "flat", "amount": "30"}}
    await operator.made(f"plans/{plan['id']}/versions", **version(dearer))

    assert (await shown(reader, plan_id=plan["id"]))["total"] == 3000
    assert (await shown(reader, plan_id=plan["id"], number=1))["total"] == 2000
    assert problem(await preview(reader, plan_id=plan["id"], number=3)) == (404, "unknown_version")


async def test_drafts_are_priced_for_the_operator_alone(operator: Caller, reader: Caller) -> None:
    plan = await operator.plan()
    assert (await shown(operator, plan_id=plan["id"]))["total"] == 2000
    assert problem(await preview(reader, plan_id=plan["id"])) == (404, "unknown_plan")


@pytest.mark.parametrize(
    ("time_zone", "start", "end"),
    [
        ("UTC", "2027-01-31T00:00:00Z", "2027-02-28T00:00:00Z"),
        ("Asia/Tokyo", "2027-01-31T15:00:00Z", "2027-02-28T15:00:00Z"),
    ],
)
async def test_a_period_begins_today_unless_it_is_said_when(
    reader: Caller, catalogue: Catalogue, time_zone: str, start: str, end: str
) -> None:
    catalogue.clock = At(datetime(2027, 1, 31, 20, tzinfo=UTC))
    [line] = (await shown(reader, version=version(), time_zone=time_zone))["lines"]
    assert line["period"] == {"start": start, "end": end}


async def test_nothing_is_kept_or_announced(operator: Caller, catalogue: Catalogue) -> None:
    await shown(operator, version=version(PER_CALL), quantities={"calls": "1"})
    assert await operator.listed("plans") == []
    assert await catalogue.announced(operator.org.org_id) == []


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"version": version(PER_CALL)}, 400, "missing_aggregate"),
        ({"version": version(PER_CALL), "quantities": {"calls": str(10**18)}}, 400, "amount_too_large"),
        ({"version": version(PER_CALL), "quantities": {"calls": str(10**18 + 1)}}, 422, "malformed_request"),
        ({"version": version(PER_CALL), "quantities": {"calls": 1.5}}, 422, "malformed_request"),
        ({"version": version(PER_CALL), "quantities": {"calls": "-1"}}, 422, "malformed_request"),
        ({"version": version(), "seats": "NaN"}, 422, "malformed_request"),
        ({}, 422, "malformed_request"),
        ({"version": version(), "number": 1}, 422, "malformed_request"),
        ({"version": version(), "starts_on": "1999-12-31"}, 422, "malformed_request"),
        ({"version": version(), "starts_on": "3000-01-01"}, 422, "malformed_request"),
        ({"version": version(), "time_zone": "Mars/Olympus"}, 422, "malformed_request"),
        ({"version": version(), "taxation": {"rates": [VAT, VAT]}}, 422, "malformed_request"),
    ],
)
async def test_what_cannot_be_priced_is_refused(reader: Caller, body: Json, status: int, kind: str) -> None:
    assert problem(await preview(reader, **body)) == (status, kind)


async def test_whoever_may_not_read_billing_previews_nothing(reader: Caller) -> None:
    other = Caller(reader.org, permissions=frozenset({"usage:read"}))
    assert problem(await preview(other, version=version())) == (403, "missing_permission")
