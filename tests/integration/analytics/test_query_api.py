"""Questions through the analytics API's Lambda handler, and rollups through theirs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from analytics import api, roller, wiring
from llmo_core.ids import new_id
from llmo_core.loop import run
from tests.integration.analytics.calls import call
from tests.integration.analytics.rolled import Platform

EVENTS = Path(__file__).parents[3] / "events"
AUGUST = {"from": "2026-08-01", "to": "2026-08-31"}


@pytest.fixture(autouse=True)
def wired(lambda_environment: pytest.MonkeyPatch) -> Iterator[None]:  # noqa: ARG001 - the handlers read it
    yield
    run(wiring.close())


def ask(
    org_id: UUID, sample: str, *, body: Any = None, query: dict[str, str] | None = None, permissions: str = "usage:read"
) -> tuple[int, Any]:
    event = json.loads((EVENTS / "AnalyticsApiFunction" / f"{sample}.json").read_text())
    event["requestContext"]["authorizer"] |= {"org_id": str(org_id), "permissions": permissions}
    if body is not None:
        event["body"] = json.dumps(body)
    if query is not None:
        event["queryStringParameters"] = query
        event["multiValueQueryStringParameters"] = {name: [value] for name, value in query.items()}
    response = api.handler(event, None)
    return response["statusCode"], json.loads(response["body"])


@pytest_asyncio.fixture
async def busy(platform: Platform) -> UUID:
    """An organization with three calls on 17 August 2026, of two models."""
    org_id = new_id()
    said = {"cost_usd": "0.25", "latency_ms": 100.0, "output_tokens_per_second": 40.0}
    await platform.record([call(org_id, model=model, **said) for model in ("a", "a", "b")])
    return org_id


def test_a_question_is_answered_by_group_and_step(busy: UUID) -> None:
    status, answer = ask(
        busy,
        "query",
        body={"metrics": ["requests", "cost_usd"], "dimensions": ["model"], "interval": "day", **AUGUST},
    )

    assert status == 200
    assert answer["data"] == [
        {"time": "2026-08-17T00:00:00Z", "group": {"model": "a"}, "values": {"requests": 2, "cost_usd": "0.5"}},
        {"time": "2026-08-17T00:00:00Z", "group": {"model": "b"}, "values": {"requests": 1, "cost_usd": "0.25"}},
    ]
    assert answer["totals"] == {"requests": 3, "cost_usd": "0.75"}
    assert (answer["others"], answer["previous"], answer["approximate"]) == (None, None, {})


def test_the_period_before_comes_with_it_when_it_is_wanted(busy: UUID) -> None:
    body = {"metrics": ["requests"], "from": "2026-08-18", "to": "2026-08-19", "compare": True}

    _, answer = ask(busy, "query", body=body)

    assert answer["totals"] == {"requests": 0}
    assert answer["previous"]["totals"] == {"requests": 3}
    assert answer["previous"]["from"] == "2026-08-17T00:00:00Z"


def test_performance_is_shown_with_how_exact_it_is(busy: UUID) -> None:
    _, answer = ask(busy, "performance", query={"group_by": "model", **AUGUST})

    assert [row["group"] for row in answer["data"]] == [{"model": "a"}, {"model": "b"}]
    assert answer["totals"]["latency_ms_p95"] == pytest.approx(100, rel=0.01)
    assert answer["totals"]["output_tokens_per_second_p50"] == pytest.approx(40, rel=0.01)
    assert answer["totals"]["ttft_ms_p50"] is None
    assert answer["approximate"]["latency_ms_p95"] == "within 1 %"


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"interval": "minute", "from": "2026-01-01", "to": "2026-12-31"}, "the shortest interval is day"),
        ({"from": "2024-01-01", "to": "2026-12-31"}, "At most 366 days"),
        ({"from": "2026-08-18", "to": "2026-08-17"}, "`from` must lie before `to`"),
        ({"time_zone": "Mars/Olympus", **AUGUST}, "There is no time zone"),
    ],
    ids=["a minute's steps of a year", "three years", "backwards", "no time zone"],
)
def test_what_makes_no_sense_is_refused_with_what_would(wish: dict[str, str], said: str) -> None:
    status, problem = ask(new_id(), "query", body={"metrics": ["requests"], **wish})

    assert status == 400
    assert said in problem["detail"]


@pytest.mark.parametrize(
    "wish",
    [
        {"metrics": []},
        {"metrics": ["requests; drop"]},
        {"dimensions": ["model", "project", "key"]},
        {"dimensions": ["$where"]},
        {"dimensions": ["day"]},
        {"dimensions": ["model", "model"]},
        {"filters": [{"dimension": "model", "values": [{"$ne": 1}]}]},
        {"filters": [{"dimension": "org_id", "values": ["x"]}]},
        {"filters": [{"dimension": "model", "values": []}]},
        {"org_id": "01a0f0c2-7b1a-7c52-9d7e-6a2f1f0b9c11"},
        {"limit": 0},
        {"limit": 1001},
        {"limit": True},
        {"from": "0001-01-01T00:00:00Z"},
        {"to": "9999-12-31T00:00:00Z"},
        {"interval": "second"},
        {"compare": 1},
    ],
    ids=json.dumps,
)
def test_what_is_malformed_is_refused(wish: dict[str, Any]) -> None:
    status, _ = ask(new_id(), "query", body={"metrics": ["requests"], **wish})

    assert status == 422


@pytest.mark.parametrize("group_by", ["model,provider,key", "day", "model,hour"])
def test_performance_has_at_most_two_dimensions_and_no_time(group_by: str) -> None:
    status, problem = ask(new_id(), "performance", query={"group_by": group_by})

    assert status == 400
    assert "At most two dimensions" in problem["detail"]


@pytest.mark.parametrize("sample", ["forecast", "performance", "query"])
def test_nobody_asks_without_the_permission(sample: str) -> None:
    assert ask(new_id(), sample, permissions="llm:call")[0] == 403


def test_another_organizations_calls_are_never_counted(busy: UUID) -> None:
    body = {"metrics": ["requests"], "filters": [{"dimension": "project", "values": [str(busy)]}], **AUGUST}

    _, answer = ask(new_id(), "query", body=body)

    assert answer["totals"] == {"requests": 0}


@pytest.mark.parametrize("sample", ["forecast", "performance", "query"])
@pytest.mark.usefixtures("without_store")
def test_without_the_store_the_caller_is_told_to_try_again(sample: str) -> None:
    status, problem = ask(new_id(), sample)

    assert status == 503
    assert problem["type"].endswith("store_unavailable")


class Context:
    """Lambda's, of a function with a minute left."""

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def test_the_schedule_rolls_up_what_is_over(busy: UUID) -> None:
    tick = json.loads((EVENTS / "RollupFunction" / "every-minute.json").read_text())

    done = roller.handler(tick, Context())

    assert done["units"] >= 3
    assert ask(busy, "query", body={"metrics": ["requests"], **AUGUST})[1]["totals"] == {"requests": 3}


def test_the_operator_has_a_range_be_rolled_up_again(busy: UUID) -> None:
    wish = json.loads((EVENTS / "RollupFunction" / "rebuild.json").read_text())
    wish["rebuild"]["org_id"] = str(busy)

    assert roller.handler(wish, Context())["marked"] == 1
