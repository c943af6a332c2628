"""What the billing API is told by its environment."""

from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator

from llmo_auth.settings import ServiceSettings


def _named(given: object) -> object:
    return None if given == "" else given


class BillingSettings(ServiceSettings):
    """The database as `llmo_billing`, the pepper of API keys, the event bus.

    Attributes:
        operator_org_id: The organization whose members make meters and plans; empty where nobody does.
    """

    operator_org_id: Annotated[UUID | None, BeforeValidator(_named)]
