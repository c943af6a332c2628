"""Who may call the routes of billing, and what those refuse that several have in common."""

from typing import Annotated

from fastapi import Depends, Header

from llmo_auth.guard import Allowed
from llmo_auth.principal import Permission, Principal
from llmo_core.http.documentation import refusals

type Reader = Annotated[Principal, Depends(Allowed(Permission.BILLING_READ))]
type Writer = Annotated[Principal, Depends(Allowed(Permission.BILLING_WRITE))]
type Reporter = Annotated[Principal, Depends(Allowed(Permission.BILLING_REPORT))]

# Not the idempotent route's, whose transaction is the caller's: what the operator does here is of another organization.
type RequestKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x20-\x7e]+$",
        description="Makes one of however many requests about this payment or invoice carry it; the others are "
        "answered with what was made then, as it is now.",
        examples=["b3c1d7e2"],
    ),
]

CURSOR = refusals(status_400="The cursor is not one of this API's.")
OPERATOR = refusals(
    status_403="The caller lacks the permission `billing:write`, or is not of the organization that operates all this."
)
STRIPE = refusals(status_503="Stripe, or a store that this needs, does not answer, or there is no key; `Retry-After`.")
