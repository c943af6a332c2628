"""What detecting needs of the world around it. Of stores everything raises StoreUnavailable."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from analytics.anomalies.models import Anomaly


class Anomalies(Protocol):
    """Where anomalies are kept."""

    async def add(self, anomalies: Sequence[Anomaly]) -> None:
        """Keep anomalies; those that are kept already stay as they are."""
        ...

    async def unannounced(self, *, limit: int) -> Sequence[Anomaly]:
        """Those that nobody was told of, the oldest first."""
        ...

    async def announced(self, anomaly: Anomaly) -> None:
        """Note that others were told."""
        ...

    async def between(self, org_id: UUID, start: datetime, end: datetime, *, limit: int) -> Sequence[Anomaly]:
        """An organization's, the newest first."""
        ...


class Marks(Protocol):
    """How far each organization's hours were looked at."""

    async def all(self) -> Mapping[UUID, datetime]:
        """The last hour that was looked at, of each organization of which one was."""
        ...

    async def note(self, org_id: UUID, hour: datetime) -> None:
        """Note that an hour was looked at, and those before it."""
        ...

    async def forget(self, *, before: datetime) -> None:
        """Forget organizations of which no hour was looked at since."""
        ...


class Organizations(Protocol):
    """Who has calls."""

    async def active_since(self, since: datetime) -> Sequence[UUID]:
        """Organizations with calls since then."""
        ...


class Announcements(Protocol):
    """The bus."""

    async def detected(self, anomaly: Anomaly) -> None:
        """Tell others; every repetition is the same event. Raises PublishFailed."""
        ...
