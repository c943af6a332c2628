"""What an organization has set up for its calls: connections to providers, models by its own names, and routes.

The gateway's copy of what the management API keeps; `organization_record` reads it as it is kept in Redis.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from integration.budget_windows import Scope, Window
from integration.choices import Caching, Sticky, Strategy
from integration.gateway.rates import ModelPrices
from integration.guarding.rules import Rule
from integration.provider_kinds import Kind

NOTHING_SET_UP: Final = ""
"""The version of an organization's configuration before there was any."""


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
        cache: Which calls the cache answers.
        cache_ttl: How many seconds it keeps an answer.
    """

    compact: bool = False
    trim_to_tokens: int | None = None
    max_output_tokens: int | None = None
    prompt_cache: bool = False
    cache: Caching = Caching.EXACT
    cache_ttl: int = 86_400


@dataclass(frozen=True, slots=True)
class Guardrail:
    """What is looked for in the texts of a project's calls; with `project_id` None, of everybody's."""

    project_id: str | None
    rule: Rule


_DEFAULT_POLICY: Final = Policy()


@dataclass(frozen=True, slots=True)
class Organization:
    """Everything that an organization has set up; `version` changes with it.

    Attributes:
        policies: By project; under None the one for projects that have none of their own.
        guardrails: Those that look at anything.
        plans: What the planner made of it so far.
        guards: What `guards` made of it so far.
    """

    version: str = NOTHING_SET_UP
    time_zone: str = "UTC"
    budgets: tuple[Budget, ...] = ()
    limits: tuple[RateLimit, ...] = ()
    connections: Mapping[str, Connection] = field(default_factory=dict)
    models: Mapping[str, RegisteredModel] = field(default_factory=dict)
    routes: Mapping[str, Route] = field(default_factory=dict)
    policies: Mapping[str | None, Policy] = field(default_factory=dict)
    guardrails: tuple[Guardrail, ...] = ()
    guards: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    plans: dict[object, Any] = field(default_factory=dict, compare=False, repr=False)

    def policy(self, project_id: UUID) -> Policy:
        """What may be done to a project's calls: what it has set itself, else what the organization has."""
        return self.policies.get(str(project_id)) or self.policies.get(None, _DEFAULT_POLICY)
