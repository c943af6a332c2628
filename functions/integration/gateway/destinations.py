"""Where an organization's calls can go: connections to providers, models by its own names, and routes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from integration.choices import Sticky, Strategy
from integration.gateway.rates import ModelPrices
from integration.provider_kinds import Kind


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach a provider. Credentials are sealed; see integration.provider_credentials.

    Attributes:
        region: Where it computes; None when that is not known.
    """

    id: UUID
    org_id: UUID
    name: str
    kind: Kind
    base_url: str
    api_version: str | None
    region: str | None
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
        first_byte: Seconds until a provider's stream has to begin.
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
