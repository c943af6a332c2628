"""The operator sees what the platform's functions and queues did, out of a CloudWatch that has others' too."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import boto3
import pytest

from analytics import api, wiring
from analytics.platform import cloudwatch
from llmo_core.ids import new_id
from llmo_core.loop import run
from local.metrics.meter import Meter
from local.metrics.publishing import MetricsPublisher
from tests.clocks import MovableClock

EVENTS = Path(__file__).parents[3] / "events" / "AnalyticsApiFunction"
STACK = f"llmo-t{new_id().hex[-8:]}"


class Clock(MovableClock):
    """Waits for nobody."""

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds=seconds)


@pytest.fixture
def operator(lambda_environment: pytest.MonkeyPatch, moto_url: str) -> Iterator[UUID]:
    """The organization that operates a stack whose metrics the stand-in has."""
    org_id = new_id()
    lambda_environment.setenv("OPERATOR_ORG_ID", str(org_id))
    lambda_environment.setenv("STAGE", STACK.removeprefix("llmo-"))
    lambda_environment.setenv("AWS_ENDPOINT_URL", moto_url)
    lambda_environment.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    cloudwatch._cloudwatch.cache_clear()  # it was made for another endpoint
    yield org_id
    cloudwatch._cloudwatch.cache_clear()
    run(wiring.close())


def ask(org_id: UUID, **query: str) -> tuple[int, Any]:
    event = json.loads((EVENTS / "platform.json").read_text())
    event["requestContext"]["authorizer"] |= {"org_id": str(org_id), "permissions": "usage:read"}
    event["queryStringParameters"] = query or None
    event["multiValueQueryStringParameters"] = {name: [value] for name, value in query.items()} or None
    response = api.handler(event, None)
    return response["statusCode"], json.loads(response["body"])


def put(moto_url: str, namespace: str, metric: str, dimension: str, name: str, *values: float) -> None:
    client = boto3.client(
        "cloudwatch",
        endpoint_url=moto_url,
        region_name="eu-west-1",
        aws_access_key_id="AKIA",
        aws_secret_access_key="x",
    )
    datum = {"MetricName": metric, "Dimensions": [{"Name": dimension, "Value": name}], "Values": list(values)}
    client.put_metric_data(Namespace=namespace, MetricData=[datum])


async def publish(moto_url: str, log: Path, meter: Meter) -> None:
    publisher = MetricsPublisher(
        meter,
        {"GatewayFunction": log},
        names={"GatewayFunction": f"{STACK}-integration-gateway"},
        endpoint_url=moto_url,
        clock=Clock(datetime.now(UTC)),
    )
    about = {"Namespace": "LLMOptimizer", "Dimensions": [["FunctionName"]], "Metrics": [{"Name": "ColdStart"}]}
    said = {"Timestamp": round(datetime.now(UTC).timestamp() * 1000), "CloudWatchMetrics": [about]}
    line = json.dumps({"_aws": said, "FunctionName": "GatewayFunction", "ColdStart": 1})
    await asyncio.to_thread(log.write_text, line + "\n")
    await publisher.publish()


def test_what_the_laptop_counted_is_shown_to_the_operator(operator: UUID, moto_url: str, tmp_path: Path) -> None:
    meter = Meter()
    for milliseconds in range(1, 101):
        meter.record("GatewayFunction", milliseconds / 1000, failed=milliseconds > 98)
    run(publish(moto_url, tmp_path / "gateway.log", meter))
    put(moto_url, "AWS/Lambda", "Invocations", "FunctionName", "llmo-other-integration-gateway", 1)
    put(moto_url, "AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", f"{STACK}-email", 3)
    put(moto_url, "AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", f"{STACK}-email", 12.5)
    put(moto_url, "AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", f"{STACK}-email-dead", 2)

    status, shown = ask(operator)

    assert status == 200, shown
    (function,) = shown["functions"]
    assert function["name"] == "integration-gateway"
    assert function["totals"] == {
        "invocations": 100,
        "errors": 2,
        "throttles": 0,
        "cold_starts": 1,
        "duration_ms": {"average": 50.5, "p50": 50, "p95": 95, "p99": 99},
    }
    assert sum(step["invocations"] for step in function["series"]) == 100
    email, dead = shown["queues"]
    assert (email["name"], email["dead_letters"]) == ("email", False)
    assert email["totals"] == {"oldest_seconds": 12.5, "waiting": 3}
    assert (dead["name"], dead["dead_letters"], dead["totals"]["waiting"]) == ("email-dead", True, 2)
    assert shown["totals"] == {
        "invocations": 100,
        "errors": 2,
        "throttles": 0,
        "cold_starts": 1,
        "dead_letters": 2,
        "oldest_seconds": 12.5,
    }
    assert (shown["interval"], shown["complete"]) == ("minute", True)


def test_nobody_but_the_operator_is_shown_anything(operator: UUID) -> None:
    status, problem = ask(new_id())

    assert (status, problem["type"]) == (403, "urn:llmo:problem:not_the_operator")
    assert ask(operator)[0] == 200


@pytest.mark.usefixtures("operator")
def test_where_nobody_operates_the_platform_nobody_is_shown_anything(lambda_environment: pytest.MonkeyPatch) -> None:
    lambda_environment.setenv("OPERATOR_ORG_ID", "")

    assert ask(new_id())[0] == 403


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"interval": "week"}, 422),
        ({"start": "2026-08-17"}, 422),
        ({"from": "yesterday"}, 422),
        ({"from": "2020-01-01", "to": "2020-01-02"}, 400),
        ({"from": "2020-01-02", "to": "2020-01-01"}, 400),
    ],
)
def test_what_makes_no_sense_is_refused(operator: UUID, query: dict[str, str], status: int) -> None:
    assert ask(operator, **query)[0] == status


def test_a_month_is_shown_by_days(operator: UUID) -> None:
    end = datetime.now(UTC)

    status, shown = ask(operator, **{"from": (end - timedelta(days=30)).isoformat(), "to": end.isoformat()})

    assert (status, shown["interval"]) == (200, "day")


def test_without_cloudwatch_the_caller_is_told_when_to_come_back(
    operator: UUID, lambda_environment: pytest.MonkeyPatch
) -> None:
    lambda_environment.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    event = json.loads((EVENTS / "platform.json").read_text())
    event["requestContext"]["authorizer"]["org_id"] = str(operator)

    response = api.handler(event, None)

    assert (response["statusCode"], response["headers"]["retry-after"]) == (503, "30")


def test_a_stand_in_that_does_not_answer_costs_metrics_and_nothing_else(tmp_path: Path) -> None:
    meter = Meter()
    meter.record("GatewayFunction", 1, failed=False)

    run(publish("http://127.0.0.1:9", tmp_path / "gateway.log", meter))

    assert meter.take() == {}
