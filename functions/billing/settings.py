"""What the functions of billing are told by their environment."""

from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, Field

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
    """The database as `llmo_billing`, the pepper of API keys, the event bus, and how to reach Stripe.

    Attributes:
        stripe_api_key_secret: The secret with Stripe's API key; its value is `unset` where no payments are taken.
        stripe_base_url: Where Stripe's API is, when it is a stand-in; empty where it is Stripe's own.
        stripe_publishable_key: What browsers save cards with; empty where there is none.
        stripe_portal: `default` for the billing portal that the account has configured, or the id of another
            configuration (`bpc_...`); empty where there is no portal.
    """

    stripe_api_key_secret: str
    stripe_base_url: str = ""
    stripe_publishable_key: str = ""
    stripe_portal: str = ""


class UsageSettings(OperatorSettings, DatabaseSettings, ConsumerSettings):
    """The database as `llmo_billing`, and what every consumer is told."""


class TurnsSettings(DatabaseSettings, PublisherSettings):
    """The database as `llmo_billing`, and the event bus."""


class WatchSettings(OperatorSettings, TurnsSettings):
    """The same, and whose meters count."""


class FlowSettings(Settings):
    """The state machines that billing starts, by their ARNs."""

    dunning_state_machine: str
    refund_state_machine: str
    subscription_change_state_machine: str


class EventsSettings(TurnsSettings, ConsumerSettings, FlowSettings):
    """The same as the schedule's, the state machines, and what every consumer is told."""


class InvoiceSettings(Settings):
    """How invoices are made.

    Attributes:
        documents_bucket: Where they are kept as they are printed.
        invoice_grace_minutes: How late events of a period may be for its invoice.
        invoice_terms_days: How long after they are finalized invoices are due.
    """

    documents_bucket: str
    invoice_grace_minutes: Annotated[int, Field(ge=0, le=10_080)]
    invoice_terms_days: Annotated[int, Field(ge=0, le=365)]


class DunningSettings(Settings):
    """What is done about invoices that could not be collected.

    Attributes:
        dunning_steps: On which days; see `billing.dunning.plan`.
        dunning_day_seconds: How long a day is.
    """

    dunning_steps: str
    dunning_day_seconds: Annotated[float, Field(ge=0.1, le=86_400)]


class BillingApiSettings(BillingSettings, InvoiceSettings):
    """What the API is told, and whatever makes invoices."""


class TasksSettings(BillingApiSettings, DunningSettings):
    """What the tasks of state machines are told."""
