"""Prices and costs, against the package that the table is made from."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import genai_prices
import pytest
from genai_prices import data_snapshot
from hypothesis import given
from hypothesis import strategies as st

from integration.gateway.errors import ModelNotFound
from integration.gateway.metering import Size, Unit, Usage
from integration.gateway.pricing import PriceTable
from integration.price_tables.published import PROVIDERS as PROVIDERS_READ
from llmo_core.money import from_pico, to_pico

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TABLE = PriceTable({}, now=lambda: NOW)
PROVIDERS = {provider.id: provider for provider in data_snapshot.get_snapshot().providers}
tokens = st.integers(0, 400_000)


def _priced_anywhere() -> list[tuple[str, str]]:
    models = [(name, model.id) for name in PROVIDERS_READ for model in PROVIDERS[name].models]
    return [(name, model) for name, model in models if _has_price(name, model)]


def _uneven(provider: str) -> Iterator[str]:
    """The models of which a token costs no whole number of pico-dollars: it is rounded up."""
    for model in PROVIDERS[provider].models:
        rates = re.findall(r"Decimal\('([\d.]+)'\)", repr(model.prices))
        if any(Decimal(rate) * 10**6 % 1 for rate in rates):
            yield model.id


def _has_price(provider: str, model: str) -> bool:
    try:
        TABLE.find(model, provider)
    except ModelNotFound:
        return False
    return True


UNEVEN = {(name, model) for name in PROVIDERS_READ for model in _uneven(name)}


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """Any usage that can be reported: no token of the input or the output counts as two kinds."""
    fresh, cached, written, heard, seen = (draw(tokens) for _ in range(5))
    produced, spoken, drawn = (draw(tokens) for _ in range(3))
    return Usage(
        input_tokens=fresh + cached + written + heard + seen,
        cached_input_tokens=cached,
        output_tokens=produced + spoken + drawn,
        audio_input_tokens=heard,
        audio_output_tokens=spoken,
        cache_write_tokens=written,
        image_input_tokens=seen,
        image_output_tokens=drawn,
        characters=draw(st.integers(0, 5_000)),
        audio_ms=draw(st.integers(0, 10_000)) * 1_000,
    )


def genai_usage(usage: Usage) -> genai_prices.Usage:
    return genai_prices.Usage(
        input_tokens=usage.input_tokens,
        cache_read_tokens=usage.cached_input_tokens,
        cache_audio_read_tokens=0,
        cache_image_read_tokens=0,
        cache_write_tokens=usage.cache_write_tokens,
        cache_write_1h_tokens=0,
        input_audio_tokens=usage.audio_input_tokens,
        input_image_tokens=usage.image_input_tokens,
        output_tokens=usage.output_tokens,
        output_audio_tokens=usage.audio_output_tokens,
        output_image_tokens=usage.image_output_tokens,
        input_characters=usage.characters,
        audio_seconds=usage.audio_ms // 1_000,
        input_audio_seconds=usage.audio_ms // 1_000,
    )


@given(priced=st.sampled_from(_priced_anywhere()), hour=st.integers(0, 23), usage=usages())
def test_a_call_costs_what_genai_prices_says(priced: tuple[str, str], hour: int, usage: Usage) -> None:
    (provider, model), now = priced, NOW.replace(hour=hour)
    expected = genai_prices.calc_price(
        genai_usage(usage), model_ref=model, provider_id=provider, genai_request_timestamp=now
    ).total_price
    table = PriceTable({}, now=lambda: now)
    more = table.find(model, provider).tier("default").cost(usage) - to_pico(expected)
    assert 0 <= more <= (usage.tokens if priced in UNEVEN else 0)


@given(
    priced=st.sampled_from(_priced_anywhere()),
    tier=st.sampled_from(["default", "priority", "flex", "auto"]),
    usage=usages(),
    more=st.tuples(tokens, tokens, tokens, tokens),
)
def test_no_call_within_the_bounds_of_its_hold_costs_more_than_the_hold(
    priced: tuple[str, str], tier: str, usage: Usage, more: tuple[int, int, int, int]
) -> None:
    used = (usage.input_tokens, usage.output_tokens, usage.characters, usage.audio_ms)
    bounds = Size(*(count + extra for count, extra in zip(used, more, strict=True)))
    found = TABLE.find(priced[1], priced[0])
    charged = [tier] if tier in found.tiers else found.tiers
    assert all(found.tier(name).cost(usage) <= found.most(tier, bounds) for name in charged)


def test_what_is_free_is_so_by_name_only() -> None:
    free = [priced for priced in _priced_anywhere() if TABLE.find(priced[1], priced[0]).unit is Unit.FREE]
    assert free == [("openai", "moderation")]


@pytest.mark.parametrize(
    ("model", "unit"),
    [
        ("gpt-4o", Unit.TOKENS),
        ("gpt-4o-mini-tts", Unit.TOKENS),
        ("gpt-4o-transcribe", Unit.TOKENS),
        ("gpt-image-1.5", Unit.IMAGES),
        ("tts-1", Unit.CHARACTERS),
        ("whisper-1", Unit.SECONDS),
        ("omni-moderation-latest", Unit.FREE),
    ],
)
def test_a_model_is_billed_by_one_unit(model: str, unit: Unit) -> None:
    assert TABLE.find(model).unit is unit


def test_a_snapshot_has_the_price_of_its_model() -> None:
    assert TABLE.find("gpt-4o-mini-2024-07-18") == TABLE.find("GPT-4o-mini")


@pytest.mark.parametrize(
    "model", ["gpt-nonesuch", "dall-e-3", "gpt-4o-audio-preview", "gpt-realtime", "gpt-live-1", "sora-2", ""]
)
def test_a_model_without_a_price_that_is_metered_is_an_error_and_never_free(model: str) -> None:
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
