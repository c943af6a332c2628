"""Functions have the time that their own limits add up to."""

from analytics.storage import MAX_TIME_MS
from integration.live.service import LONGEST_SECONDS
from local.stack import StackSpec

FINDING_THE_SERVER_MS = 5_000
AGGREGATIONS = 2


def test_a_slow_report_is_refused_before_its_function_is_killed(stack: StackSpec) -> None:
    available = stack.functions["AnalyticsApiFunction"].timeout_seconds * 1000
    assert available > FINDING_THE_SERVER_MS + AGGREGATIONS * MAX_TIME_MS


def test_a_stream_of_calls_ends_before_it_is_cut_off(stack: StackSpec) -> None:
    (route,) = [route for route in stack.routes if route.path == "/api/v1/usage/live"]
    assert route.authorizer
    available = min(stack.functions["LiveFunction"].timeout_seconds, route.timeout_seconds)
    assert available > LONGEST_SECONDS + 20


def test_an_export_of_spans_ends_before_its_function_is_killed(stack: StackSpec) -> None:
    tracing = stack.functions["TracingFunction"]
    assert float(tracing.environment["EXPORT_SECONDS"]) + 5 <= tracing.timeout_seconds
