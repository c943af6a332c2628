"""Writes the gateway's price tables, one for each provider, from the genai-prices package."""

import json
from collections.abc import Iterator
from datetime import UTC
from decimal import Decimal
from importlib.metadata import version
from typing import Any

from genai_prices import data_snapshot, types

# Those that a connection can be made to (integration.provider_kinds), as genai-prices names them.
PROVIDERS = (
    "anthropic",
    "aws",
    "azure",
    "deepseek",
    "google",
    "groq",
    "mistral",
    "openai",
    "openrouter",
    "together",
    "x-ai",
)
# By token, for whatever the gateway's endpoints tell apart. Searches are billed by the piece beside them.
_TOKEN_PRICES = {
    "input_mtok",
    "cache_read_mtok",
    "cache_write_mtok",
    "cache_write_1h_mtok",
    "output_mtok",
    "input_audio_mtok",
    "output_audio_mtok",
    "cache_audio_read_mtok",
    "input_image_mtok",
    "output_image_mtok",
    "cache_image_read_mtok",
    "web_searches_kcount",
    "storage_searches_kcount",
}
_HOUR_PRICES = {"audio_hours", "input_audio_hours"}
# Models of APIs that the gateway does not have.
_NOT_SERVED = ("realtime", "live", "video")
# genai-prices knows no price for many models that cost something: those that cost nothing are named here.
_FREE = {("openai", "moderation")}  # https://platform.openai.com/docs/guides/moderation
_TIERS = ("priority", "flex", "fast")
# The largest output of a model family, the first match counts: https://platform.openai.com/docs/models
_MAX_OUTPUT_TOKENS = (
    ("gpt-3.5", 4_096),
    ("gpt-4-turbo", 4_096),
    ("gpt-4.1", 32_768),
    ("gpt-4o", 16_384),
    ("gpt-4", 8_192),
    ("chatgpt-4o", 16_384),
    ("o1-mini", 65_536),
    ("o1-preview", 32_768),
    ("o1", 100_000),
    ("o3", 100_000),
    ("o4", 100_000),
    ("gpt-5", 128_000),
    ("gpt-6", 128_000),
)
_UNKNOWN_MAX_OUTPUT = 128_000
_UNKNOWN_CONTEXT_WINDOW = 1_050_000  # the largest that any model in the table has
# Tokens that cost something else than those around them, where they do.
_FINER_RATES = {
    "cache_write_mtok": "cache_write",
    "input_audio_mtok": "audio_input",
    "input_image_mtok": "image_input",
    "output_audio_mtok": "audio_output",
    "output_image_mtok": "image_output",
}
_OTHER_RATES = {"input_mchars": "characters", "input_audio_hours": "audio_hours"}
_CLAUSES = {
    types.ClauseEquals: "equals",
    types.ClauseStartsWith: "starts_with",
    types.ClauseEndsWith: "ends_with",
    types.ClauseContains: "contains",
    types.ClauseRegex: "regex",
}


def render(provider_id: str) -> str:
    """A provider's table as JSON text; the same package version always gives the same text."""
    snapshot = data_snapshot.get_snapshot()
    provider = next(provider for provider in snapshot.providers if provider.id == provider_id)
    models = [_model(provider_id, model) for model in provider.models]
    table = {
        "version": f"genai-prices {version('genai-prices')}",
        "provider": provider_id,
        "priced_as": provider.fallback_model_providers or [],
        "models": models,
    }
    return json.dumps(table, indent=1) + "\n"


def _unit(provider_id: str, model: types.ModelInfo) -> str | None:
    """What a model is billed by (`integration.gateway.metering.Unit`); None when that is not metered."""
    named = {name for _, prices in _standard(model) for name, value in vars(prices).items() if value is not None}
    if any(word in model.id for word in _NOT_SERVED):
        return None
    if not named:
        return "free" if (provider_id, model.id) in _FREE else None
    if named == {"input_mchars"}:
        return "characters"
    if named == _HOUR_PRICES:
        return "seconds"
    if (
        "input_mtok" not in named
        or not named <= _TOKEN_PRICES
        or ("audio" in model.id and "input_audio_mtok" not in named)
    ):
        return None
    return "images" if "image" in model.id or "output_image_mtok" in named else "tokens"


def _model(provider_id: str, model: types.ModelInfo) -> dict[str, Any]:
    known = next((size for prefix, size in _MAX_OUTPUT_TOKENS if model.id.startswith(prefix)), None)
    bounds = [size for size in (known or _UNKNOWN_MAX_OUTPUT, model.context_window) if size]
    unit = _unit(provider_id, model)
    return {
        "id": model.id,
        "match": _clause(model.match),
        **({"unit": unit} if unit not in {None, "tokens"} else {}),
        "max_output_tokens": min(bounds),
        "context_window": model.context_window or _UNKNOWN_CONTEXT_WINDOW,
        "prices": [*_default_prices(model), *_tier_prices(model)] if unit else [],
    }


def _standard(model: types.ModelInfo) -> list[tuple[dict[str, Any], types.ModelPrice]]:
    """What is paid by default, and when; the last one that is in force counts."""
    if isinstance(model.prices, types.ModelPrice):
        return [(_when(None), model.prices)]
    return [(_when(conditional.constraint), conditional.prices) for conditional in model.prices]


def _default_prices(model: types.ModelInfo) -> Iterator[dict[str, Any]]:
    for when, prices in _standard(model):
        yield {"tier": "default", **when, **_rates(vars(prices))}


def _tier_prices(model: types.ModelInfo) -> Iterator[dict[str, Any]]:
    base = vars(_standard(model)[-1][1])
    for variant in model.price_variants or ():
        tier = variant.when.get("service_tier")
        changed = {name: value for name, value in vars(variant.prices).items() if value is not None}
        if len(variant.when) == 1 and tier in _TIERS and changed:
            yield {"tier": tier, **_when(variant.constraint), **_rates({**base, **changed})}


def _when(constraint: object) -> dict[str, Any]:
    """From which day on, or at which time of every day (minutes since midnight, UTC)."""
    match constraint:
        case None:
            return {"from": None}
        case types.StartDateConstraint(start_date=day):
            return {"from": day.isoformat()}
        case types.TimeOfDateConstraint(start_time=start, end_time=end) if start.tzinfo == end.tzinfo == UTC:
            return {"from": None, "daily": [start.hour * 60 + start.minute, end.hour * 60 + end.minute]}
    message = f"the gateway's price table cannot express {constraint!r}"
    raise TypeError(message)


def _rates(prices: dict[str, Any]) -> dict[str, Any]:
    known = {name: value for name, value in prices.items() if value is not None}
    if "input_mtok" not in known:
        return {ours: str(known[name]) for name, ours in _OTHER_RATES.items() if name in known}
    fresh, output = known["input_mtok"], known.get("output_mtok") or Decimal(0)
    return {
        "input": _steps(fresh),
        "cached_input": _steps(known.get("cache_read_mtok") or fresh),
        "output": _steps(output),
        **{ours: _steps(known[name]) for name, ours in _FINER_RATES.items() if name in known},
    }


def _steps(price: Decimal | types.TieredPrices) -> list[tuple[int, str]]:
    if isinstance(price, types.TieredPrices):
        return [(0, str(price.base)), *((tier.start, str(tier.price)) for tier in price.tiers)]
    return [(0, str(price))]


def _clause(clause: Any) -> dict[str, Any]:  # noqa: ANN401 - genai-prices gives a union of its clause classes
    match clause:
        case types.ClauseOr():
            return {"or": [_clause(part) for part in clause.or_]}
        case types.ClauseAnd():
            return {"and": [_clause(part) for part in clause.and_]}
    kind = _CLAUSES[type(clause)]
    return {kind: getattr(clause, kind)}
