"""Finding what a model costs: the prices of an edition, and the deployment's own.

A model without a known price is an error, never free.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from integration.gateway.edition import Edition, packaged, tier_prices
from integration.gateway.errors import ModelNotFound
from integration.gateway.metering import Unit
from integration.gateway.rates import DEFAULT_TIER, ModelPrices

OPENAI: Final = "openai"
UNKNOWN_CONTEXT_WINDOW: Final = 128_000


class PriceTable:
    """Finds a model's prices.

    Args:
        overrides: Prices for models of the deployment's own provider, by exact name, in dollars per million tokens:
            `{"smollm2": {"input_mtok": "0.01", "output_mtok": "0.03", "context_window": 8192}}`.
        now: The moment whose prices count.
        edition: The edition that is in force.
    """

    def __init__(
        self,
        overrides: Mapping[str, Mapping[str, Any]],
        *,
        now: Callable[[], datetime],
        edition: Callable[[], Edition] = packaged,
    ) -> None:
        self._overrides = {name: _overridden(prices) for name, prices in overrides.items()}
        self._now = now
        self._edition = edition

    def find(self, model: str, provider: str = OPENAI) -> ModelPrices:
        """The prices of a model as its provider calls it; raises ModelNotFound."""
        if provider == OPENAI and model in self._overrides:
            return self._overrides[model]
        now = self._now()
        schedule = self._edition().schedule(provider, model, now.date())
        if schedule is None:
            raise ModelNotFound(model)
        return schedule.at(now)

    def knows(self, model: str) -> bool:
        """Whether the model of the deployment's own provider has a price."""
        return model in self._overrides or self._edition().schedule(OPENAI, model, self._now().date()) is not None


def _overridden(prices: Mapping[str, Any]) -> ModelPrices:
    window = int(prices.get("context_window", UNKNOWN_CONTEXT_WINDOW))
    named = {**prices, "cached_input_mtok": prices.get("cache_read_mtok")}
    return own_prices(named, context_window=window, max_output_tokens=window, version="override")


def own_prices(prices: Mapping[str, Any], *, context_window: int, max_output_tokens: int, version: str) -> ModelPrices:
    """Prices that somebody gives themselves, in dollars per million tokens."""
    tier = tier_prices(
        {
            "input": [[0, prices["input_mtok"]]],
            "cached_input": [[0, prices.get("cached_input_mtok") or prices["input_mtok"]]],
            "output": [[0, prices.get("output_mtok") or "0"]],
        },
        Unit.TOKENS,
    )
    return ModelPrices({DEFAULT_TIER: tier}, max_output_tokens, context_window, version)
