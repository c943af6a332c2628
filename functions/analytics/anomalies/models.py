"""Hours in which an organization's calls were not what such hours are."""

from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID, uuid5

from pydantic import Field

from analytics.querying.models import Metric
from llmo_core.model import Model
from llmo_core.money import decimal_text
from llmo_messaging.envelope import Event

HOUR: Final = timedelta(hours=1)
MOST_HOURS: Final = 24
"""So many hours are looked at later, where they could not be in their time."""

_NAMESPACE: Final = UUID("5e0b7d2e-4f0c-5a53-9a61-6d7b0c9f3a10")


class Direction(StrEnum):
    """Which way a value lies off."""

    ABOVE = "above"
    BELOW = "below"


class Anomaly(Model):
    """A metric of one hour that lies far from what the same hour of past weeks had.

    Attributes:
        hour: Where the hour begins, in UTC.
        expected: The median of the same hour of past weeks.
        score: The robust z-score: how many standard deviations off, were such hours distributed normally.
        weeks: How many past weeks were compared.
    """

    org_id: UUID
    hour: datetime
    metric: Metric
    direction: Direction
    value: float
    expected: float
    score: float
    weeks: int
    detected_at: datetime

    @property
    def texts(self) -> tuple[str, str]:
        """The value and what was expected as people read them: decimal text, of rates in percent."""
        factor = 100 if self.metric is Metric.ERROR_RATE else 1
        digits = 4 if self.metric is Metric.COST_USD else 1
        return decimal_text(_rounded(self.value * factor, digits)), decimal_text(
            _rounded(self.expected * factor, digits)
        )

    @property
    def id(self) -> UUID:
        """The same for the same metric of the same hour."""
        return uuid5(_NAMESPACE, f"{self.org_id}/{self.metric}/{self.hour.isoformat()}")


class AnomalyDetected(Event, name="llmo.analytics.anomaly.detected"):
    """An hour of an organization's calls was not what such hours are; see Anomaly.

    `value_text` and `expected_text` are for people: decimal text, of rates in percent.
    """

    org_id: UUID
    anomaly_id: UUID
    hour: datetime
    metric: str
    direction: Direction
    value: Annotated[float, Field(allow_inf_nan=False)]
    expected: Annotated[float, Field(allow_inf_nan=False)]
    score: Annotated[float, Field(allow_inf_nan=False)]
    weeks: int
    value_text: str
    expected_text: str


def _rounded(value: float, digits: int) -> Decimal:
    return Decimal(str(value)).quantize(Decimal(1).scaleb(-digits))
