"""Functions have the time that their own limits add up to."""

from analytics.data_retention.applying import AT_ONCE
from analytics.deadlines import ANSWER_SECONDS
from integration.live.service import LONGEST_SECONDS
from local.stack import StackSpec

FINDING_THE_SERVER = 5


def test_a_slow_answer_is_refused_before_its_function_is_killed(stack: StackSpec) -> None:
    available = stack.functions["AnalyticsApiFunction"].timeout_seconds
    assert available > FINDING_THE_SERVER + ANSWER_SECONDS


def test_whoever_applies_a_retention_stops_in_time(stack: StackSpec) -> None:
    for function in ("AnalyticsApiFunction", "AnalyticsConsumerFunction"):
        assert stack.functions[function].timeout_seconds > FINDING_THE_SERVER + 2 * AT_ONCE.total_seconds()


def test_a_stream_of_calls_ends_before_it_is_cut_off(stack: StackSpec) -> None:
    (route,) = [route for route in stack.routes if route.path == "/api/v1/usage/live"]
    assert route.authorizer
    available = min(stack.functions["LiveFunction"].timeout_seconds, route.timeout_seconds)
    assert available > LONGEST_SECONDS + 20


def test_an_export_of_spans_ends_before_its_function_is_killed(stack: StackSpec) -> None:
    tracing = stack.functions["TracingFunction"]
    assert float(tracing.environment["EXPORT_SECONDS"]) + 5 <= tracing.timeout_seconds
