"""Which prices are taken in place of others."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.price_tables.comparing import difference, objections

TODAY = date(2026, 11, 27)

type Entry = dict[str, Any]
type Tables = dict[str, dict[str, Any]]


def entry(name: str, *prices: dict[str, Any], **fields: Any) -> Entry:
    """A model that costs a dollar per million tokens unless something else is said."""
    sizes = {"max_output_tokens": 1000, "context_window": 1000}
    return {"id": name, "match": {"equals": name}, **sizes, "prices": list(prices) or [price()], **fields}


def price(given: str = "1", produced: str = "1", **fields: Any) -> dict[str, Any]:
    rates = {"input": [[0, given]], "cached_input": [[0, given]], "output": [[0, produced]]}
    return {"tier": "default", "from": None, **rates, **fields}


def tables(*entries: Entry, provider: str = "openai") -> Tables:
    return {provider: {"provider": provider, "priced_as": [], "models": list(entries)}}


def many(count: int, *, of: Callable[[str], Entry] = entry) -> list[Entry]:
    return [of(f"m{number}") for number in range(count)]


def refused(before: Tables, after: Tables) -> list[str]:
    return objections(before, after, today=TODAY)


def test_the_same_prices_are_no_difference() -> None:
    assert refused(tables(entry("a")), tables(entry("a"))) == []
    assert difference(tables(entry("a")), tables(entry("a"))).model_dump() == {
        "added": [],
        "changed": [],
        "removed": [],
    }


def test_the_difference_names_models_with_their_providers() -> None:
    found = difference(tables(entry("a"), entry("b")), tables(entry("b", price("2")), entry("c")))
    assert found.model_dump() == {"added": ["openai/c"], "changed": ["openai/b"], "removed": ["openai/a"]}


@given(st.decimals("0.01", "100", places=2), st.decimals("0.1", "10", places=3))
def test_prices_that_change_by_ten_times_at_most_are_taken(was: Any, factor: Any) -> None:
    assert refused(tables(entry("a", price(str(was)))), tables(entry("a", price(str(was * factor))))) == []


@pytest.mark.parametrize("becomes", ["10.01", "1000", "0.099", "0"])
@pytest.mark.parametrize("rate", ["input", "cached_input", "output", "cache_write", "audio_output"])
def test_one_rate_that_changes_by_more_is_refused_with_its_model_and_both_prices(rate: str, becomes: str) -> None:
    (reason,) = refused(tables(entry("a")), tables(entry("a", price() | {rate: [[0, becomes]]})))
    assert reason.startswith(f"openai/a from 2026-11-27: default {'audio_output' if rate == 'audio_output' else rate}")
    assert "1000000 ->" in reason


@pytest.mark.parametrize(
    "absurd",
    [
        price(input=[[0, "1"], [200_000, "11"]]),  # for large calls
        price("11", tier="priority"),
        price("11", **{"from": "2027-01-01"}),  # from a day to come on
        price("11", daily=[60, 120]),  # at some hours
    ],
)
def test_a_price_that_only_some_calls_pay_is_looked_at_too(absurd: dict[str, Any]) -> None:
    assert len(refused(tables(entry("a")), tables(entry("a", price(), absurd)))) == 1


def test_a_price_to_come_that_was_taken_once_is_not_held_against_later_tables() -> None:
    coming = entry("a", price(), price("11", **{"from": "2027-01-01"}))
    assert refused(tables(coming), tables(coming, entry("b"))) == []


def test_a_clause_that_takes_another_models_name_is_seen_by_what_that_then_costs() -> None:
    greedy = entry("z", price("50"), match={"starts_with": "a"})
    (reason,) = refused(tables(entry("a")), tables(greedy, entry("a")))
    assert reason.startswith("openai/a ")


def test_a_name_that_a_clause_spells_out_is_looked_at_like_the_model() -> None:
    before = entry("a", match={"or": [{"equals": "a"}, {"equals": "alias"}]})
    (reason,) = refused(tables(before), tables(entry("a"), entry("b", price("11"), match={"equals": "alias"})))
    assert reason.startswith("openai/alias ")


def test_what_is_billed_by_another_unit_is_refused() -> None:
    spoken = entry("a", {"tier": "default", "from": None, "characters": "1"}, unit="characters")
    assert len(refused(tables(entry("a")), tables(spoken))) == 1


def test_a_new_model_may_cost_ten_times_what_the_dearest_does_and_no_more() -> None:
    assert refused(tables(entry("a")), tables(entry("a"), entry("b", price("10", "10")))) == []
    (reason,) = refused(tables(entry("a")), tables(entry("a"), entry("b", price("1", "10.1"))))
    assert reason.startswith("openai/b from 2026-11-27: default output")


@pytest.mark.parametrize(("known", "gone"), [(100, 5), (10, 3)])
def test_models_may_vanish_in_small_numbers(known: int, gone: int) -> None:
    assert refused(tables(*many(known)), tables(*many(known)[gone:])) == []


@pytest.mark.parametrize(("known", "gone"), [(100, 6), (10, 4)])
def test_models_that_vanish_in_larger_numbers_are_too_many(known: int, gone: int) -> None:
    assert refused(tables(*many(known)), tables(*many(known)[gone:]))[-1].startswith(f"{gone} of {known} models")


def test_models_that_lose_their_price_have_vanished_too() -> None:
    without = [{**each, "prices": []} for each in many(10)]
    assert any("10 of 10" in reason for reason in refused(tables(*many(10)), tables(*without)))


def test_a_provider_that_loses_a_quarter_of_its_models_is_named_with_them() -> None:
    before = tables(*many(400)) | tables(*many(12), provider="groq")
    after = tables(*many(400)) | tables(*many(12)[4:], provider="groq")
    assert refused(before, after) == ["groq: 4 of 12 models have no price any more: m0, m1, m2, m3"]


def test_a_model_without_a_price_may_vanish() -> None:
    unpriced = [{**each, "prices": []} for each in many(100)]
    assert refused(tables(entry("a"), *unpriced), tables(entry("a"))) == []


@pytest.mark.parametrize("size", ["max_output_tokens", "context_window"])
@pytest.mark.parametrize(
    ("becomes", "taken"), [(1_000, True), (500, True), (499, False), (10_000, True), (10_001, False)]
)
def test_what_a_model_can_read_and_write_shrinks_to_a_half_at_most(size: str, becomes: int, *, taken: bool) -> None:
    reasons = refused(tables(entry("a")), tables(entry("a", **{size: becomes})))

    assert (reasons == []) == taken
    assert all(size in reason for reason in reasons)
