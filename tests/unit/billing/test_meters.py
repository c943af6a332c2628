"""What meters count, in whatever order and parts events come."""

from decimal import Decimal
from fractions import Fraction
from functools import reduce
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from billing.metering import meters as definitions
from billing.metering.aggregates import (
    MOST_UNIQUE,
    Aggregate,
    Count,
    Max,
    Sum,
    TooManyUniqueValues,
    Unique,
    UnlikeAggregates,
    merged,
)
from billing.metering.folding import NotMeasurable, UsageEvent, fold
from billing.metering.meters import Aggregation, Filter, Meter
from integration.gateway.events import UsageRecorded
from tests.unit.billing.strategies import calls

AGGREGATE: TypeAdapter[Aggregate] = TypeAdapter(Aggregate)


def meter(aggregation: str, *fields: str, **filters: set[str]) -> Meter:
    conditions = [Filter(field=field.replace("__", "."), values=frozenset(values)) for field, values in filters.items()]
    return Meter(
        code="it",
        name="It",
        aggregation=Aggregation(aggregation),
        fields=tuple(fields),
        filters=tuple(conditions),
    )


METERS = [
    meter("sum", "input_tokens", "output_tokens"),
    meter("sum", "cost_usd", model={"gpt-5", "claude"}),
    meter("sum", "audio_seconds"),
    meter("count"),
    meter("count", tags__team={"g"}, project_id={str(UUID(int=1))}),
    meter("max", "cost_usd"),
    meter("max", "input_tokens", "output_tokens", model={"gemini"}),
    meter("unique", "end_user"),
    meter("unique", "project_id", model={"claude"}),
]


@given(st.sampled_from(METERS), st.lists(calls, max_size=20), st.data())
def test_any_order_and_any_split_of_events_counts_the_same(
    counting: Meter, events: list[UsageEvent], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(events))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(events)), max_size=4)))
    hours = [shuffled[start:end] for start, end in zip([0, *cuts], [*cuts, len(events)], strict=True)]
    parts = data.draw(st.permutations([fold(counting, hour) for hour in hours]))

    whole = fold(counting, events)

    assert merged(counting.aggregation, parts) == whole
    assert reduce(lambda one, other: merged(counting.aggregation, [one, other]), parts) == whole


@given(st.lists(calls, max_size=20))
def test_what_is_counted_is_exact(events: list[UsageEvent]) -> None:
    dear = [event for event in events if event.fields["model"] in {"gpt-5", "claude"}]
    costs = [Fraction(str(event.fields["cost_usd"])) for event in dear]
    users = {event.fields["end_user"] for event in events} - {None}

    assert Fraction(fold(METERS[1], events).quantity) == sum(costs, Fraction())
    assert fold(METERS[3], events).quantity == len(events)
    assert Fraction(fold(METERS[5], dear).quantity) == max(costs, default=Fraction())
    assert fold(METERS[7], events).quantity == len(users)


@given(st.sampled_from(METERS), st.lists(calls, max_size=10))
def test_an_aggregate_survives_json_and_equal_ones_are_equal_documents(
    counting: Meter, events: list[UsageEvent]
) -> None:
    aggregate = fold(counting, events)
    document = AGGREGATE.dump_json(aggregate)

    assert AGGREGATE.validate_json(document) == aggregate
    assert AGGREGATE.dump_json(fold(counting, events[::-1])) == document


@pytest.mark.parametrize("aggregation", Aggregation)
def test_without_events_nothing_was_used(aggregation: Aggregation) -> None:
    assert merged(aggregation, []).quantity == 0


def test_events_are_told_apart_by_name_and_by_what_they_say() -> None:
    own = Meter(
        code="pages",
        name="Pages",
        event="page.rendered",
        aggregation=Aggregation.SUM,
        fields=("pages",),
        filters=(Filter(field="colour", values=frozenset({"true"})), Filter(field="size", values=frozenset({"4"}))),
    )
    events = [
        UsageEvent("page.rendered", {"pages": 3, "colour": True, "size": 4}),
        UsageEvent("page.rendered", {"pages": "2.5", "colour": True, "size": Decimal("4.0")}),
        UsageEvent("page.rendered", {"pages": 100, "colour": False, "size": 4}),
        UsageEvent("page.rendered", {"pages": 100, "size": 4}),
        UsageEvent("page.printed", {"pages": 100, "colour": True, "size": 4}),
    ]

    assert fold(own, events).quantity == Decimal("5.5")


@pytest.mark.parametrize(
    "value", [None, -1, "-0.1", "NaN", "Infinity", "ten", "", True, 10**18 + 1, "1E-13", [1], {"tokens": 1}]
)
def test_an_event_without_a_number_to_count_is_refused_and_not_counted_as_nothing(value: object) -> None:
    with pytest.raises(NotMeasurable, match="`input_tokens`"):
        fold(meter("sum", "input_tokens"), [UsageEvent("llm.call", {"input_tokens": value})])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.5])
def test_a_float_that_is_no_amount_is_refused(value: float) -> None:
    with pytest.raises(NotMeasurable):
        fold(meter("max", "audio_seconds"), [UsageEvent("llm.call", {"audio_seconds": value})])


def test_floats_count_for_what_they_are_written_as_to_twelve_places() -> None:
    listened = [UsageEvent("llm.call", {"audio_seconds": seconds}) for seconds in (0.1, 0.2, 10 / 3)]

    assert fold(meter("sum", "audio_seconds"), listened).quantity == Decimal("3.633333333333")


def test_more_different_values_than_are_kept_are_refused_however_they_come() -> None:
    half, other = (frozenset(f"{start + number}" for number in range(60_000)) for start in (0, 60_000))

    assert merged(Aggregation.UNIQUE, [Unique(values=half), Unique(values=half)]).quantity == 60_000
    with pytest.raises(TooManyUniqueValues):
        merged(Aggregation.UNIQUE, [Unique(values=half), Unique(values=other)])
    with pytest.raises(TooManyUniqueValues):
        fold(
            meter("unique", "end_user"),
            (UsageEvent("llm.call", {"end_user": f"{number}"}) for number in range(MOST_UNIQUE + 1)),
        )


def test_what_is_not_alike_does_not_merge() -> None:
    with pytest.raises(UnlikeAggregates):
        merged(Aggregation.SUM, [Sum(), Count(events=1)])
    with pytest.raises(UnlikeAggregates):
        merged(Aggregation.MAX, [Max(), Unique()])


@pytest.mark.parametrize(
    ("definition", "problem"),
    [
        ({"aggregation": "sum"}, "`sum` needs a field"),
        ({"aggregation": "max"}, "`max` needs a field"),
        ({"aggregation": "count", "fields": ["input_tokens"]}, "it has no fields"),
        ({"aggregation": "unique"}, "the values of one field"),
        ({"aggregation": "unique", "fields": ["model", "provider"]}, "the values of one field"),
        ({"aggregation": "sum", "fields": ["input_tokens", "input_tokens"]}, "counted once"),
        ({"aggregation": "sum", "fields": ["total_tokens"]}, "LLM calls have no `total_tokens`"),
        ({"aggregation": "sum", "fields": ["cost_usd", "input_tokens"]}, "do not add up"),
        ({"aggregation": "sum", "fields": ["model"]}, "LLM calls have no `model` for that"),
        ({"aggregation": "unique", "fields": ["cost_usd"]}, "LLM calls have no `cost_usd` for that"),
        ({"aggregation": "sum", "fields": ["tags.pages"]}, "LLM calls have no `tags.pages`"),
        ({"aggregation": "count", "filters": [{"field": "modell", "values": ["a"]}]}, "LLM calls have no `modell`"),
        ({"aggregation": "count", "filters": [{"field": "model", "values": []}]}, "at least 1 item"),
        ({"aggregation": "median", "fields": ["input_tokens"]}, "'sum', 'count', 'max' or 'unique'"),
        ({"aggregation": "count", "event": "Page Rendered"}, "match pattern"),
    ],
)
def test_a_meter_that_could_count_nothing_is_refused(definition: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        Meter.model_validate({"code": "it", "name": "It", **definition})


def test_own_events_have_fields_of_their_own() -> None:
    own = Meter.model_validate(
        {"code": "it", "name": "It", "event": "page.rendered", "aggregation": "unique", "fields": ["customer"]}
    )

    assert own.fields == ("customer",)


def test_every_field_that_can_be_counted_is_one_of_the_gateways_events() -> None:
    assert UsageRecorded.model_fields.keys() >= definitions.NUMBERS | definitions.TEXTS


@pytest.mark.parametrize(("value", "problem"), [("a\0b", "NUL character"), ("x" * 257, "256 characters at most")])
def test_what_a_database_cannot_hold_is_no_value_of_a_filter(value: str, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        Filter(field="end_user", values=frozenset({value}))
    assert Filter(field="end_user", values=frozenset({"𝛌" * 256, ""})).values
