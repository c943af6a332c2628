"""Anomalies as the API shows them."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import ConfigDict, Field

from analytics.anomalies.models import Anomaly, Direction
from analytics.querying.models import Metric
from analytics.usage.schemas import Moment
from llmo_core.model import Model


class AnomalyParameters(Model):
    """Which hours to list."""

    model_config = ConfigDict(populate_by_name=True)

    from_: Moment | None = Field(
        None, alias="from", description="RFC 3339 or a UTC date. 30 days before `to` when left out."
    )
    to: Moment | None = Field(None, description="RFC 3339 or a UTC date; exclusive. Now when left out.")


class AnomalyOut(Model):
    """A metric of one hour that lies far from what the same hour of past weeks had.

    `expected` is the median of those hours, `score` the robust z-score: how many standard deviations off, were such
    hours distributed normally. Costs are in US dollars, latencies in milliseconds, rates lie in [0, 1].
    """

    id: UUID
    hour: datetime
    metric: Metric
    direction: Direction
    value: float
    expected: float
    score: float
    weeks: int
    detected_at: datetime

    @classmethod
    def of(cls, anomaly: Anomaly) -> Self:
        """Show an anomaly."""
        return cls(id=anomaly.id, **anomaly.model_dump(exclude={"org_id"}))


class AnomaliesOut(Model):
    """Anomalies, the newest first; at most 500."""

    data: list[AnomalyOut]
