"""Optimization policies, and what can go wrong with them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from integration.choices import Caching, SemanticMode
from integration.management.models import Versioned
from llmo_core.errors import Conflict, NotFound
from llmo_core.model import Model
from llmo_messaging.envelope import Event

_NOBODYS: Final = UUID(int=0)
MOST_POLICIES: Final = 1_000  # each gateway that serves the organization has all of them


class Rules(Model):
    """What may be done to make calls cheaper.

    Attributes:
        compact: Leave out blanks and repetitions that say nothing.
        trim_to_tokens: Leave out the oldest turns of longer conversations; None of none.
        max_output_tokens: The most that an answer may have; None is whatever the model can give.
        prompt_cache: Help the provider to find prompts that begin like earlier ones.
        substitute_models: Which models answer in place of which others.
        substitute_up_to_tokens: Only calls with an input up to this size; None of any.
        cache: Which calls the cache answers.
        cache_any_temperature: Whether `form` and `semantic` take calls that may want another answer each time: those
            with a temperature above 0.3, and those that say none.
        cache_ttl_seconds: How long it keeps an answer.
        cache_namespace: Whose answers it keeps apart from all others; None does not.
        semantic_mode: What `semantic` does with what it finds.
        semantic_threshold: The least cosine that it finds.
        semantic_embedding_model: What `semantic` embeds messages with; None where it has nothing to embed.
    """

    compact: bool
    trim_to_tokens: int | None
    max_output_tokens: int | None
    prompt_cache: bool
    substitute_models: Mapping[str, str]
    substitute_up_to_tokens: int | None
    cache: Caching
    cache_any_temperature: bool
    cache_ttl_seconds: int
    cache_namespace: str | None
    semantic_mode: SemanticMode
    semantic_threshold: float
    semantic_embedding_model: str | None


class Whose(Model):
    """Whose calls a policy is for: those of an API key, those of a project, or all others when neither is named.

    A key's own policy comes before its project's, and that before the one for all others.
    """

    project_id: UUID | None = None
    key_id: UUID | None = None

    @property
    def id(self) -> UUID:
        """What lists are ordered by: the key's or the project's id; nil, which comes first, of the default."""
        return self.key_id or self.project_id or _NOBODYS


DEFAULT: Final = Whose()


class Policy(Versioned, Rules, Whose):
    """What may be done to make calls cheaper.

    Attributes:
        updated_by: A user, an API key or a service account.
    """

    updated_by: UUID
    updated_at: datetime

    @property
    def rules(self) -> Rules:
        """What it says."""
        return Rules(**self.model_dump(include={*Rules.model_fields}))


class PolicyChanged(Event, name="llmo.integration.policy.changed"):
    """What may be done to make calls cheaper from now on.

    It is for a key, for a project, or without either for all calls that have no policy of their own.
    """

    project_id: UUID | None
    key_id: UUID | None
    compact: bool
    trim_to_tokens: int | None
    max_output_tokens: int | None
    prompt_cache: bool
    substitute_models: Mapping[str, str]
    substitute_up_to_tokens: int | None
    cache: Caching
    cache_any_temperature: bool
    cache_ttl_seconds: int
    cache_namespace: str | None
    semantic_mode: SemanticMode
    semantic_threshold: float
    semantic_embedding_model: str | None
    version: int
    changed_by: UUID

    @classmethod
    def of(cls, policy: Policy) -> "PolicyChanged":
        """Tell of a policy's new version."""
        shown = policy.model_dump(include=cls.model_fields.keys() - {"changed_by"})
        return cls(**shown, changed_by=policy.updated_by)


class PolicyRemoved(Event, name="llmo.integration.policy.removed"):
    """A policy that is gone: the project's or the default one holds for its calls, or none."""

    project_id: UUID | None
    key_id: UUID | None
    removed_by: UUID


class UnknownPolicy(NotFound):
    """The organization has set no policy here."""


class TooManyPolicies(Conflict):
    """The organization has as many policies as there may be."""

    def __init__(self) -> None:
        super().__init__(
            f"An organization has at most {MOST_POLICIES:,} policies, of keys and projects together: remove those of "
            "keys that are revoked, or set one for a project instead of one for each of its keys."
        )
