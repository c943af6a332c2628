"""Finding what a model costs.

`prices/` is generated from the genai-prices package (`make generate`), so that the hot path neither imports that
package nor computes with decimals. A provider's table is read at its first call. A model without a known price is an
error, never free.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

import orjson

from integration.gateway.errors import ModelNotFound
from integration.gateway.metering import Unit
from integration.gateway.rates import DEFAULT_TIER, ModelPrices, Rate, TierPrices
from llmo_core.money import to_pico

OPENAI: Final = "openai"
_TABLES = Path(__file__).with_name("prices")
_PRICED_TOGETHER = 1_000_000  # tokens, characters
UNKNOWN_CONTEXT_WINDOW: Final = 128_000


class PriceTable:
    """Finds a model's prices.

    Args:
        overrides: Prices for models of the deployment's own provider, by exact name, in dollars per million tokens:
            `{"smollm2": {"input_mtok": "0.01", "output_mtok": "0.03", "context_window": 8192}}`.
        now: The moment whose prices count.
    """

    def __init__(self, overrides: Mapping[str, Mapping[str, Any]], *, now: Callable[[], datetime]) -> None:
        self._overrides = {name: _overridden(prices) for name, prices in overrides.items()}
        self._now = now
        self._schedule = lru_cache(maxsize=4096)(_schedule)

    def find(self, model: str, provider: str = OPENAI) -> ModelPrices:
        """The prices of a model as its provider calls it; raises ModelNotFound."""
        if provider == OPENAI and model in self._overrides:
            return self._overrides[model]
        now = self._now()
        schedule = self._schedule(provider, model, now.date())
        if schedule is None:
            raise ModelNotFound(model)
        return schedule.at(now)

    def knows(self, model: str) -> bool:
        """Whether the model of the deployment's own provider has a price."""
        return model in self._overrides or self._schedule(OPENAI, model, self._now().date()) is not None


@dataclass(frozen=True, slots=True)
class Schedule:
    """A day's prices, and those of some of its hours: (from minute, to minute, prices); the last one counts."""

    always: ModelPrices
    hours: tuple[tuple[int, int, ModelPrices], ...] = ()

    def at(self, moment: datetime) -> ModelPrices:
        """The prices at a moment of the day."""
        if not self.hours:
            return self.always
        utc = moment.astimezone(UTC)
        minute = utc.hour * 60 + utc.minute
        return next(
            (prices for start, end, prices in reversed(self.hours) if _between(minute, start, end)), self.always
        )


def _between(minute: int, start: int, end: int) -> bool:
    return start <= minute < end if start <= end else minute >= start or minute < end


def _schedule(provider: str, model: str, day: date) -> Schedule | None:
    """What a model costs on a day; some providers sell those of others too, at the same prices."""
    table = _table(provider)
    name = model.lower()
    entry = next((entry for entry in table["models"] if _matches(entry["match"], name)), None)
    if entry is None:
        resold = (_schedule(other, model, day) for other in table["priced_as"] if _known(other))
        return next((schedule for schedule in resold if schedule is not None), None)
    return _effective(entry, day, table["version"]) if entry["prices"] else None


def _known(provider: str) -> bool:
    return (_TABLES / f"{provider}.json").exists()


@cache
def _table(provider: str) -> Mapping[str, Any]:
    table: Mapping[str, Any] = orjson.loads((_TABLES / f"{provider}.json").read_bytes())
    return table


_CLAUSES: Final[Mapping[str, Callable[[str, Any], bool]]] = {
    "or": lambda name, parts: any(_matches(part, name) for part in parts),
    "and": lambda name, parts: all(_matches(part, name) for part in parts),
    "equals": lambda name, text: bool(name == text),
    "starts_with": lambda name, text: name.startswith(text),
    "ends_with": lambda name, text: name.endswith(text),
    "contains": lambda name, text: text in name,
    "regex": lambda name, pattern: re.search(pattern, name) is not None,
}


def _matches(clause: Mapping[str, Any], name: str) -> bool:
    ((kind, value),) = clause.items()
    return _CLAUSES[kind](name, value)


def _effective(entry: Mapping[str, Any], day: date, version: str) -> Schedule:
    """The prices that are in force on a day: per tier the last one whose start date has come."""
    unit = Unit(entry.get("unit", Unit.TOKENS))
    tiers: dict[str, TierPrices] = {}
    hours: list[tuple[int, int, dict[str, TierPrices]]] = []
    for price in entry["prices"]:
        if price["from"] is not None and datetime.fromisoformat(price["from"]).date() > day:
            continue
        if "daily" in price:
            start, end = price["daily"]
            hours.append((start, end, {price["tier"]: _tier_prices(price, unit)}))
        else:
            tiers[price["tier"]] = _tier_prices(price, unit)

    def model(changed: Mapping[str, TierPrices]) -> ModelPrices:
        return ModelPrices({**tiers, **changed}, entry["max_output_tokens"], entry["context_window"], version, unit)

    return Schedule(model({}), tuple((start, end, model(changed)) for start, end, changed in hours))


def _overridden(prices: Mapping[str, Any]) -> ModelPrices:
    window = int(prices.get("context_window", UNKNOWN_CONTEXT_WINDOW))
    named = {**prices, "cached_input_mtok": prices.get("cache_read_mtok")}
    return own_prices(named, context_window=window, max_output_tokens=window, version="override")


def own_prices(prices: Mapping[str, Any], *, context_window: int, max_output_tokens: int, version: str) -> ModelPrices:
    """Prices that somebody gives themselves, in dollars per million tokens."""
    tier = _tier_prices(
        {
            "input": [[0, prices["input_mtok"]]],
            "cached_input": [[0, prices.get("cached_input_mtok") or prices["input_mtok"]]],
            "output": [[0, prices.get("output_mtok") or "0"]],
        },
        Unit.TOKENS,
    )
    return ModelPrices({DEFAULT_TIER: tier}, max_output_tokens, context_window, version)


def _tier_prices(price: Mapping[str, Any], unit: Unit) -> TierPrices:
    match unit:
        case Unit.FREE:
            return TierPrices()
        case Unit.CHARACTERS:
            return TierPrices(character=_pico_each(price["characters"]))
        case Unit.SECONDS:
            return TierPrices(audio_hour=to_pico(Decimal(price["audio_hours"])))
    given, produced = price["input"], price["output"]
    return TierPrices(
        input=_rate(given),
        cached_input=_rate(price["cached_input"]),
        cache_write=_rate(price.get("cache_write", given)),
        audio_input=_rate(price.get("audio_input", given)),
        image_input=_rate(price.get("image_input", given)),
        output=_rate(produced),
        audio_output=_rate(price.get("audio_output", produced)),
        image_output=_rate(price.get("image_output", produced)),
    )


def _rate(steps: list[list[Any]]) -> Rate:
    (_, base), *rest = ((int(start), _pico_each(text)) for start, text in steps)
    return Rate(base, tuple(rest))


def _pico_each(dollars_per_million: str) -> int:
    return to_pico(Decimal(dollars_per_million) / _PRICED_TOGETHER)
