"""Targets as they are kept with a provider's batch, so that its calls cost what they were held for."""

from dataclasses import asdict
from typing import Any

from integration.gateway.metering import Unit
from integration.gateway.organization import Organization
from integration.gateway.planning import Plan, Target
from integration.gateway.rates import DEFAULT_TIER, ModelPrices, Rate, TierPrices

type Json = dict[str, Any]

_RATES = (
    "input",
    "cached_input",
    "cache_write",
    "audio_input",
    "image_input",
    "output",
    "audio_output",
    "image_output",
)


def kept(plan: Plan, terms: str) -> Json:
    """A plan with one target and one tier, as JSON, and the digest of the terms that its calls were read by."""
    (target,) = plan.targets
    prices = target.prices
    tier = asdict(prices.tiers[DEFAULT_TIER])
    return {
        "name": plan.name,
        "salt": plan.salt,
        "terms": terms,
        "id": target.id,
        "connection": target.connection.name if target.connection else None,
        "upstream_model": target.upstream_model,
        "provider": target.provider,
        "max_output_tokens": prices.max_output_tokens,
        "context_window": prices.context_window,
        "version": prices.version,
        "unit": prices.unit,
        "rates": {name: [tier[name]["base"], *map(list, tier[name]["steps"])] for name in _RATES},
        "character": tier["character"],
        "audio_hour": tier["audio_hour"],
    }


def restored(stored: Json, organization: Organization, name: str) -> Plan:
    """The plan for a model's name; its connection may be gone by now, and only its name is left."""
    rates = {each: _rate(*stored["rates"][each]) for each in _RATES}
    tier = TierPrices(**rates, character=stored["character"], audio_hour=stored["audio_hour"])
    prices = ModelPrices(
        {DEFAULT_TIER: tier},
        stored["max_output_tokens"],
        stored["context_window"],
        stored["version"],
        Unit(stored["unit"]),
    )
    connection = organization.connections.get(stored["connection"]) if stored["connection"] else None
    target = Target(stored["id"], connection, stored["upstream_model"], stored["provider"], prices)
    return Plan(name, (target,), salt=stored["salt"])


def _rate(base: int, *steps: list[int]) -> Rate:
    return Rate(base, tuple((start, rate) for start, rate in steps))
