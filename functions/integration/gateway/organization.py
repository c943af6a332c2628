"""What an organization has set up for its calls.

The gateway's copy of what the management API keeps; `organization_record` reads it as it is kept in Redis.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from integration.budget_windows import Scope, Window
from integration.choices import Caching, SemanticMode
from integration.gateway.content_logging import ContentLogging
from integration.gateway.destinations import Connection, RegisteredModel, Route
from integration.gateway.errors import BillingNotActive
from integration.guarding.rules import Rule
from integration.standings import Standing

NOTHING_SET_UP: Final = ""
"""The version of an organization's configuration before there was any."""


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that may be spent in a window.

    Attributes:
        subject: Of which project, key or end user; None of each one by itself.
        limit_pico: Pico-dollars.
        hard: Whether calls are refused that could exceed it; else it only alerts.
        alerts: Percentages at which it does.
        since: When it begins to count; None for always.
    """

    id: str
    scope: Scope
    subject: str | None
    window: Window
    limit_pico: int
    hard: bool
    alerts: tuple[int, ...]
    since: datetime | None = None


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
class Prompt:
    """What calls can be made from.

    Attributes:
        newest: The number of its last version; 0 before there is one.
        labels: What its versions are called.
    """

    id: str
    name: str
    newest: int
    labels: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Semantic:
    """How calls are compared by what they mean.

    Attributes:
        model: What embeds them: a registered model, `connection/model`, or a model of the deployment's provider.
        threshold: The least cosine of two that mean the same.
    """

    model: str
    mode: SemanticMode = SemanticMode.SHADOW
    threshold: float = 0.94


@dataclass(frozen=True, slots=True)
class Policy:
    """What may be done to make calls cheaper.

    Attributes:
        compact: Leave out blanks and repetitions that say nothing.
        trim_to_tokens: Leave out the oldest turns of longer conversations.
        max_output_tokens: The most that an answer may have.
        prompt_cache: Help the provider to find prompts that begin like earlier ones.
        substitutes: Which models answer in place of which others.
        substitute_up_to: Only calls with an input up to so many tokens; None of any size.
        cache: Which calls the cache answers.
        cache_any_temperature: Whether calls of the same form share an answer although they may want another each time.
        cache_ttl: How many seconds it keeps an answer.
        cache_namespace: Whose answers it keeps apart from all others; empty for none.
        semantic: How `semantic` compares calls; None where it is not what the policy says.
    """

    compact: bool = False
    trim_to_tokens: int | None = None
    max_output_tokens: int | None = None
    prompt_cache: bool = False
    substitutes: Mapping[str, str] = field(default_factory=dict)
    substitute_up_to: int | None = None
    cache: Caching = Caching.EXACT
    cache_any_temperature: bool = False
    cache_ttl: int = 86_400
    cache_namespace: str = ""
    semantic: Semantic | None = None

    @property
    def levels(self) -> bool:
        """Whether calls of the same form share an answer."""
        return self.cache in {Caching.FORM, Caching.SEMANTIC}


@dataclass(frozen=True, slots=True)
class Guardrail:
    """What is looked for in the texts of a project's calls; with `project_id` None, of everybody's."""

    project_id: str | None
    rule: Rule


_DEFAULT_POLICY: Final = Policy()


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for the calls of an API key.

    Attributes:
        policy: What may be done to make them cheaper; None for nothing.
        owner: Whose they are: prompts of two owners are never cached together.
        cache_epoch: Another one since the cache was purged.
    """

    policy: Policy | None = None
    owner: str = ""
    cache_epoch: str = ""


NO_TERMS: Final = Terms()


@dataclass(frozen=True, slots=True)
class Organization:
    """Everything that an organization has set up; `version` changes with it.

    Attributes:
        policies: By API key or project; under None the one for those that have none of their own.
        cache_epochs: The last purge of each project's answers, and under None of all.
        prompts: By their names.
        guardrails: Those that look at anything.
        content_logging: By the projects that want contents of their calls kept.
        standing: How far billing lets it make calls; its budgets and limits are among the others.
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
    cache_epochs: Mapping[str | None, str] = field(default_factory=dict)
    prompts: Mapping[str, Prompt] = field(default_factory=dict)
    guardrails: tuple[Guardrail, ...] = ()
    content_logging: Mapping[str, ContentLogging] = field(default_factory=dict)
    standing: Standing = Standing.FULL
    guards: dict[object, Any] = field(default_factory=dict, compare=False, repr=False)
    plans: dict[object, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def sets_terms(self) -> bool:
        """Whether anything depends on whose a call is."""
        return bool(self.policies or self.cache_epochs or self.guardrails)

    def terms(self, key_id: UUID, project_id: UUID) -> Terms:
        """What holds for a key's calls: its own policy, else that of its project, else the organization's."""
        project = str(project_id)
        policy = self.policies.get(str(key_id)) or self.policies.get(project) or self.policies.get(None)
        epoch = self.cache_epochs.get(None, "") + self.cache_epochs.get(project, "")
        return Terms(policy or _DEFAULT_POLICY, project, epoch)

    def require_active(self) -> None:
        """Raise BillingNotActive when it may make no calls at all."""
        if self.standing is Standing.SUSPENDED:
            raise BillingNotActive
