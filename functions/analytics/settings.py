"""What the analytics functions are told by their environment."""

from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, Field

from llmo_core.settings import Settings
from llmo_messaging.settings import ConsumerSettings, PublisherSettings


def _named(given: object) -> object:
    return None if given == "" else given


class OperatorSettings(Settings):
    """Who operates the deployment.

    Attributes:
        operator_org_id: The organization whose members see the platform's own figures; empty where nobody does.
    """

    operator_org_id: Annotated[UUID | None, BeforeValidator(_named)]


class StoreSettings(Settings):
    """Where everything is kept."""

    mongodb_uri_secret: str
    mongodb_database: str = "llmo"


class AnalyticsSettings(StoreSettings):
    """Where usage is kept, and for how long.

    Attributes:
        usage_retention_days: For how long single calls are kept; what they add up to is kept for good.
        event_retention_days: For how long tracked events are kept, where no plan says otherwise.
    """

    usage_retention_days: Annotated[int, Field(ge=31, le=3660)] = 90
    event_retention_days: Annotated[int, Field(ge=31, le=3660)] = 90


class UsageConsumerSettings(AnalyticsSettings, ConsumerSettings):
    """Where usage is kept, and what every consumer is told."""


class FilesBucketSettings(StoreSettings):
    """Where exports and reports are kept, too."""

    analytics_files_bucket: str


class WebEventSettings(Settings):
    """The gateway's Redis, and how much web pages may send.

    Attributes:
        web_events_per_minute: The most events of one key that web pages hold.
    """

    redis_url_secret: str
    web_events_per_minute: Annotated[int, Field(ge=1_000)]  # a batch's


class LiveSettings(StoreSettings):
    """Where everything is kept, and how many executions streams have.

    Attributes:
        live_concurrency: Of all organizations together; 0 where there is no bound.
    """

    live_concurrency: Annotated[int, Field(ge=0)]


class ApiSettings(AnalyticsSettings, FilesBucketSettings, OperatorSettings, PublisherSettings, WebEventSettings):
    """What the API is told."""


class FilesSettings(FilesBucketSettings, PublisherSettings, ConsumerSettings):
    """What the maker of files is told."""


class AnomalySettings(StoreSettings, PublisherSettings):
    """What the watch for anomalies is told."""
