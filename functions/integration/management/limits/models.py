"""Limits of calls and tokens, and what can go wrong with them."""

from collections.abc import Sequence
from uuid import UUID

from integration.budget_windows import Scope
from integration.management.models import Configured
from llmo_core.errors import Invalid, NotFound
from llmo_core.model import Model
from llmo_messaging.envelope import Event


class Limit(Configured):
    """The most calls and tokens; what is None is not limited.

    Attributes:
        subject: Of which project, key or end user; None of each one by itself.
        concurrent_requests: The most calls under way at once.
    """

    scope: Scope
    subject: str | None
    requests_per_minute: int | None
    tokens_per_minute: int | None
    tokens_per_day: int | None
    concurrent_requests: int | None

    def require_something(self) -> None:
        """Raise NothingLimited when nothing is."""
        rates = (self.requests_per_minute, self.tokens_per_minute, self.tokens_per_day, self.concurrent_requests)
        if all(rate is None for rate in rates):
            raise NothingLimited


class NewLimit(Model):
    """What a limit is made of."""

    name: str
    scope: Scope
    subject: str | None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    tokens_per_day: int | None = None
    concurrent_requests: int | None = None


class LimitChanges(Model):
    """What shall be another; what is not set stays."""

    name: str = ""
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    tokens_per_day: int | None = None
    concurrent_requests: int | None = None


class LimitCreated(Event, name="llmo.integration.limit.created"):
    """The most calls and tokens from now on."""

    limit_id: UUID
    name: str
    scope: Scope
    subject: str | None
    requests_per_minute: int | None
    tokens_per_minute: int | None
    tokens_per_day: int | None
    concurrent_requests: int | None
    created_by: UUID

    @classmethod
    def of(cls, limit: Limit) -> "LimitCreated":
        """Tell of a limit."""
        return cls(limit_id=limit.id, **limit.model_dump(include=cls.model_fields.keys() - {"limit_id"}))


class LimitChanged(Event, name="llmo.integration.limit.changed"):
    """A limit is another one; which fields are."""

    limit_id: UUID
    name: str
    version: int
    changed: Sequence[str]
    changed_by: UUID

    @classmethod
    def of(cls, limit: Limit, changed: Sequence[str], by: UUID) -> "LimitChanged":
        """Tell of a limit's new version."""
        return cls(limit_id=limit.id, name=limit.name, version=limit.version, changed=changed, changed_by=by)


class LimitRemoved(Event, name="llmo.integration.limit.removed"):
    """A limit that keeps nobody waiting any more."""

    limit_id: UUID
    name: str
    removed_by: UUID

    @classmethod
    def of(cls, limit: Limit, by: UUID) -> "LimitRemoved":
        """Tell of a limit that is gone."""
        return cls(limit_id=limit.id, name=limit.name, removed_by=by)


class UnknownLimit(NotFound):
    """The organization has no limit with this id."""


class NothingLimited(Invalid):
    """A limit limits something: requests or tokens a minute, tokens a day, or requests at once."""
