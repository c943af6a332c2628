"""Answers equal a plain recomputation from the calls, however these arrived and whatever is rolled up."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import ceil
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo.asynchronous.database import AsyncDatabase

from analytics.models import Gap
from analytics.querying.forecasting import Forecasts
from analytics.querying.models import Answer, Filter, Interval, Metric, Order, Question
from analytics.querying.rolled_usage import RolledUsage
from analytics.querying.service import Answers
from analytics.querying.steps import steps
from analytics.rollups.folding import MOST_GROUPS
from analytics.rollups.models import ROLLED, Granularity
from analytics.rollups.reading import Reading
from analytics.usage.models import Dimension, UsageQuery, UsageRecorded
from analytics.usage.repository import MongoUsageStore
from analytics.usage.service import UsageReports
from llmo_core.ids import new_id
from llmo_data.mongo import Document
from tests.integration.analytics.calls import call, delivered
from tests.integration.analytics.rolled import Platform
from tests.integration.analytics.test_numbers import DAY, VALUE_OF, calls

ZONES = ["America/New_York", "Asia/Kathmandu", "UTC"]
EXACT = (Metric.REQUESTS, Metric.ERRORS, Metric.TOTAL_TOKENS, Metric.COST_USD, Metric.SAVED_USD, Metric.ERROR_RATE)

questions = st.builds(
    Question,
    org_id=st.just(UUID(int=0)),
    start=st.integers(-4 * 1440, 0).map(lambda minutes: DAY + timedelta(minutes=minutes, seconds=17)),
    end=st.integers(1, 4 * 1440).map(lambda minutes: DAY + timedelta(minutes=minutes)),
    metrics=st.just((*EXACT, Metric.UNIQUE_USERS, Metric.LATENCY_P95)),
    dimensions=st.lists(st.sampled_from([*ROLLED, Dimension.END_USER]), unique=True, max_size=2).map(tuple),
    filters=st.just(())
    | st.just((Filter(dimension=Dimension.MODEL, values=("gpt-4o", "")),))
    | st.just((Filter(dimension=Dimension.VARIANT, values=(None, "A")),)),
    interval=st.sampled_from([None, Interval.HOUR, Interval.DAY, Interval.WEEK, Interval.MONTH]),
    time_zone=st.sampled_from(ZONES),
)


def text(event: UsageRecorded, dimension: Dimension) -> str | None:
    value = VALUE_OF[dimension](event)
    return None if value is None else str(value)


def expected(events: Sequence[UsageRecorded], question: Question) -> dict[Any, list[UsageRecorded]]:
    zone = ZoneInfo(question.time_zone)
    series = steps(question.start, question.end, question.interval, zone) if question.interval else []
    groups: dict[Any, list[UsageRecorded]] = {}
    for event in events:
        wanted = all(text(event, each.dimension) in each.values for each in question.filters)
        if wanted and question.start <= event.started_at < question.end:
            at = next((step.label for step in series if step.start <= event.started_at < step.end), None)
            groups.setdefault((at, tuple(text(event, each) for each in question.dimensions)), []).append(event)
    return groups


def values_of(events: Sequence[UsageRecorded]) -> tuple[Any, ...]:
    errors = sum(event.failed for event in events)
    latencies = sorted(event.latency_ms for event in events)
    return (
        len(events),
        errors,
        sum(event.input_tokens + event.output_tokens for event in events),
        sum((event.cost_usd for event in events), start=Decimal(0)),
        sum((event.saved_usd for event in events), start=Decimal(0)),
        round(errors / len(events), 6) if events else None,
        len({event.end_user for event in events} - {None}),
        pytest.approx(latencies[ceil(0.95 * len(latencies)) - 1], rel=0.0101, abs=0.001) if events else None,
    )


def assert_answers(answer: Answer, events: Sequence[UsageRecorded]) -> None:
    groups = expected(events, answer.question)
    assert {(row.time, row.group): row.values for row in answer.rows} == {
        place: values_of(those) for place, those in groups.items()
    }
    assert answer.totals == values_of([event for those in groups.values() for event in those])


@settings(max_examples=40)
@given(data=st.data())
async def test_answers_equal_a_recomputation(mongodb: AsyncDatabase[Document], data: st.DataObject) -> None:
    platform, org_id = Platform(mongodb), new_id()
    envelopes = [call(org_id, **said) for said in data.draw(st.lists(calls, max_size=15))]
    moments = sorted(data.draw(st.tuples(*[st.integers(-3 * 86_400, 4 * 86_400)] * 2)))
    for moment, arriving in zip(moments, (envelopes[:6], envelopes[6:] + envelopes[:2]), strict=True):
        platform.clock.moment = DAY + timedelta(seconds=moment)
        await platform.record(data.draw(st.permutations(arriving)))
        if data.draw(st.booleans()):
            await platform.roll()

    question = data.draw(questions).model_copy(update={"org_id": org_id})

    assert_answers(await platform.answers.ask(question), [delivered(each).event for each in envelopes])


@pytest.fixture
def asked() -> Question:
    return Question(
        org_id=new_id(),
        start=DAY,
        end=DAY + timedelta(days=1),
        metrics=(Metric.REQUESTS, Metric.COST_USD),
        dimensions=(Dimension.MODEL,),
    )


async def test_the_top_groups_come_first_and_the_others_are_summed_up(platform: Platform, asked: Question) -> None:
    costs = {"cheap": "1", "dear": "30", "middling": "5", "free": "0"}
    await platform.record([call(asked.org_id, model=model, cost_usd=cost) for model, cost in costs.items()])

    answer = await platform.answers.ask(asked.model_copy(update={"order": Order(metric=Metric.COST_USD), "limit": 2}))

    assert [row.group for row in answer.rows] == [("dear",), ("middling",)]
    assert answer.others == (2, Decimal(1))
    assert answer.totals == (4, Decimal(36))


async def test_a_period_is_compared_with_the_one_before(platform: Platform, asked: Question) -> None:
    yesterday = (DAY - timedelta(hours=3)).isoformat()
    await platform.record([call(asked.org_id, started_at=yesterday), call(asked.org_id), call(asked.org_id)])

    now, before = await platform.answers.compare(asked)

    assert (now.totals[0], before.totals[0]) == (2, 1)
    assert before.question.end == now.question.start


async def test_a_month_is_forecast_from_the_same_days_of_past_weeks(platform: Platform) -> None:
    org_id = new_id()
    platform.clock.moment = datetime(2026, 8, 17, 12, tzinfo=UTC)  # a Monday
    start = datetime(2026, 7, 20, 12, tzinfo=UTC)
    costs = {day: 70 if (start + timedelta(days=day)).weekday() < 5 else 7 for day in range(28)}
    await platform.record(
        [
            call(org_id, cost_usd=str(cost), started_at=(start + timedelta(days=day)).isoformat())
            for day, cost in costs.items()
        ]
    )

    forecast = await Forecasts(answers=platform.answers, clock=platform.clock).month(org_id)

    month_to_date = sum(cost for day, cost in costs.items() if (start + timedelta(days=day)).month == 8)
    rest = 35 + sum(70 if datetime(2026, 8, day, tzinfo=UTC).weekday() < 5 else 7 for day in range(18, 32))
    assert forecast.month_to_date == month_to_date
    assert forecast.forecast == forecast.low == forecast.high == month_to_date + rest
    assert forecast.days_observed == 28


async def test_without_a_whole_day_nothing_is_forecast(platform: Platform) -> None:
    org_id = new_id()
    platform.clock.moment = datetime(2026, 8, 17, 12, tzinfo=UTC)
    await platform.record([call(org_id, cost_usd="5")])

    forecast = await Forecasts(answers=platform.answers, clock=platform.clock).month(org_id)

    assert (forecast.month_to_date, forecast.forecast, forecast.days_observed) == (Decimal(5), None, 0)


async def test_an_answer_from_calls_that_may_be_gone_says_so(mongodb: AsyncDatabase[Document], asked: Question) -> None:
    platform = Platform(mongodb)
    reading = Reading(
        calls=platform.calls,
        marks=platform.marks,
        rollups=platform.rollups,
        clock=platform.clock,
        calls_kept=timedelta(days=90),
    )
    await platform.record([call(asked.org_id, end_user="ada")])
    end = platform.clock.now()
    by_person = {"dimensions": (Dimension.MODEL, Dimension.END_USER), "end": end}

    def question(days: int, **more: Any) -> Question:
        return asked.model_copy(update={"start": end - timedelta(days=days), "end": end, **more})

    answers = Answers(reading=reading)
    assert (await answers.ask(question(91, **by_person))).gaps == {Gap.CALLS_EXPIRED}
    assert (await answers.ask(question(90, **by_person))).gaps == set()
    assert (await answers.ask(question(366))).gaps == set()


async def test_an_answer_that_filters_what_is_folded_says_so(platform: Platform, asked: Question) -> None:
    most = MOST_GROUPS[Granularity.MINUTE]
    await platform.record(
        [call(asked.org_id, model=f"m-{number % 3}", route=f"r-{number}") for number in range(most + 50)]
    )
    rare = (
        Filter(dimension=Dimension.ROUTE, values=(f"r-{most + 49}",)),
        Filter(dimension=Dimension.CACHE, values=("miss",)),
    )
    known = (Filter(dimension=Dimension.MODEL, values=("m-1",)),)
    before = await platform.answers.ask(asked.model_copy(update={"filters": rare}))
    await platform.roll()

    folded = await platform.answers.ask(asked.model_copy(update={"filters": rare}))
    by_model = await platform.answers.ask(asked.model_copy(update={"filters": known, "dimensions": ()}))
    everything = await platform.answers.ask(asked)

    assert before.gaps == set()
    assert folded.gaps == {Gap.GROUPS_FOLDED}
    assert (by_model.totals[0], by_model.gaps) == ((most + 50) // 3, frozenset())
    assert (everything.totals[0], everything.gaps) == (most + 50, frozenset())


async def test_usage_by_tag_of_calls_that_may_be_gone_says_so(mongodb: AsyncDatabase[Document]) -> None:
    platform = Platform(mongodb)
    store = MongoUsageStore(mongodb, clock=platform.clock, kept=timedelta(days=90))
    reports = UsageReports(store=RolledUsage(reading=platform.reading, calls=store))
    end = platform.clock.now()

    async def gaps(days: int, tag: str | None) -> set[Gap]:
        query = UsageQuery(org_id=new_id(), start=end - timedelta(days=days), end=end, tag=tag)
        return set((await reports.report(query)).gaps)

    assert await gaps(91, "team=search") == {Gap.CALLS_EXPIRED}
    assert await gaps(90, "team=search") == set()
    assert await gaps(91, None) == set()
