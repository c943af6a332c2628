"""From what genai-prices publishes to the tables that the gateway reads.

The packaged tables are made by the same code (`make generate`), so a refresh of unchanged prices changes nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import time
from decimal import Decimal
from typing import Any, Final

from integration.price_tables.models import PricesMalformed
from integration.price_tables.published import (
    PROVIDERS,
    Clause,
    ConditionalPrices,
    Constraint,
    Prices,
    PublishedModel,
    PublishedProvider,
    TieredPrices,
)
from llmo_core.money import decimal_text

# By token, for whatever the gateway's endpoints tell apart. Searches are billed by the piece beside them.
_TOKEN_PRICES: Final = {
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
_HOUR_PRICES: Final = {"audio_hours", "input_audio_hours"}
# Models of APIs that the gateway does not have.
_NOT_SERVED: Final = ("realtime", "live", "video")
# genai-prices knows no price for many models that cost something: those that cost nothing are named here.
_FREE: Final = {("openai", "moderation")}  # https://platform.openai.com/docs/guides/moderation
_TIERS: Final = ("priority", "flex", "fast")
# The largest output of a model family, the first match counts: https://platform.openai.com/docs/models
_MAX_OUTPUT_TOKENS: Final = (
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
_UNKNOWN_MAX_OUTPUT: Final = 128_000
_UNKNOWN_CONTEXT_WINDOW: Final = 1_050_000  # the largest that any model in the packaged table has
# Tokens that cost something else than those around them, where they do.
_FINER_RATES: Final = {
    "cache_write_mtok": "cache_write",
    "input_audio_mtok": "audio_input",
    "input_image_mtok": "image_input",
    "output_audio_mtok": "audio_output",
    "output_image_mtok": "image_output",
}
_OTHER_RATES: Final = {"input_mchars": "characters", "input_audio_hours": "audio_hours"}

type Table = dict[str, Any]
type Known = dict[str, Decimal | TieredPrices]


def convert(published: Sequence[PublishedProvider]) -> dict[str, Table]:
    """The tables of all providers that a connection can be made to. Raises PricesMalformed when one is missing."""
    by_id = {provider.id: provider for provider in published}
    missing = [name for name in PROVIDERS if name not in by_id]
    if missing:
        raise PricesMalformed(f"these providers are missing: {', '.join(missing)}")
    return {name: _table(by_id[name]) for name in PROVIDERS}


def _table(provider: PublishedProvider) -> Table:
    ids = [model.id for model in provider.models]
    if len(set(ids)) < len(ids):
        raise PricesMalformed(f"{provider.id} has two models of one id")
    return {
        "provider": provider.id,
        "priced_as": [name for name in provider.fallback_model_providers or () if name in PROVIDERS],
        "models": [_model(provider.id, model) for model in provider.models],
    }


def _model(provider_id: str, model: PublishedModel) -> Table:
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


def _unit(provider_id: str, model: PublishedModel) -> str | None:
    """What a model is billed by (`integration.gateway.metering.Unit`); None when that is not metered."""
    standard = _standard(model)
    named = {name for entry in standard for name in _known(entry.prices)}
    if any(word in model.id for word in _NOT_SERVED):
        return None
    if not named:
        return "free" if (provider_id, model.id) in _FREE else None
    if named == {"input_mchars"}:
        return "characters"
    if named == _HOUR_PRICES:
        return "seconds"
    if (
        not all("input_mtok" in _known(entry.prices) for entry in standard)
        or not named <= _TOKEN_PRICES
        or any(_costs_nothing(entry.prices, model.id) for entry in standard)
        or ("audio" in model.id and "input_audio_mtok" not in named)
    ):
        return None
    return "images" if "image" in model.id or "output_image_mtok" in named else "tokens"


def _costs_nothing(prices: Prices, model_id: str) -> bool:
    """Whether input is free, or the output of a model that is not for embeddings: such a price is not known yet."""
    known = _known(prices)
    return any(
        not (price.base if isinstance(price, TieredPrices) else price)
        for price in (known.get("input_mtok") or Decimal(0), known.get("output_mtok") or Decimal("embed" in model_id))
    )


def _standard(model: PublishedModel) -> list[ConditionalPrices]:
    """What is paid by default, and when; the last one that is in force counts, and the first one when none is."""
    if isinstance(model.prices, dict):
        return [ConditionalPrices(prices=model.prices)]
    first, rest = model.prices[:1], model.prices[1:]
    return [*(ConditionalPrices(prices=entry.prices) for entry in first), *rest]


def _default_prices(model: PublishedModel) -> Iterator[Table]:
    for entry in _standard(model):
        yield {"tier": "default", **_when(entry.constraint), **_rates(_known(entry.prices))}


def _tier_prices(model: PublishedModel) -> Iterator[Table]:
    standard = _standard(model)
    if not standard:
        return
    base = _known(standard[-1].prices)
    for variant in model.price_variants or ():
        tier = variant.when.get("service_tier")
        changed = _known(variant.prices)
        if len(variant.when) == 1 and tier in _TIERS and changed:
            yield {"tier": tier, **_when(variant.constraint), **_rates({**base, **changed})}


def _known(prices: Prices) -> Known:
    return {name: value for name, value in prices.items() if value is not None}


def _when(constraint: Constraint | None) -> Table:
    """From which day on, or at which time of every day (minutes since midnight, UTC)."""
    if constraint is None:
        return {"from": None}
    if constraint.start_date is not None:
        return {"from": constraint.start_date.isoformat()}
    return {"from": None, "daily": [_minute(constraint.start_time), _minute(constraint.end_time)]}


def _minute(moment: time | None) -> int:
    return moment.hour * 60 + moment.minute if moment else 0


def _rates(known: Known) -> Table:
    if "input_mtok" not in known:
        return {ours: _text(known[name]) for name, ours in _OTHER_RATES.items() if name in known}
    fresh, output = known["input_mtok"], known.get("output_mtok") or Decimal(0)
    return {
        "input": _steps(fresh),
        "cached_input": _steps(known.get("cache_read_mtok") or fresh),
        "output": _steps(output),
        **{ours: _steps(known[name]) for name, ours in _FINER_RATES.items() if name in known},
    }


def _text(price: Decimal | TieredPrices) -> str:
    if isinstance(price, TieredPrices):
        raise PricesMalformed("characters and hours have no tiers")
    return decimal_text(price)


def _steps(price: Decimal | TieredPrices) -> list[list[Any]]:
    if isinstance(price, TieredPrices):
        tiers = sorted(price.tiers, key=lambda tier: tier.start)
        return [[0, decimal_text(price.base)], *([tier.start, decimal_text(tier.price)] for tier in tiers)]
    return [[0, decimal_text(price)]]


def _clause(clause: Clause) -> Mapping[str, Any]:
    """A clause of the table; names are looked up in lower case."""
    if clause.any_of is not None:
        return {"or": [_clause(part) for part in clause.any_of]}
    if clause.all_of is not None:
        return {"and": [_clause(part) for part in clause.all_of]}
    if clause.regex is not None:
        return {"regex": clause.regex}
    ((kind, text),) = clause.model_dump(exclude_none=True).items()
    return {kind: text.lower()}
