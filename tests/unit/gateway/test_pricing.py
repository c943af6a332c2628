"""Prices and costs, against the package that the table is made from."""

from datetime import UTC, datetime
from decimal import Decimal

import genai_prices
import pytest
from genai_prices import data_snapshot
from hypothesis import given
from hypothesis import strategies as st

from integration.gateway.errors import ModelNotFound
from integration.gateway.models import Usage
from integration.gateway.pricing import PriceTable
from llmo_core.money import from_pico
from local.generate import prices

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TABLE = PriceTable({}, now=lambda: NOW)
PROVIDERS = {provider.id: provider for provider in data_snapshot.get_snapshot().providers}
PRICED = sorted(model.id for model in PROVIDERS["openai"].models if TABLE.knows(model.id))
tokens = st.integers(0, 400_000)


def _priced_anywhere() -> list[tuple[str, str]]:
    models = [(name, model.id) for name in prices.PROVIDERS for model in PROVIDERS[name].models]
    return [(name, model) for name, model in models if _has_price(name, model)]


def _has_price(provider: str, model: str) -> bool:
    try:
        TABLE.find(model, provider)
    except ModelNotFound:
        return False
    return True


@given(
    priced=st.sampled_from(_priced_anywhere()),
    hour=st.integers(0, 23),
    fresh=tokens,
    cached=tokens,
    heard=tokens,
    output=tokens,
    spoken=st.floats(0, 1),
)
def test_a_call_costs_what_genai_prices_says(
    priced: tuple[str, str], hour: int, fresh: int, cached: int, heard: int, output: int, spoken: float
) -> None:
    (provider, model), now = priced, NOW.replace(hour=hour)
    given, audio_output = fresh + cached + heard, int(output * spoken)
    usage = Usage(given, cached, output, 0, heard, audio_output)
    known = genai_prices.Usage(
        input_tokens=given,
        cache_read_tokens=cached,
        input_audio_tokens=heard,
        cache_audio_read_tokens=0,
        output_tokens=output,
        output_audio_tokens=audio_output,
    )
    expected = genai_prices.calc_price(
        known, model_ref=model, provider_id=provider, genai_request_timestamp=now
    ).total_price
    table = PriceTable({}, now=lambda: now)
    assert from_pico(table.find(model, provider).tier("default").cost(usage)) == expected


@given(
    model=st.sampled_from(PRICED),
    tier=st.sampled_from(["default", "priority", "flex", "auto"]),
    bounds=st.tuples(tokens, tokens),
    parts=st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)),
)
def test_no_call_within_the_bounds_of_its_hold_costs_more_than_the_hold(
    model: str, tier: str, bounds: tuple[int, int], parts: tuple[float, float, float]
) -> None:
    input_tokens, output_tokens = int(bounds[0] * parts[0]), int(bounds[1] * parts[2])
    usage = Usage(input_tokens, int(input_tokens * parts[1]), output_tokens)
    found = TABLE.find(model)
    charged = [tier] if tier in found.tiers else found.tiers
    assert all(found.tier(name).cost(usage) <= found.most(tier, *bounds) for name in charged)


def test_a_snapshot_has_the_price_of_its_model() -> None:
    assert TABLE.find("gpt-4o-mini-2024-07-18") == TABLE.find("GPT-4o-mini")


@pytest.mark.parametrize("model", ["gpt-nonesuch", "whisper-1", "gpt-4o-audio-preview", ""])
def test_a_model_without_a_token_price_is_an_error_and_never_free(model: str) -> None:
    with pytest.raises(ModelNotFound):
        TABLE.find(model)


def test_a_price_counts_from_its_start_date() -> None:
    now = datetime(2025, 6, 9, tzinfo=UTC)
    table = PriceTable({}, now=lambda: now)
    before = table.find("o3").tier("default").input.base
    now = datetime(2025, 6, 10, tzinfo=UTC)
    assert table.find("o3").tier("default").input.base < before


def test_an_override_prices_a_model_of_ones_own() -> None:
    overrides = {"smollm2": {"input_mtok": "0.01", "output_mtok": "0.03", "context_window": 8192}}
    found = PriceTable(overrides, now=lambda: NOW).find("smollm2")
    assert from_pico(found.tier(None).cost(Usage(1_000_000, 0, 1_000_000))) == Decimal("0.04")
    assert found.max_output_tokens == 8192
