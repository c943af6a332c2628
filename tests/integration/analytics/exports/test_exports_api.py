"""Exports over HTTP, and through the maker's Lambda handler."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx2
import pytest
import pytest_asyncio
from pymongo import MongoClient

from analytics import api, files, wiring
from analytics.exports.models import REMEMBERED, Export, State
from analytics.exports.wiring import export_service
from llmo_auth.principal import ActorType, Permission
from llmo_core.ids import new_id
from llmo_core.loop import run
from tests.integration.analytics.conftest import FILES_BUCKET
from tests.integration.analytics.exports.exporting import Exporting
from tests.integration.api_caller import ApiCaller, problem
from tests.integration.messaging.backbones import aws_client

EVENTS = Path(__file__).parents[4] / "events" / "AnalyticsFilesFunction"
ORDER = {"what": "usage", "format": "csv", "from": "2026-08-17", "to": "2026-08-18"}
KEYED = {"Idempotency-Key": "of-august"}


class Context:
    """Lambda's, with all the time there is."""

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


@pytest_asyncio.fixture
async def call(exporting: Exporting) -> AsyncIterator[ApiCaller]:
    async def service() -> Any:
        return exporting.service

    api.app.dependency_overrides[export_service] = service
    yield ApiCaller(api.app, exporting.principal(), below="/api/v1/analytics")
    api.app.dependency_overrides.clear()


async def ordered(call: ApiCaller, headers: dict[str, str] | None = None, **replaced: Any) -> httpx2.Response:
    return await call("POST", "/exports", json=ORDER | replaced, headers=headers or {})


async def test_an_export_is_asked_for_watched_and_fetched(call: ApiCaller, exporting: Exporting) -> None:
    await exporting.calls(6)

    asked = await ordered(call)
    [event] = exporting.bus.of("export.requested")
    await exporting.worker().advance(UUID(event.data["export_id"]), until=exporting.clock.now() + timedelta(hours=1))
    done = (await call("GET", f"/exports/{asked.json()['id']}")).json()

    assert (asked.status_code, asked.json()["state"], asked.json()["files"]) == (202, "queued", [])
    assert (done["state"], done["rows"], done["estimated_rows"]) == ("done", 6, 6)
    assert [file["name"] for file in done["files"]] == [
        "usage_20260817T0000_20260818T0000.part-00001.csv",
        "usage_20260817T0000_20260818T0000.part-00002.csv",
    ]
    for file in done["files"]:
        link = parse_qs(urlsplit(file["url"]).query)
        assert int(link["X-Amz-Expires"][0]) <= 3600
        assert link["response-content-disposition"] == [f'attachment; filename="{file["name"]}"']
        fetched = await asyncio.to_thread(httpx2.get, file["url"])
        assert len(fetched.content) == file["size"]


async def test_a_repetition_gets_the_first_export_and_another_body_is_refused(
    call: ApiCaller, exporting: Exporting
) -> None:
    first, again = await ordered(call, KEYED), await ordered(call, KEYED)
    other = await ordered(call, KEYED, format="parquet")
    unkeyed = await ordered(call)

    assert first.json()["id"] == again.json()["id"] != unkeyed.json()["id"]
    assert "x-llmo-idempotent-replay" not in first.headers
    assert again.headers["x-llmo-idempotent-replay"] == "true"
    assert problem(other) == (422, "idempotency_key_reused")
    assert len(exporting.bus.of("export.requested")) == 2


async def test_five_exports_may_be_under_way(call: ApiCaller) -> None:
    first = await ordered(call, KEYED)
    for _ in range(4):
        await ordered(call)

    sixth, again = await ordered(call), await ordered(call, KEYED)
    await call("DELETE", f"/exports/{first.json()['id']}")

    assert problem(sixth) == (429, "too_many_exports")
    assert int(sixth.headers["retry-after"]) == 30
    assert again.json()["id"] == first.json()["id"]
    assert (await ordered(call)).status_code == 202


async def test_five_exports_are_under_way_however_many_are_asked_for_at_once(
    call: ApiCaller, exporting: Exporting
) -> None:
    answers = await asyncio.gather(*(ordered(call) for _ in range(12)))

    assert sorted(answer.status_code for answer in answers) == [202] * 5 + [429] * 7
    done = next(answer.json()["id"] for answer in answers if answer.status_code == 202)
    await exporting.finished(await exporting.exports.find(exporting.org_id, UUID(done)))
    assert (await ordered(call)).status_code == 202
    assert (await ordered(call)).status_code == 429


async def test_an_export_is_cancelled_once_and_not_when_it_is_over(call: ApiCaller, exporting: Exporting) -> None:
    cancelled = (await ordered(call)).json()
    done = await exporting.finished(await exporting.request())

    answers = [await call("DELETE", f"/exports/{cancelled['id']}") for _ in range(2)]
    over = await call("DELETE", f"/exports/{done.id}")

    assert [answer.json()["state"] for answer in answers] == ["cancelled", "cancelled"]
    assert problem(over) == (409, "export_is_over")


async def test_files_are_gone_after_a_week_and_the_list_still_tells_who_had_them(
    call: ApiCaller, exporting: Exporting
) -> None:
    done = await exporting.finished(await exporting.request())
    exporting.clock.advance(days=7)

    shown = (await call("GET", f"/exports/{done.id}")).json()
    [listed] = (await call("GET", "/exports")).json()["data"]

    assert (shown["state"], shown["files"]) == ("expired", [])
    assert (listed["requested_by"], listed["requested_by_type"]) == (str(exporting.org_id), "user")
    kept = await exporting.database["exports"].find_one({"_id": done.id})
    assert kept is not None
    assert kept["forgotten_at"] == done.created_at + REMEMBERED


async def test_exports_are_listed_the_latest_first_page_by_page(call: ApiCaller, exporting: Exporting) -> None:
    made: list[Export] = []
    for number in range(5):
        exporting.clock.advance(seconds=number % 2)
        made.append(await exporting.finished(await exporting.request()))

    pages: list[list[str]] = []
    cursor = None
    while cursor is not None or not pages:
        page = (await call("GET", "/exports", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
        pages.append([export["id"] for export in page["data"]])
        cursor = page["next_cursor"]

    shown = [export for page in pages for export in page]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert shown == [str(export.id) for export in sorted(made, key=lambda each: (each.created_at, each.id))][::-1]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_nobody_sees_or_stops_an_export_of_another_organization(
    call: ApiCaller, exporting: Exporting, method: str
) -> None:
    other = Exporting(exporting.database, exporting.bucket, exporting.client)
    export = await other.request()

    answer = await call(method, f"/exports/{export.id}")

    assert problem(answer) == (404, "no_such_export")
    assert (await call("GET", "/exports")).json()["data"] == []
    assert (await other.found(export)).state is State.QUEUED


ROUTES = ["DELETE /exports/{export_id}", "GET /exports", "GET /exports/{export_id}", "POST /exports"]


@pytest.mark.parametrize("route", ROUTES)
async def test_every_route_needs_the_permission_to_read_usage(call: ApiCaller, route: str) -> None:
    call.principal = call.principal.model_copy(update={"permissions": frozenset(Permission) - {Permission.USAGE_READ}})
    method, path = route.replace("{export_id}", str(new_id())).split()

    answer = await call(method, path, json=ORDER)

    assert problem(answer) == (403, "missing_permission")


@pytest.mark.parametrize(
    ("replaced", "refusal"),
    [
        ({"from": "2026-08-18"}, (400, "empty_range")),
        ({"from": "2025-08-16"}, (400, "range_too_long")),
        ({"filters": {"name": "signed_up"}}, (400, "no_such_criterion")),
        ({"what": "events", "filters": {"model": "gpt-4o"}}, (400, "no_such_criterion")),
        ({"filters": {"$where": "1"}}, (422, "malformed_request")),
        ({"filters": {"model": {"$ne": ""}}}, (422, "malformed_request")),
        ({"filters": {"model": "\ud800"}}, (422, "malformed_request")),
        ({"format": "xlsx"}, (422, "malformed_request")),
        ({"from": "0001-01-01T00:00:00Z"}, (422, "malformed_request")),
        ({"to": "9999-12-31T23:59:59-12:00"}, (422, "malformed_request")),
        ({"from": None}, (422, "malformed_request")),
    ],
)
async def test_an_order_that_makes_no_sense_is_refused(
    call: ApiCaller, replaced: dict[str, Any], refusal: tuple[int, str]
) -> None:
    body = json.dumps(ORDER | replaced).encode()

    answer = await call("POST", "/exports", content=body, headers={"content-type": "application/json"})

    assert problem(answer) == refusal


async def test_a_key_is_told_apart_from_a_user(call: ApiCaller, exporting: Exporting) -> None:
    call.principal = exporting.principal(ActorType.API_KEY)

    assert (await ordered(call)).json()["requested_by_type"] == "api_key"


@pytest.fixture
def maker(lambda_environment: pytest.MonkeyPatch, moto_url: str, s3: Any) -> Iterator[pytest.MonkeyPatch]:  # noqa: ARG001
    dead = aws_client("sqs", moto_url).create_queue(QueueName=f"dead-{new_id().hex}")["QueueUrl"]
    for name, value in {
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL_SQS": moto_url,
        "AWS_ENDPOINT_URL_S3": moto_url,
        "DEAD_LETTER_QUEUE_URL": dead,
        "ANALYTICS_FILES_BUCKET": FILES_BUCKET,
    }.items():
        lambda_environment.setenv(name, value)
    yield lambda_environment
    run(wiring.close())


@pytest.mark.usefixtures("maker")
def test_the_samples_wake_the_maker_and_so_does_the_schedule(mongodb_uri: str, mongodb_database: str) -> None:
    with MongoClient[dict[str, Any]](mongodb_uri) as client:  # what other tests left is none of this one's
        for collection in ("exports", "reports", "report_runs"):
            client[mongodb_database][collection].delete_many({})
    samples = ("export-requested", "member-removed", "run-requested")
    woken = [files.handler(json.loads((EVENTS / f"{name}.json").read_text()), Context()) for name in samples]
    ticked = files.handler(json.loads((EVENTS / "every-minute.json").read_text()), Context())

    assert woken == [{"batchItemFailures": []}] * 3
    assert ticked == {"files": 0}


@pytest.mark.usefixtures("maker", "without_store")
def test_without_the_store_the_message_stays_on_the_queue() -> None:
    sample = json.loads((EVENTS / "export-requested.json").read_text())

    answer = files.handler(sample, Context())

    assert answer == {"batchItemFailures": [{"itemIdentifier": sample["Records"][0]["messageId"]}]}


@pytest.mark.usefixtures("maker", "without_store")
def test_without_the_store_asking_is_answered_with_503_and_when_to_try_again() -> None:
    event = json.loads((EVENTS.parent / "AnalyticsApiFunction" / "export.json").read_text())

    response = api.handler(event, None)

    assert response["statusCode"] == 503
    assert int(response["headers"]["retry-after"]) >= 1
