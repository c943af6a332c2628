"""The analytics API through its Lambda handler."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from analytics import api, wiring
from llmo_core.ids import new_id
from llmo_core.loop import run
from tests.integration.analytics.calls import call
from tests.integration.analytics.rolled import Platform

EVENTS = Path(__file__).parents[3] / "events" / "AnalyticsApiFunction"
TRACKED = [
    *("choose-data-retention", "cohorts", "count-events", "erase-user", "funnel", "list-event-schemas", "list-events"),
    *("publish-event-schema", "retention", "track-event", "track-events"),
]


@pytest.fixture(autouse=True)
def wired(lambda_environment: pytest.MonkeyPatch) -> Iterator[None]:
    lambda_environment.setenv("ANALYTICS_FILES_BUCKET", "llmo-tests-files")
    yield
    run(wiring.close())


@pytest_asyncio.fixture
async def busy(platform: Platform) -> UUID:
    """An organization with three calls on 17 August 2026."""
    org_id = new_id()
    envelopes = [
        call(org_id),
        call(org_id, cache="hit", cost_usd="0", saved_usd="0.0000195", latency_ms=2.0),
        call(org_id, model="gpt-4o", status="error", cost_usd="0", stream=True, ttft_ms=100.0),
    ]
    await platform.record(envelopes)
    return org_id


def ask(org_id: UUID, *, permissions: str = "usage:read", **parameters: str | list[str]) -> tuple[int, Any]:
    event = json.loads((EVENTS / "usage.json").read_text())
    event["requestContext"]["authorizer"] |= {"org_id": str(org_id), "permissions": permissions}
    values = {name: [given] if isinstance(given, str) else given for name, given in parameters.items()}
    event["queryStringParameters"] = {name: several[-1] for name, several in values.items()} or None
    event["multiValueQueryStringParameters"] = values or None
    response = api.handler(event, None)
    return response["statusCode"], json.loads(response["body"])


def test_dimensions_may_be_given_one_by_one_as_clients_made_from_the_document_do(busy: UUID) -> None:
    moments = {"from": "2026-08-17", "to": "2026-08-18"}

    one_by_one = ask(busy, group_by=["model", "day"], **moments)

    assert one_by_one == ask(busy, group_by="model,day", **moments)
    assert one_by_one[1]["group_by"] == ["model", "day"]


def test_usage_is_summed_by_the_dimensions_asked_for(busy: UUID) -> None:
    status, report = ask(busy, group_by="model,day", **{"from": "2026-08-17", "to": "2026-08-18"})

    assert status == 200
    assert (report["from"], report["to"]) == ("2026-08-17T00:00:00Z", "2026-08-18T00:00:00Z")
    assert report["group_by"] == ["model", "day"]
    large, mini = report["data"]
    assert (large["model"], mini["model"], mini["day"]) == ("gpt-4o", "gpt-4o-mini", "2026-08-17")
    assert {name: value for name, value in mini.items() if name != "latency_ms"} == {
        "model": "gpt-4o-mini",
        "day": "2026-08-17",
        "requests": 2,
        "errors": 0,
        "cache_hits": 1,
        "input_tokens": 84,
        "cached_input_tokens": 0,
        "output_tokens": 44,
        "reasoning_tokens": 0,
        "attempts": 2,
        "spared_input_tokens": 0,
        "cost_usd": "0.0000195",
        "saved_usd": "0.0000195",
        "ttft_ms": None,
    }
    assert set(mini["latency_ms"]) == {"p50", "p90", "p95", "p99"}
    assert mini["latency_ms"]["p50"] == pytest.approx(2.0, rel=0.01)
    assert large["ttft_ms"]["p99"] == pytest.approx(100, rel=0.01)
    assert (report["totals"]["requests"], report["totals"]["errors"], report["totals"]["cost_usd"]) == (
        3,
        1,
        "0.0000195",
    )


@pytest.mark.parametrize("parameters", [{}, {"group_by": "none"}])
def test_without_dimensions_there_is_one_row_that_equals_the_totals(busy: UUID, parameters: dict[str, str]) -> None:
    status, report = ask(busy, **parameters, **{"from": "2026-08-17", "to": "2026-08-18"})

    assert status == 200
    assert report["data"] == [report["totals"]]


@pytest.mark.parametrize(
    ("dimension", "member"),
    [("project", "project_id"), ("key", "key_id"), ("hour", "hour"), ("status", "status"), ("cache", "cache")],
)
def test_rows_name_their_group(busy: UUID, dimension: str, member: str) -> None:
    _, report = ask(busy, group_by=dimension, **{"from": "2026-08-17", "to": "2026-08-18"})

    values = [row[member] for row in report["data"]]
    expected = {"hour": ["2026-08-17T10:00:00Z"], "status": ["error", "ok"], "cache": ["hit", "miss"]}
    assert values == expected.get(dimension, [str(busy)])


def test_filters_narrow_the_report(busy: UUID) -> None:
    _, of_model = ask(busy, model="gpt-4o", **{"from": "2026-08-17", "to": "2026-08-18"})
    _, of_key = ask(busy, key_id=str(new_id()), **{"from": "2026-08-17", "to": "2026-08-18"})

    assert of_model["totals"]["requests"] == 1
    assert of_key["totals"]["requests"] == 0
    assert of_key["totals"]["latency_ms"] is None


def test_a_report_covers_the_last_thirty_days_unless_asked_otherwise() -> None:
    before = datetime.now(UTC)

    status, report = ask(new_id(), group_by="model,day")

    start, end = (datetime.fromisoformat(report[name]) for name in ("from", "to"))
    assert status == 200
    assert end - start == timedelta(days=30)
    assert before <= end <= datetime.now(UTC)
    assert report["data"] == []


def test_another_organizations_usage_is_not_shown(busy: UUID) -> None:
    _, report = ask(new_id(), project_id=str(busy), **{"from": "2026-08-17", "to": "2026-08-18"})

    assert report["totals"]["requests"] == 0


def test_an_unknown_dimension_is_refused_and_the_allowed_ones_named() -> None:
    status, problem = ask(new_id(), group_by="model,$where")

    assert status == 422
    for name in ("model", "project", "key", "day", "hour", "status", "cache", "endpoint"):
        assert f"'{name}'" in problem["detail"]


@pytest.mark.parametrize(
    "parameters",
    [{"grup_by": "model"}, {"from": "yesterday"}, {"from": "2026-08-17T00:00:00"}, {"project_id": "x"}],
)
def test_a_malformed_parameter_is_named(parameters: dict[str, str]) -> None:
    status, problem = ask(new_id(), **parameters)

    assert status == 422
    assert next(iter(parameters)) in problem["detail"]


@pytest.mark.parametrize(
    ("start", "end", "problem"),
    [("2026-08-18", "2026-08-17", "empty_range"), ("2025-08-16", "2026-08-18", "range_too_long")],
)
def test_a_range_that_makes_no_sense_is_refused(start: str, end: str, problem: str) -> None:
    status, answer = ask(new_id(), **{"from": start, "to": end})

    assert (status, answer["type"]) == (400, f"urn:llmo:problem:{problem}")


def test_usage_needs_its_permission() -> None:
    status, problem = ask(new_id(), permissions="keys:read llm:call")

    assert (status, problem["type"]) == (403, "urn:llmo:problem:missing_permission")


@pytest.mark.usefixtures("without_store")
@pytest.mark.parametrize("sample", [*TRACKED, "usage"])
def test_without_the_store_the_answer_is_503_and_says_when_to_try_again(sample: str) -> None:
    event = json.loads((EVENTS / f"{sample}.json").read_text())

    response = api.handler(event, None)

    assert response["statusCode"] == 503
    assert response["headers"]["content-type"] == "application/problem+json"
    assert int(response["headers"]["retry-after"]) >= 1


@pytest.mark.parametrize("sample", TRACKED)
def test_what_is_tracked_is_kept_through_the_handler(sample: str) -> None:
    event = json.loads((EVENTS / f"{sample}.json").read_text())
    event["requestContext"]["authorizer"]["org_id"] = str(new_id())
    expected = json.loads((EVENTS.parent / "expected.json").read_text())[f"AnalyticsApiFunction/{sample}.json"]

    response = api.handler(event, None)

    assert response["statusCode"] == expected["statusCode"], response["body"]


def test_the_openapi_sample_documents_the_report_without_credentials() -> None:
    response = api.handler(json.loads((EVENTS / "openapi.json").read_text()), None)

    document = json.loads(response["body"])
    parameters = document["paths"]["/api/v1/analytics/usage"]["get"]["parameters"]
    assert response["statusCode"] == 200
    assert {parameter["name"] for parameter in parameters} == {
        "group_by",
        "from",
        "to",
        "model",
        "project_id",
        "key_id",
        "route",
        "end_user",
        "tag",
    }
