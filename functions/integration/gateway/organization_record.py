"""Organizations as they are kept in Redis; see configuration_rows."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from integration.budget_windows import Scope, Window
from integration.choices import Caching, SemanticMode, Sticky, Strategy
from integration.gateway.content_logging import ContentLogging
from integration.gateway.destinations import Conditions, Connection, RegisteredModel, Route, RouteTarget
from integration.gateway.organization import Budget, Guardrail, Organization, Policy, Prompt, RateLimit, Semantic
from integration.gateway.pricing import UNKNOWN_CONTEXT_WINDOW, own_prices
from integration.gateway.rates import ModelPrices
from integration.guarding.rules import Action, Pii, Rule, Stage
from integration.guarding.rules import Kind as GuardrailKind
from integration.provider_kinds import Kind
from integration.standings import Standing
from llmo_core.money import to_pico

SHAPE: Final = 5
"""Of records, and another one whenever they look otherwise: copies of another shape are not read."""


def parse(version: str, record: Mapping[str, Any]) -> Organization:
    """An organization from its record; see configuration_rows."""
    return Organization(
        version=version,
        connections={entry["name"]: _connection(entry) for entry in record["connections"]},
        models={entry["name"]: _model(entry) for entry in record["models"]},
        routes={entry["name"]: _route(entry) for entry in record["routes"]},
        time_zone=record["time_zone"],
        budgets=tuple(map(_budget, record["budgets"])),
        limits=tuple(map(_limit, record["limits"])),
        policies={entry["key_id"] or entry["project_id"]: _policy(entry) for entry in record["policies"]},
        prompts={entry["name"]: Prompt(**entry) for entry in record["prompts"]},
        cache_epochs={entry["project_id"]: entry["id"] for entry in record["cache_purges"]},
        guardrails=tuple(map(_guardrail, record["guardrails"])),
        content_logging={
            entry["project_id"]: ContentLogging(entry["retention_days"], tuple(map(Pii, entry["redact"])))
            for entry in record["content_logging"]
        },
        standing=Standing(record["standing"]),
    )


def _connection(entry: Mapping[str, Any]) -> Connection:
    return Connection(
        id=UUID(entry["id"]),
        org_id=UUID(entry["org_id"]),
        name=entry["name"],
        kind=Kind(entry["kind"]),
        base_url=entry["base_url"].rstrip("/"),
        api_version=entry["api_version"],
        region=entry["region"],
        headers=entry["headers"],
        data_key=bytes.fromhex(entry["data_key"]) if entry["data_key"] else None,
        credentials=bytes.fromhex(entry["credentials"]) if entry["credentials"] else None,
    )


def _model(entry: Mapping[str, Any]) -> RegisteredModel:
    return RegisteredModel(
        name=entry["name"],
        version=entry["version"],
        connection=entry["connection"],
        upstream_model=entry["upstream_model"],
        prices=tuple((price["from_ms"], _prices(entry, price)) for price in entry["prices"]),
        context_window=entry["context_window"],
        max_output_tokens=entry["max_output_tokens"],
        deprecated_at=entry["deprecated_ms"],
        retired_at=entry["retired_ms"],
        replacement=entry["replacement"],
    )


def _prices(entry: Mapping[str, Any], price: Mapping[str, Any]) -> ModelPrices:
    window = entry["context_window"] or UNKNOWN_CONTEXT_WINDOW
    return own_prices(
        price,
        context_window=window,
        max_output_tokens=entry["max_output_tokens"] or window,
        version=f"{entry['name']} {price['from_ms']}",
    )


def _route(entry: Mapping[str, Any]) -> Route:
    return Route(
        name=entry["name"],
        version=entry["version"],
        strategy=Strategy(entry["strategy"]),
        sticky=Sticky(entry["sticky"]),
        attempts=entry["attempts"],
        deadline=entry["deadline_ms"] / 1000,
        first_byte=entry["first_byte_ms"] / 1000,
        between_chunks=entry["between_chunks_ms"] / 1000,
        targets=tuple(_target(target) for target in entry["targets"]),
    )


def _budget(entry: Mapping[str, Any]) -> Budget:
    return Budget(
        id=entry["id"],
        scope=Scope(entry["scope"]),
        subject=entry["subject"],
        window=Window(entry["window"]),
        limit_pico=to_pico(Decimal(entry["limit_usd"])),
        hard=entry["hard"],
        alerts=tuple(entry["alerts"]),
        since=datetime.fromtimestamp(since / 1000, UTC) if (since := entry.get("since_ms")) is not None else None,
    )


def _limit(entry: Mapping[str, Any]) -> RateLimit:
    return RateLimit(**{**entry, "scope": Scope(entry["scope"])})


def _policy(entry: Mapping[str, Any]) -> Policy:
    return Policy(
        compact=entry["compact"],
        trim_to_tokens=entry["trim_to_tokens"],
        max_output_tokens=entry["max_output_tokens"],
        prompt_cache=entry["prompt_cache"],
        substitutes=entry["substitute_models"],
        substitute_up_to=entry["substitute_up_to_tokens"],
        cache=Caching(entry["cache"]),
        cache_any_temperature=entry["cache_any_temperature"],
        cache_ttl=entry["cache_ttl_seconds"],
        cache_namespace=entry["cache_namespace"] or "",
        semantic=_semantic(entry),
    )


def _semantic(entry: Mapping[str, Any]) -> Semantic | None:
    if entry["cache"] != Caching.SEMANTIC:
        return None
    return Semantic(
        entry["semantic_embedding_model"], SemanticMode(entry["semantic_mode"]), entry["semantic_threshold"]
    )


def _guardrail(entry: Mapping[str, Any]) -> Guardrail:
    rule = Rule(
        name=entry["name"],
        stage=Stage(entry["stage"]),
        kind=GuardrailKind(entry["kind"]),
        action=Action(entry["action"]),
        pattern=entry["pattern"],
        pii=tuple(map(Pii, entry["pii"])),
        words=tuple(entry["words"]),
        message=entry["message"],
    )
    return Guardrail(entry["project_id"], rule)


def _target(entry: Mapping[str, Any]) -> RouteTarget:
    given = entry.get("conditions") or {}
    return RouteTarget(
        id=entry["id"],
        model=entry["model"],
        weight=entry["weight"],
        variant=entry.get("variant"),
        conditions=Conditions(**{name: given.get(name) for name in Conditions.__slots__}),
    )
