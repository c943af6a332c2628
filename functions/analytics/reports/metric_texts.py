"""How values of metrics are written for people, and what they are as columns."""

from datetime import datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from analytics.querying.models import Interval, Metric, Value

NOTHING: Final = "—"
NOBODY: Final = "(none)"
_RATIOS: Final = {Metric.ERROR_RATE, Metric.CACHE_HIT_RATIO, Metric.SAVED_RATIO}
_FROM_ONE: Final = Decimal(1)
_FROM_HUNDRED: Final = 100


def is_dollars(metric: Metric) -> bool:
    """Whether a metric's values are dollars."""
    return metric.endswith("_usd")


def is_ratio(metric: Metric) -> bool:
    """Whether a metric's values lie in [0, 1]."""
    return metric in _RATIOS


def is_measured(metric: Metric) -> bool:
    """Whether a metric's values are milliseconds or tokens a second: they do not add up, and are no counts."""
    return metric.startswith(("latency_ms", "ttft_ms")) or _is_speed(metric)


def adds_up(metric: Metric) -> bool:
    """Whether the values of groups add up to that of all."""
    averages = {Metric.UNIQUE_USERS, Metric.COST_PER_REQUEST_USD}
    return not (is_ratio(metric) or is_measured(metric) or metric in averages)


def title(metric: Metric) -> str:
    """A metric's name: `Cost`, `Latency p95`."""
    words = metric.value.removesuffix("_usd").replace("_ms_", "_").replace("ttft", "time to first token").split("_")
    return " ".join(words).capitalize()


def unit(metric: Metric) -> str:
    """What a metric is counted in, as an axis says it."""
    if is_dollars(metric):
        return "US dollars"
    if is_ratio(metric):
        return "percent"
    if metric.startswith(("latency_ms", "ttft_ms")):
        return "milliseconds"
    if _is_speed(metric):
        return "tokens a second"
    return "tokens" if metric.endswith("_tokens") else title(metric).lower()


def text(metric: Metric, value: Value) -> str:
    """A value with grouped digits and its unit: `1,204`, `$0.0195`, `12.3 %`, `812 ms`, `48.2 tokens/s`."""
    if value is None:
        return NOTHING
    if is_dollars(metric):
        return _dollars(Decimal(value))
    if is_ratio(metric):
        return f"{value * 100:,.1f} %"
    if is_measured(metric):
        digits = f"{value:,.0f}" if value >= _FROM_HUNDRED else f"{value:,.1f}"
        return f"{digits} {'tokens/s' if _is_speed(metric) else 'ms'}"
    return f"{value:,}"


def time_text(moment: datetime, interval: Interval | None, zone: ZoneInfo) -> str:
    """When a step begins, by the clock of the question's time zone."""
    local = moment.astimezone(zone)
    if interval in {Interval.MINUTE, Interval.HOUR}:
        return f"{local:%Y-%m-%d %H:%M}"
    return f"{local:%Y-%m}" if interval is Interval.MONTH else f"{local:%Y-%m-%d}"


def _is_speed(metric: Metric) -> bool:
    return metric.startswith("output_tokens_per_second")


def _dollars(value: Decimal) -> str:
    """Cents from a dollar up; below, the first four digits that are not zero."""
    if value == 0 or abs(value) >= _FROM_ONE:
        return f"${value:,.2f}"
    places = 3 - value.adjusted()
    return f"${value:.{places}f}"
