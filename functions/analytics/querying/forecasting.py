"""What a month will have cost when it is over."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from statistics import mean, stdev
from typing import Final
from uuid import UUID

from analytics.querying.models import Interval, Metric, Question
from analytics.querying.service import Answers
from analytics.querying.steps import end_of_month, start_of_day, start_of_month, zone
from llmo_core.clock import Clock
from llmo_core.model import Model

OBSERVED: Final = timedelta(days=28)
_WEEK: Final = 7
_BAND: Final = Decimal("1.28")  # standard deviations: four of five normally distributed sums lie within
_CENT: Final = Decimal("0.01")
_WIDE: Final = Context(prec=60)


class Forecast(Model):
    """The cost of the calendar month under way.

    Attributes:
        month_to_date: What it has cost until now.
        forecast: What it will have cost; None where no whole day has been observed.
        low: Four of five months like this end above it, or below `high`: 80 % lie between them.
        days_observed: Whole days of the last four weeks, since the first call among them.
    """

    start: datetime
    end: datetime
    month_to_date: Decimal
    forecast: Decimal | None
    low: Decimal | None
    high: Decimal | None
    days_observed: int


class Forecasts:
    """Forecasts what an organization's calls will cost.

    Each day that is left costs what the same day of the week did on average in the last four weeks; with less than a
    week to look at, what a day did. The rest of today is its share of such a day.
    """

    def __init__(self, *, answers: Answers, clock: Clock) -> None:
        self._answers = answers
        self._clock = clock

    async def month(self, org_id: UUID, *, time_zone: str = "UTC") -> Forecast:
        """The month under way. Raises UnknownTimeZone, and what Answers raises."""
        local, now = zone(time_zone), self._clock.now().astimezone(UTC)
        today = start_of_day(now, local)
        start, end = start_of_month(now, local), end_of_month(now, local)
        answer = await self._answers.ask(
            Question(
                org_id=org_id,
                start=min(start, start_of_day(now - OBSERVED, local)),
                end=now + timedelta(milliseconds=1),
                metrics=(Metric.COST_USD,),
                interval=Interval.DAY,
                time_zone=time_zone,
            )
        )
        costs = {row.time: Decimal(row.values[0] or 0) for row in answer.rows if row.time is not None}
        spent = sum((cost for day, cost in costs.items() if day >= start), start=Decimal(0))
        observed = {
            day.astimezone(local).date(): cost
            for day, cost in costs.items()
            if start_of_day(now - OBSERVED, local) <= day < today
        }
        window = start_of_day(now - OBSERVED, local).astimezone(local).date()
        whole = _without_gaps(observed, window, today.astimezone(local).date())
        if not whole:
            nothing = {"forecast": None, "low": None, "high": None}
            return Forecast(start=start, end=end, month_to_date=spent, days_observed=0, **nothing)
        tomorrow = start_of_day(today + timedelta(hours=36), local)
        left_of_today = Decimal((tomorrow - now) / (tomorrow - today))
        days = _days(tomorrow.astimezone(local).date(), end.astimezone(local).date())
        rest = _expected(whole, today.astimezone(local).date()) * left_of_today
        rest += sum((_expected(whole, day) for day in days), start=Decimal(0))
        spread = _spread(whole) * (len(days) + left_of_today).sqrt() * _BAND
        return Forecast(
            start=start,
            end=end,
            month_to_date=spent,
            forecast=(spent + rest).quantize(_CENT, context=_WIDE),
            low=max(spent, spent + rest - spread).quantize(_CENT, context=_WIDE),
            high=(spent + rest + spread).quantize(_CENT, context=_WIDE),
            days_observed=len(whole),
        )


def _without_gaps(observed: Mapping[date, Decimal], window: date, today: date) -> dict[date, Decimal]:
    """Every whole day with calls before it, until yesterday; days without calls cost nothing."""
    if not observed:
        return {}
    first = min(observed)
    whole = first if first == window else first + timedelta(days=1)  # who began that day had no whole one
    return {day: observed.get(day, Decimal(0)) for day in _days(whole, today)}


def _days(first: date, end: date) -> Sequence[date]:
    return [first + timedelta(days=index) for index in range((end - first).days)]


def _expected(whole: Mapping[date, Decimal], day: date) -> Decimal:
    alike = [cost for each, cost in whole.items() if len(whole) < _WEEK or each.weekday() == day.weekday()]
    return mean(alike)


def _spread(whole: Mapping[date, Decimal]) -> Decimal:
    """How far a day's cost lies from what was expected of it, as a standard deviation."""
    off = [cost - _expected(whole, day) for day, cost in whole.items()]
    return stdev(off) if len(off) > 1 else Decimal(0)
