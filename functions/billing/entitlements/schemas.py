"""Bodies about entitlements."""

from billing.entitlements.models import Entitlement
from llmo_core.model import Model


class EntitlementList(Model):
    """What the organization's plan has; nothing without a subscription that runs."""

    data: list[Entitlement]
