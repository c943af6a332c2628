"""What an organization has set up for its calls: connections to providers, models by its own names, and routes.

The gateway's copy of what the management API keeps. `parse` reads it as it is kept in Redis.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from integration.gateway.pricing import UNKNOWN_CONTEXT_WINDOW, own_prices
from integration.gateway.rates import ModelPrices
from integration.provider_kinds import Kind
from llmo_core.money import to_pico

NOTHING_SET_UP: Final = ""
"""The version of an organization's configuration before there was any."""


class Strategy(StrEnum):
    """How a route chooses among its targets."""

    PRIORITY = "priority"
    WEIGHTED = "weighted"
    CHEAPEST = "cheapest"
    FASTEST = "fastest"
    LEAST_BUSY = "least_busy"


class Sticky(StrEnum):
    """For whom a weighted choice is made once: the same one gets the same target as long as the route is the same."""

    NONE = "none"
    KEY = "key"
    END_USER = "end_user"


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach a provider. Credentials are sealed; see integration.provider_credentials."""

    id: UUID
    org_id: UUID
    name: str
    kind: Kind
    base_url: str
    api_version: str | None
    headers: Mapping[str, str]
    data_key: bytes | None = field(repr=False)
    credentials: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """A model as an organization calls it.

    Attributes:
        connection: The name of the connection that has it.
        upstream_model: What the provider calls it.
        prices: The organization's own, in the order in which they come into force (ms since 1970).
        context_window: In tokens; None when it is that of the price table.
        deprecated_at: Since when callers are warned, and `retired_at` since when they are refused (ms since 1970).
    """

    name: str
    version: str
    connection: str
    upstream_model: str
    prices: tuple[tuple[int, ModelPrices], ...]
    context_window: int | None
    max_output_tokens: int | None
    deprecated_at: int | None
    retired_at: int | None
    replacement: str | None


@dataclass(frozen=True, slots=True)
class Conditions:
    """Which calls a target takes; None does not matter."""

    min_input_tokens: int | None = None
    max_input_tokens: int | None = None
    tools: bool | None = None
    vision: bool | None = None
    stream: bool | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class RouteTarget:
    """One of a route's targets.

    Attributes:
        model: A registered model's name, `connection/model`, or a model of the deployment's own provider.
        variant: What an experiment calls it.
    """

    id: str
    model: str
    weight: int
    variant: str | None
    conditions: Conditions


@dataclass(frozen=True, slots=True)
class Route:
    """A name that stands for several targets.

    Attributes:
        attempts: The most calls to providers for one call.
        deadline: Seconds until the answer has to begin, over all attempts.
        first_byte: Seconds until a provider's answer has to begin.
        between_chunks: Seconds between two pieces of an answer.
    """

    name: str
    version: str
    strategy: Strategy
    sticky: Sticky
    attempts: int
    deadline: float
    first_byte: float
    between_chunks: float
    targets: tuple[RouteTarget, ...]


class Scope(StrEnum):
    """What a limit or a budget is for."""

    ORGANIZATION = "organization"
    PROJECT = "project"
    KEY = "key"
    END_USER = "end_user"


class Window(StrEnum):
    """What a budget is for: a day, a week from Monday on, or a month, in the organization's time zone; or all time."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that may be spent in a window.

    Attributes:
        subject: Of which project, key or end user; None of each one by itself.
        limit_pico: Pico-dollars.
        hard: Whether calls are refused that could exceed it; else it only alerts.
        alerts: Percentages at which it does.
    """

    id: str
    scope: Scope
    subject: str | None
    window: Window
    limit_pico: int
    hard: bool
    alerts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The most calls and tokens; what is None is not limited. `scope` and `subject` as of a Budget."""

    id: str
    scope: Scope
    subject: str | None
    requests_per_minute: int | None
    tokens_per_minute: int | None
    tokens_per_day: int | None
    concurrent_requests: int | None


@dataclass(frozen=True, slots=True)
class Policy:
    """What may be done to make a project's calls cheaper.

    Attributes:
        compact: Leave out blanks and repetitions that say nothing.
        trim_to_tokens: Leave out the oldest turns of longer conversations.
        max_output_tokens: The most that an answer may have.
        prompt_cache: Help the provider to find prompts that begin like earlier ones.
    """

    compact: bool = False
    trim_to_tokens: int | None = None
    max_output_tokens: int | None = None
    prompt_cache: bool = False


@dataclass(frozen=True, slots=True)
class Organization:
    """Everything that an organization has set up; `version` changes with it."""

    version: str = NOTHING_SET_UP
    time_zone: str = "UTC"
    budgets: tuple[Budget, ...] = ()
    limits: tuple[RateLimit, ...] = ()
    connections: Mapping[str, Connection] = field(default_factory=dict)
    models: Mapping[str, RegisteredModel] = field(default_factory=dict)
    routes: Mapping[str, Route] = field(default_factory=dict)


def parse(version: str, record: Mapping[str, Any]) -> Organization:
    """An organization from its record in Redis; see configurations.record_of."""
    return Organization(
        version=version,
        connections={entry["name"]: _connection(entry) for entry in record["connections"]},
        models={entry["name"]: _model(entry) for entry in record["models"]},
        routes={entry["name"]: _route(entry) for entry in record["routes"]},
        time_zone=record["time_zone"],
        budgets=tuple(map(_budget, record["budgets"])),
        limits=tuple(map(_limit, record["limits"])),
    )


def _connection(entry: Mapping[str, Any]) -> Connection:
    return Connection(
        id=UUID(entry["id"]),
        org_id=UUID(entry["org_id"]),
        name=entry["name"],
        kind=Kind(entry["kind"]),
        base_url=entry["base_url"].rstrip("/"),
        api_version=entry["api_version"],
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
    )


def _limit(entry: Mapping[str, Any]) -> RateLimit:
    return RateLimit(**{**entry, "scope": Scope(entry["scope"])})


def _target(entry: Mapping[str, Any]) -> RouteTarget:
    given = entry.get("conditions") or {}
    return RouteTarget(
        id=entry["id"],
        model=entry["model"],
        weight=entry["weight"],
        variant=entry.get("variant"),
        conditions=Conditions(**{name: given.get(name) for name in Conditions.__slots__}),
    )
