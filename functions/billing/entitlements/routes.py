"""Entitlements over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from billing.callers import Reader
from billing.entitlements import wiring
from billing.entitlements.models import Entitlement
from billing.entitlements.schemas import EntitlementList
from billing.entitlements.service import EntitlementService

router = APIRouter(prefix="/api/v1/billing/entitlements")

type Entitlements = Annotated[EntitlementService, Depends(wiring.entitlement_service)]
type FeatureCode = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$", examples=["calls"])]


@router.get("")
async def list_entitlements(principal: Reader, service: Entitlements) -> EntitlementList:
    """List what the organization may use by the plan that it has now, with what is left of it."""
    return EntitlementList(data=[*await service.all(principal.org_id)])


@router.get("/{feature}")
async def read_entitlement(feature: FeatureCode, principal: Reader, service: Entitlements) -> Entitlement:
    """Say whether the organization may use a feature.

    What its plan does not have, or what it has no plan for, is not allowed: that is an answer, and no error.
    """
    return await service.to(principal.org_id, feature)
