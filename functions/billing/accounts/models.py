"""Who is billed, where, and how it is taxed."""

from collections.abc import Collection
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from billing.accounts.fields import Country, Email, Line, Locale, TaxId
from billing.models import ChangedMeanwhile
from billing.taxes import UNTAXED, Taxation
from llmo_core.fields import Moment, Name, TimeZone
from llmo_core.model import Model
from llmo_messaging.envelope import Event

MOST_TAX_IDS = 5


class Address(Model):
    """Where somebody is billed; what a country does not have is left out.

    Attributes:
        state: A state, county, province or region.
    """

    line1: Line
    line2: Line | None = None
    postal_code: Line | None = None
    city: Line
    state: Line | None = None
    country: Country


class AccountDetails(Model):
    """What an organization says of itself.

    Attributes:
        time_zone: Whose days count for subscriptions that start from now on.
        locale: The language and the region that numbers and dates are written for.
    """

    name: Name | None = None
    email: Email | None = None
    address: Address | None = None
    tax_ids: Annotated[tuple[TaxId, ...], Field(max_length=MOST_TAX_IDS)] = ()
    time_zone: TimeZone = "UTC"
    locale: Locale = "en"

    @model_validator(mode="after")
    def _tax_ids_once(self) -> Self:
        if len({(each.type, each.value) for each in self.tax_ids}) < len(self.tax_ids):
            raise ValueError("each tax id is given once")
        return self


class Account(Model):
    """What an organization's invoices say of it.

    Attributes:
        taxation: How its invoices are taxed; the operator decides that.
        revision: 1, and one more with each change.
    """

    org_id: UUID
    details: AccountDetails = AccountDetails()
    taxation: Taxation = UNTAXED
    revision: int = 1
    created_at: Moment
    updated_at: Moment

    def require_revision(self, expected: Collection[int] | None) -> None:
        """Raise ChangedMeanwhile unless the revision is one of these; None are all."""
        if expected is not None and self.revision not in expected:
            raise ChangedMeanwhile


class AccountUpdated(Event, name="llmo.billing.account.updated"):
    """An organization's account, or how it is taxed, is another one. `by` is who changed it."""

    revision: int
    time_zone: str
    taxation_changed: bool
    by: UUID
