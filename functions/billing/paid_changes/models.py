"""Changes of subscriptions that are paid for before they take effect."""

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Self
from uuid import UUID

from billing.fields import MinorUnits
from billing.subscriptions.models import Terms
from llmo_core.currencies import Currency
from llmo_core.errors import Conflict, NotFound
from llmo_core.fields import Moment
from llmo_core.model import Model


class ChangeStatus(StrEnum):
    """How far a change is; the last two are final."""

    REQUESTED = "requested"
    CHARGED = "charged"
    APPLIED = "applied"
    FAILED = "failed"

    @property
    def final(self) -> bool:
        """Whether nothing changes any more."""
        return self in {ChangeStatus.APPLIED, ChangeStatus.FAILED}


class PaidChange(Model):
    """A change of a subscription that takes effect once it is paid for.

    Attributes:
        revision: Of the subscription for which the amount was computed: of another one it is not applied.
        terms: What is changed to.
        amount: What is charged, in minor units: what the change's invoice leaves to pay.
        top_up_id: The credit that is bought for it; None where nothing was, or is, to be charged.
        failure: Why it was not applied, in a word.
        expires_at: Until when it has to be paid.
    """

    id: UUID
    org_id: UUID
    subscription_id: UUID
    revision: int
    terms: Terms
    currency: Currency
    amount: MinorUnits
    top_up_id: UUID | None = None
    status: ChangeStatus = ChangeStatus.REQUESTED
    failure: str | None = None
    requested_by: UUID
    requested_at: Moment
    expires_at: Moment
    ended_at: Moment | None = None

    def charged(self, top_up_id: UUID | None) -> Self:
        """The same, with what it costs asked for."""
        return self.model_copy(update={"status": ChangeStatus.CHARGED, "top_up_id": top_up_id})

    def applied(self, now: datetime) -> Self:
        """The same, in effect."""
        return self.model_copy(update={"status": ChangeStatus.APPLIED, "ended_at": now})

    def failed(self, failure: str, now: datetime) -> Self:
        """The same, without effect."""
        return self.model_copy(update={"status": ChangeStatus.FAILED, "failure": failure, "ended_at": now})


def in_a_word(error: str) -> str:
    """The name of an error as this API writes it: `changed_meanwhile` of ChangedMeanwhile."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", error.rpartition(".")[2]).lower()[:200] or "unknown"


class UnknownChange(NotFound):
    """The subscription has no such change that is paid for first."""


class NothingToPayNow(Conflict):
    """The change comes with the next period, or changes nothing: it is not paid for first."""


class ChangeFailed(Conflict):
    """The change has failed: it is not applied any more."""


class NotPaidFor(Conflict):
    """The change is not paid for: it is not applied yet."""


class ChangeUnderWay(Conflict):
    """Another change of this subscription is being paid for."""

    def __init__(self, change_id: UUID | None) -> None:
        super().__init__()
        extensions: Mapping[str, str] = {"change_id": str(change_id)} if change_id is not None else {}
        self.extensions = MappingProxyType(dict(extensions))
