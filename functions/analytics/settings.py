"""What the analytics functions are told by their environment."""

from typing import Annotated

from pydantic import Field

from llmo_core.settings import Settings
from llmo_messaging.settings import ConsumerSettings


class AnalyticsSettings(Settings):
    """Where usage is kept."""

    mongodb_uri_secret: str
    mongodb_database: str = "llmo"


class UsageConsumerSettings(AnalyticsSettings, ConsumerSettings):
    """Where usage is kept, and what every consumer is told."""


class TrackingSettings(AnalyticsSettings):
    """And for how many days tracked events are kept, where no plan says otherwise."""

    event_retention_days: Annotated[int, Field(ge=31, le=3660)] = 90
