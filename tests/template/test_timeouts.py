"""Functions have the time that their own limits add up to."""

from analytics.repository import MAX_TIME_MS
from local.stack import StackSpec

FINDING_THE_SERVER_MS = 5_000
AGGREGATIONS = 2


def test_a_slow_report_is_refused_before_its_function_is_killed(stack: StackSpec) -> None:
    available = stack.functions["AnalyticsApiFunction"].timeout_seconds * 1000
    assert available > FINDING_THE_SERVER_MS + AGGREGATIONS * MAX_TIME_MS
