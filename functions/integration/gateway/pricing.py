"""What calls cost: prices per token, and the price of a call in pico-dollars.

`prices.json` is generated from the genai-prices package (`make generate`), so that the hot path neither imports that
package nor computes with decimals. A model without a known price is an error, never free.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

import orjson

from integration.gateway.errors import ModelNotFound
from integration.gateway.models import Usage
from llmo_core.money import to_pico

PROVIDER: Final = "openai"
DEFAULT_TIER: Final = "default"
_TABLE = Path(__file__).with_name("prices.json")
_TOKENS_PER_PRICE = 1_000_000
_FALLBACK_CONTEXT_WINDOW: Final = 128_000


@dataclass(frozen=True, slots=True)
class Rate:
    """Pico-dollars per token for one kind of token.

    `steps` are (more input tokens than, rate): the last step that the call's input exceeds applies to all its tokens.
    """

    base: int
    steps: tuple[tuple[int, int], ...] = ()

    def at(self, input_tokens: int) -> int:
        """The rate for a call with this many input tokens."""
        rate = self.base
        for start, stepped in self.steps:
            if input_tokens > start:
                rate = stepped
        return rate

    @property
    def highest(self) -> int:
        """The rate at its worst."""
        return max([self.base, *(stepped for _, stepped in self.steps)])


@dataclass(frozen=True, slots=True)
class TierPrices:
    """The prices of one service tier."""

    input: Rate
    cached_input: Rate
    output: Rate

    def cost(self, usage: Usage) -> int:
        """Pico-dollars for this usage; cached input has its own rate, reasoning is output."""
        size = usage.input_tokens
        fresh = usage.input_tokens - usage.cached_input_tokens
        return (
            fresh * self.input.at(size)
            + usage.cached_input_tokens * self.cached_input.at(size)
            + usage.output_tokens * self.output.at(size)
        )

    def most(self, input_tokens: int, output_tokens: int) -> int:
        """The most pico-dollars that a call of at most this size can cost."""
        return input_tokens * max(self.input.highest, self.cached_input.highest) + output_tokens * self.output.highest


@dataclass(frozen=True, slots=True)
class ModelPrices:
    """A model's prices by service tier, the largest output it can give, and the most it can read."""

    tiers: Mapping[str, TierPrices]
    max_output_tokens: int
    context_window: int
    version: str

    def tier(self, name: str | None) -> TierPrices:
        """The prices of a service tier; a tier without prices of its own costs what the default one does."""
        return self.tiers.get(name or DEFAULT_TIER) or self.tiers[DEFAULT_TIER]

    def most(self, tier: str, input_tokens: int, output_tokens: int) -> int:
        """The most pico-dollars that a call of at most this size can cost.

        Unless the caller names a tier, the provider chooses one, and the dearest counts.
        """
        tiers = [self.tiers[tier]] if tier in self.tiers else self.tiers.values()
        return max(prices.most(input_tokens, output_tokens) for prices in tiers)


class PriceTable:
    """Finds a model's prices.

    Args:
        overrides: Prices for models of one's own, by exact name, in dollars per million tokens:
            `{"smollm2": {"input_mtok": "0.01", "output_mtok": "0.03", "context_window": 8192}}`.
        today: Gives the date whose prices count.
    """

    def __init__(self, overrides: Mapping[str, Mapping[str, Any]], *, today: Callable[[], date]) -> None:
        self._overrides = {name: _overridden(prices) for name, prices in overrides.items()}
        self._today = today
        self._find = lru_cache(maxsize=4096)(self._search)

    def find(self, model: str) -> ModelPrices:
        """The prices of a model as it is named in requests; raises ModelNotFound."""
        prices = self._find(model, self._today())
        if prices is None:
            raise ModelNotFound(model)
        return prices

    def knows(self, model: str) -> bool:
        """Whether the model has a price."""
        return self._find(model, self._today()) is not None

    def _search(self, model: str, today: date) -> ModelPrices | None:
        if model in self._overrides:
            return self._overrides[model]
        name = model.lower()
        entry = next((entry for entry in _table()["models"] if _matches(entry["match"], name)), None)
        return _effective(entry, today, _table()["version"]) if entry and entry["prices"] else None


@cache
def _table() -> Mapping[str, Any]:
    table: Mapping[str, Any] = orjson.loads(_TABLE.read_bytes())
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


def _effective(entry: Mapping[str, Any], today: date, version: str) -> ModelPrices:
    """The prices that are in force today: per tier the last one whose start date has come."""
    tiers: dict[str, TierPrices] = {}
    for price in entry["prices"]:
        if price["from"] is None or datetime.fromisoformat(price["from"]).date() <= today:
            tiers[price["tier"]] = _tier_prices(price)
    return ModelPrices(tiers, entry["max_output_tokens"], entry["context_window"], version)


def _overridden(prices: Mapping[str, Any]) -> ModelPrices:
    tier = _tier_prices(
        {
            "input": [[0, prices["input_mtok"]]],
            "cached_input": [[0, prices.get("cache_read_mtok", prices["input_mtok"])]],
            "output": [[0, prices.get("output_mtok", "0")]],
        }
    )
    window = int(prices.get("context_window", _FALLBACK_CONTEXT_WINDOW))
    return ModelPrices({DEFAULT_TIER: tier}, window, window, "override")


def _tier_prices(price: Mapping[str, Any]) -> TierPrices:
    return TierPrices(_rate(price["input"]), _rate(price["cached_input"]), _rate(price["output"]))


def _rate(steps: list[list[Any]]) -> Rate:
    (_, base), *rest = ((int(start), _pico_per_token(text)) for start, text in steps)
    return Rate(base, tuple(rest))


def _pico_per_token(dollars_per_million: str) -> int:
    return to_pico(Decimal(dollars_per_million) / _TOKENS_PER_PRICE)
