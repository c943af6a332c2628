"""Questions about LLM calls: time series, breakdowns, comparisons, and what a month will cost."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Query
from pydantic import ConfigDict, Field, ValidationError

from analytics.querying import wiring
from analytics.querying.forecasting import Forecast, Forecasts
from analytics.querying.schemas import AnswerOut, PerformanceParameters, QueryIn, Text
from analytics.querying.service import Answers
from llmo_auth.guard import Allowed
from llmo_auth.principal import Permission, Principal
from llmo_core.clock import Clock
from llmo_core.errors import Invalid
from llmo_core.model import Model
from llmo_core.money import Usd

router = APIRouter(prefix="/api/v1/analytics")

type Asked = Annotated[Answers, Depends(wiring.answers)]
type Forecasting = Annotated[Forecasts, Depends(wiring.forecasts)]
type Now = Annotated[Clock, Depends(wiring.clock)]
type UsageReader = Annotated[Principal, Depends(Allowed(Permission.USAGE_READ))]


class TooManyDimensions(Invalid):
    """At most two dimensions are combined, and none of them is a time: `interval` is for that."""


class ForecastParameters(Model):
    """Which month."""

    time_zone: Text = Field("UTC", description="IANA's name; where the month begins.", examples=["Europe/Berlin"])


class ForecastOut(Model):
    """The cost of the calendar month under way, in US dollars.

    Four of five months like this end between `low` and `high`. Where no whole day was observed there is no forecast.
    """

    model_config = ConfigDict(populate_by_name=True)

    from_: datetime = Field(alias="from")
    to: datetime
    month_to_date_usd: Usd
    forecast_usd: Usd | None
    low_usd: Usd | None
    high_usd: Usd | None
    days_observed: int

    @classmethod
    def of(cls, forecast: Forecast) -> Self:
        """Show a forecast."""
        return cls(
            from_=forecast.start,
            to=forecast.end,
            month_to_date_usd=forecast.month_to_date,
            forecast_usd=forecast.forecast,
            low_usd=forecast.low,
            high_usd=forecast.high,
            days_observed=forecast.days_observed,
        )


@router.post("/query")
async def query(body: QueryIn, principal: UsageReader, answers: Asked, clock: Now) -> AnswerOut:
    """Sum up the organization's LLM calls: any metrics, by at most two dimensions, as a time series or in all.

    With `compare` the period before is summed up too: as many months before whole months, as many days before whole
    days, else as long a time. What combines `end_user` with another dimension, or counts unique users of a part, is
    answered for as long as single calls are kept.
    """
    question = body.question(principal.org_id, now=clock.now())
    if body.compare:
        return AnswerOut.of(*await answers.compare(question))
    return AnswerOut.of(await answers.ask(question))


@router.get("/performance")
async def performance(
    parameters: Annotated[PerformanceParameters, Query()], principal: UsageReader, answers: Asked, clock: Now
) -> AnswerOut:
    """How fast and how reliable calls were: latency, time to first token and speed with their percentiles, errors."""
    try:
        wish = parameters.query()
    except ValidationError as error:
        raise TooManyDimensions from error
    return AnswerOut.of(await answers.ask(wish.question(principal.org_id, now=clock.now())))


@router.get("/forecast")
async def forecast(
    parameters: Annotated[ForecastParameters, Query()], principal: UsageReader, forecasts: Forecasting
) -> ForecastOut:
    """What the calendar month under way has cost, and will have cost when it is over.

    Each day that is left is expected to cost what the same day of the week did on average in the last four weeks.
    """
    return ForecastOut.of(await forecasts.month(principal.org_id, time_zone=parameters.time_zone))
