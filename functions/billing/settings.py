"""What the functions of billing are told by their environment."""

from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator

from llmo_auth.settings import ServiceSettings
from llmo_core.settings import DatabaseSettings, Settings
from llmo_messaging.settings import ConsumerSettings, PublisherSettings


def _named(given: object) -> object:
    return None if given == "" else given


class OperatorSettings(Settings):
    """Who operates the deployment.

    Attributes:
        operator_org_id: The organization whose members make meters and plans; empty where nobody does.
    """

    operator_org_id: Annotated[UUID | None, BeforeValidator(_named)]


class BillingSettings(OperatorSettings, ServiceSettings):
    """The database as `llmo_billing`, the pepper of API keys, the event bus."""


class UsageSettings(OperatorSettings, DatabaseSettings, ConsumerSettings):
    """The database as `llmo_billing`, and what every consumer is told."""


class TurnsSettings(DatabaseSettings, PublisherSettings):
    """The database as `llmo_billing`, and the event bus."""


class EventsSettings(TurnsSettings, ConsumerSettings):
    """The same, and what every consumer is told."""
