"""The use cases of policies with their adapters."""

from integration.management import wiring as shared
from integration.management.policies.repository import PostgresPolicies
from integration.management.policies.service import PolicyService
from llmo_core.clock import SystemClock


async def policy_service() -> PolicyService:
    """The use cases of policies."""
    return PolicyService(
        policies=PostgresPolicies(shared.database()),
        events=shared.events(),
        change=shared.changes().change,
        clock=SystemClock(),
    )
