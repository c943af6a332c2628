"""Lines of batches, prices of providers' batches, and targets as they are kept."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.gateway.deferral.holding import in_batches
from integration.gateway.deferral.lines import read_lines
from integration.gateway.deferral.models import Line, batch_id_of, batch_name, file_id_of, file_name
from integration.gateway.deferral.stored_targets import kept, restored
from integration.gateway.deferral.weights import in_groups, inputs
from integration.gateway.deferral_errors import NoSuchBatch, NoSuchFile
from integration.gateway.metering import Size, Unit, Usage
from integration.gateway.organization import Organization
from integration.gateway.planning import Planner
from integration.gateway.pricing import PriceTable
from integration.gateway.rates import DEFAULT_TIER, ModelPrices, Rate, TierPrices
from llmo_auth.api_key import StoredKey
from llmo_core.ids import new_id

NOW = datetime(2026, 11, 26, tzinfo=UTC)
CHAT = "/v1/chat/completions"
amounts = st.integers(0, 10**12)
steps = st.lists(st.tuples(st.integers(1, 10**6), amounts), max_size=3).map(tuple)
rates = st.builds(Rate, amounts, steps)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=20)


def line(custom_id: str, body: Any) -> bytes:
    return orjson.dumps({"custom_id": custom_id, "method": "POST", "url": CHAT, "body": body})


@given(calls=st.dictionaries(texts, st.dictionaries(texts, st.none() | st.integers(0, 9) | texts)), blank=st.booleans())
def test_every_line_is_read_with_its_id_and_body(calls: dict[str, dict[str, Any]], *, blank: bool) -> None:
    separator = b"\n\r\n" if blank else b"\n"
    content = separator.join(line(custom_id, body) for custom_id, body in calls.items())

    lines, wrong = read_lines(content, CHAT, new_id)

    if not calls:
        assert [each["code"] for each in wrong] == ["empty_file"]
        return
    assert not wrong
    assert {each.custom_id: json.loads(each.body) for each in lines} == calls
    assert len({each.call_id for each in lines}) == len(calls)


@given(content=st.binary(max_size=200))
def test_whatever_is_uploaded_is_read_or_refused_line_by_line(content: bytes) -> None:
    lines, wrong = read_lines(content, CHAT, new_id)

    assert bool(lines) != bool(wrong)


def test_at_most_a_hundred_wrong_lines_are_told() -> None:
    _, wrong = read_lines(b"x\n" * 500, CHAT, new_id)

    assert len(wrong) == 100


@given(rate=rates, percent=st.integers(1, 100), tokens=st.integers(0, 10**6))
def test_a_share_of_a_price_is_never_rounded_down(rate: Rate, percent: int, tokens: int) -> None:
    full, share = rate.at(tokens), rate.at_percent(percent).at(tokens)

    assert 0 <= share * 100 - full * percent < 100


@given(tier=st.builds(TierPrices, input=rates, output=rates, cached_input=rates), given=st.integers(0, 10**6))
def test_calls_of_a_batch_cost_half_whatever_the_tier(tier: TierPrices, given: int) -> None:
    dear = TierPrices(input=Rate(10**12))
    prices = ModelPrices({DEFAULT_TIER: tier, "priority": dear}, 1000, 1000, "v")
    half = prices.in_batches(50)
    usage = Usage(given, 0, 7)

    assert half.tier("priority") is half.tier("default")
    assert 0 <= 2 * half.tier(None).cost(usage) - prices.tier(None).cost(usage) <= given + 7
    assert half.most("auto", Size(given, 7)) <= half.tier(None).most(Size(given, 7))


@given(
    tier=st.builds(
        TierPrices,
        *[rates] * 8,
        character=amounts,
        audio_hour=amounts,
    ),
    unit=st.sampled_from(Unit),
)
def test_a_target_is_restored_as_it_was_kept(tier: TierPrices, unit: Unit) -> None:
    planner = Planner(PriceTable({}, now=lambda: NOW), now=lambda: NOW)
    plan = planner.plan(Organization(), frozenset((Unit.TOKENS,)), "gpt-4o-mini")
    target = replace(plan.targets[0], prices=ModelPrices({DEFAULT_TIER: tier}, 5, 6, "v", unit))
    plan = replace(plan, targets=(target,))

    again = restored(orjson.loads(orjson.dumps(kept(plan, ""))), Organization(), "gpt-4o-mini")

    assert again.targets == plan.targets
    assert (again.name, again.salt) == (plan.name, plan.salt)


def test_a_model_of_openai_can_be_asked_in_batches_at_half_price() -> None:
    planner = Planner(PriceTable({}, now=lambda: NOW), now=lambda: NOW)
    plan = planner.plan(Organization(), frozenset((Unit.TOKENS,)), "gpt-4o-mini")

    cheaper = in_batches(plan, CHAT)

    assert cheaper is not None
    usage = Usage(1000, 0, 1000)
    assert cheaper.targets[0].prices.tier(None).cost(usage) * 2 == plan.targets[0].prices.tier(None).cost(usage)
    assert in_batches(plan, "/v1/moderations") is None


def test_ids_are_read_back_from_their_names_and_nothing_else_is() -> None:
    made = new_id()

    assert (file_id_of(file_name(made)), batch_id_of(batch_name(made))) == (made, made)
    for name in ("", "file-", "file-" + "g" * 32, "file-" + "{" + "0" * 30 + "}", batch_name(made)):
        with pytest.raises(NoSuchFile):
            file_id_of(name)
    with pytest.raises(NoSuchBatch):
        batch_id_of(file_name(made))


def test_a_stored_key_is_its_digest_and_has_no_text() -> None:
    key = StoredKey("AbCdEfGhIj", "", "digest")

    assert (key.digest(b"any pepper"), key.text) == ("digest", "")


@given(sizes=st.lists(st.integers(1, 3_000), max_size=12))
def test_lines_are_called_together_as_far_as_there_is_memory_for_them(sizes: list[int]) -> None:
    lines = [
        Line(number, f"{number}", new_id(), json.dumps({"input": ["x"] * size})) for number, size in enumerate(sizes)
    ]

    groups = [*in_groups(lines)]

    assert [line for group in groups for line in group] == lines
    for group in groups:
        assert group
        assert len(group) == 1 or sum(map(inputs, group)) <= 2_048


@pytest.mark.parametrize(
    ("given", "count"), [("text", 1), ([1, 2, 3], 1), ([[1], [2]], 2), (["a", "b"], 2), ([], 1), (None, 1)]
)
def test_the_texts_of_a_call_for_embeddings_are_counted(given: Any, count: int) -> None:
    assert inputs(Line(1, "a", new_id(), json.dumps({"input": given}))) == count
