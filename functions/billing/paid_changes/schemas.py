"""Bodies about changes that are paid for first."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from billing.paid_changes.models import ChangeStatus, PaidChange
from billing.subscriptions.schemas import ChangeSubscription, TermsOut

_PLAN: Final = "01980a5e-7c00-7000-8000-000000000010"


class PaymentBefore(StrEnum):
    """Whether a change is paid for before it takes effect."""

    INVOICED = "invoiced"
    REQUIRED = "required"


class ChangeWithPayment(ChangeSubscription):
    """What is to be different, and whether that is paid for first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"seats": 8}, {"plan_id": _PLAN, "payment": "required"}]})

    payment: Annotated[
        PaymentBefore,
        Field(
            description="`invoiced`: it takes effect and is invoiced. `required`: it takes effect once it is paid, or"
            " not at all, and is answered with 202."
        ),
    ] = PaymentBefore.INVOICED


class PaidChangeOut(TermsOut):
    """A change that is paid for first, with the terms that it brings.

    `requested` and `charged` are under way; while it is `charged` the customer may have to authenticate the payment for
    `top_up_id`. What was paid for one that has `failed` is credit.
    """

    id: UUID
    subscription_id: UUID
    status: ChangeStatus
    amount: Annotated[int, Field(description="What is charged, in minor units.")]
    top_up_id: Annotated[UUID | None, Field(description="The credit that is bought for it; its payment's purpose.")]
    failure: Annotated[str | None, Field(description="Why it has no effect: Stripe's decline code, or an error's.")]
    requested_by: UUID
    requested_at: datetime
    expires_at: Annotated[datetime, Field(description="Until when it has to be paid.")]
    ended_at: datetime | None

    @classmethod
    def showing(cls, change: PaidChange) -> Self:
        """Show a change."""
        shown = {name: getattr(change, name) for name in PaidChange.model_fields if name in cls.model_fields}
        return cls(**{**dict(TermsOut.of(change.terms)), **shown})
