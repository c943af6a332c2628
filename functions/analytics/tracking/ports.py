"""What tracking needs of the world around it. Everything raises StoreUnavailable."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from analytics.data_retention.models import Retention
from analytics.erasures.models import Person
from analytics.tracking.models import TrackedEvent
from analytics.tracking.properties import Properties


class Events(Protocol):
    """Where tracked events are kept."""

    async def add(self, events: Sequence[TrackedEvent]) -> Collection[int]:
        """Keep these; the positions of those that are kept already, which changes nothing."""
        ...

    async def delete(self, org_id: UUID, person: Person, ids: Collection[UUID]) -> None:
        """Delete those of these events that name a person."""
        ...

    async def end(self, org_id: UUID, expiries: Mapping[datetime, Collection[UUID]]) -> None:
        """Have events that are kept end at other moments."""
        ...


class Rates(Protocol):
    """How much each key of web pages may send."""

    async def take(self, key_id: UUID, events: int) -> None:
        """Count events of a key. Raises TooManyEvents, and then counts none."""
        ...


class Schema(Protocol):
    """What is published for events of one name."""

    @property
    def version(self) -> int:
        """Counts from 1."""
        ...

    @property
    def enforced(self) -> bool:
        """Whether what does not fit is refused, and not only noted."""
        ...

    def violations(self, properties: Properties) -> Sequence[tuple[str, str]]:
        """What does not fit: a JSON pointer into the properties, and what is wrong there, without the value."""
        ...


class Schemas(Protocol):
    """The schemas that an organization has published."""

    async def newest(self, org_id: UUID, names: Collection[str]) -> Mapping[str, Schema]:
        """The newest ones for these names; those without one are left out."""
        ...


class Keeping(Protocol):
    """How long an organization's events are kept."""

    async def show(self, org_id: UUID) -> Retention:
        """For how long, and when they end where the organization was closed."""
        ...
