"""Optimization policies, and what can go wrong with them."""

from datetime import datetime
from uuid import UUID

from integration.choices import Caching
from integration.management.models import Versioned
from llmo_core.errors import NotFound
from llmo_core.model import Model
from llmo_messaging.envelope import Event

_OF_NO_PROJECT = UUID(int=0)


class Rules(Model):
    """What may be done to make calls cheaper.

    Attributes:
        compact: Leave out blanks and repetitions that say nothing.
        trim_to_tokens: Leave out the oldest turns of longer conversations; None of none.
        max_output_tokens: The most that an answer may have; None is whatever the model can give.
        prompt_cache: Help the provider to find prompts that begin like earlier ones.
        cache: Which calls the cache answers.
        cache_ttl_seconds: How long it keeps an answer.
    """

    compact: bool
    trim_to_tokens: int | None
    max_output_tokens: int | None
    prompt_cache: bool
    cache: Caching
    cache_ttl_seconds: int


class Policy(Versioned, Rules):
    """What may be done to make a project's calls cheaper.

    Attributes:
        project_id: None: of all projects without a policy of their own.
        updated_by: A user, an API key or a service account.
    """

    project_id: UUID | None
    updated_by: UUID
    updated_at: datetime

    @property
    def id(self) -> UUID:
        """What lists are ordered by: the project's id, and nil, which comes first, of the default."""
        return self.project_id or _OF_NO_PROJECT

    @property
    def rules(self) -> Rules:
        """What it says."""
        return Rules(**self.model_dump(include={*Rules.model_fields}))


class PolicyChanged(Event, name="llmo.integration.policy.changed"):
    """What may be done to make calls cheaper from now on; `project_id` is None for projects without a policy."""

    project_id: UUID | None
    compact: bool
    trim_to_tokens: int | None
    max_output_tokens: int | None
    prompt_cache: bool
    cache: Caching
    cache_ttl_seconds: int
    version: int
    changed_by: UUID

    @classmethod
    def of(cls, policy: Policy) -> "PolicyChanged":
        """Tell of a policy's new version."""
        shown = policy.model_dump(include=cls.model_fields.keys() - {"changed_by"})
        return cls(**shown, changed_by=policy.updated_by)


class PolicyRemoved(Event, name="llmo.integration.policy.removed"):
    """A policy that is gone: the default one holds for its project, or none."""

    project_id: UUID | None
    removed_by: UUID


class UnknownPolicy(NotFound):
    """The organization has set no policy here."""
