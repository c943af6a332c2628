"""Bodies about accounts."""

from datetime import datetime
from typing import Annotated, Any, Final, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from billing.accounts.models import Account, AccountDetails
from billing.taxes import Taxation

EXAMPLE: Final[dict[str, Any]] = {
    "name": "Acme GmbH",
    "email": "billing@acme.example",
    "address": {"line1": "Alte Schönhauser Straße 1", "postal_code": "10119", "city": "Berlin", "country": "DE"},
    "tax_ids": [{"type": "eu_vat", "value": "DE123456789"}],
    "time_zone": "Europe/Berlin",
    "locale": "de-DE",
}
TAXED: Final[dict[str, Any]] = {"behavior": "exclusive", "rates": [{"code": "vat", "name": "VAT", "percent": "19"}]}

_REVISION = Field(description="1, and one more with each change; the `ETag`.")


class UpdateAccount(AccountDetails):
    """All that an organization says of itself; what is left out is as it is by default."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    def wanted(self) -> AccountDetails:
        """What is asked for."""
        return AccountDetails(**dict(self))


class AccountOut(AccountDetails):
    """Who is billed, and how that is taxed."""

    org_id: UUID
    taxation: Taxation
    revision: Annotated[int, _REVISION]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, account: Account) -> Self:
        """Show an account."""
        return cls(**dict(account.details), **{name: value for name, value in account if name != "details"})


class TaxationOut(Taxation):
    """How an organization is taxed."""

    org_id: UUID
    revision: Annotated[int, _REVISION]

    @classmethod
    def of(cls, account: Account) -> Self:
        """Show how an account is taxed."""
        return cls(**dict(account.taxation), org_id=account.org_id, revision=account.revision)
