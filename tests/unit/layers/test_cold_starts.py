"""Each process counts its cold start once, in words that CloudWatch understands."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from llmo_core.cold_starts import ColdStarts, Counting, CountingApp, line

LAMBDA = {"AWS_LAMBDA_FUNCTION_NAME": "llmo-dev-GatewayFunction-A1B2C3D4E5F6"}


def counting(environment: Mapping[str, str]) -> tuple[ColdStarts, list[str]]:
    lines: list[str] = []
    return ColdStarts(write=lines.append, now=lambda: 1_787_048_130.5, environment=environment), lines


def handle(event: str, context: object) -> str:
    """Answer."""
    return f"{event} {context}"


def test_the_first_event_of_a_process_counts_and_no_other_does() -> None:
    cold_starts, lines = counting(LAMBDA)
    handler = Counting(handle, cold_starts=cold_starts)

    assert [handler("a", 1), handler("b", 2)] == ["a 1", "b 2"]

    assert lines == [line("llmo-dev-GatewayFunction-A1B2C3D4E5F6", 1_787_048_130.5)]
    assert handler.__doc__ == "Answer."


def test_it_counts_before_a_handler_that_fails() -> None:
    cold_starts, lines = counting(LAMBDA)

    def broken(_event: str, _context: object) -> str:
        raise KeyError

    with pytest.raises(KeyError):
        Counting(broken, cold_starts=cold_starts)("a", None)

    assert len(lines) == 1


def test_the_line_is_a_metric_of_the_function_by_its_name_alone() -> None:
    said: dict[str, Any] = json.loads(line("f", 1_787_048_130.5))

    (directive,) = said["_aws"]["CloudWatchMetrics"]
    assert said["_aws"]["Timestamp"] == 1_787_048_130_500
    assert directive == {
        "Namespace": "LLMOptimizer",
        "Dimensions": [["FunctionName"]],
        "Metrics": [{"Name": "ColdStart", "Unit": "Count"}],
    }
    assert (said["FunctionName"], said["ColdStart"]) == ("f", 1)


def test_processes_that_were_started_ahead_are_not_cold() -> None:
    cold_starts, lines = counting({**LAMBDA, "AWS_LAMBDA_INITIALIZATION_TYPE": "provisioned-concurrency"})

    cold_starts.count()

    assert lines == []


def test_outside_of_lambda_nothing_is_counted() -> None:
    cold_starts, lines = counting({})

    cold_starts.count()

    assert lines == []


async def test_a_server_behind_the_web_adapter_counts_with_its_first_request() -> None:
    cold_starts, lines = counting(LAMBDA)
    served: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001 - ASGI's
        served.append(scope["type"])

    server = CountingApp(app, cold_starts=cold_starts)
    await server({"type": "lifespan"}, None, None)
    assert lines == []

    for _ in range(2):
        await server({"type": "http"}, None, None)

    assert (served, len(lines)) == (["lifespan", "http", "http"], 1)
