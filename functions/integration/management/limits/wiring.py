"""The use cases of limits with their adapters."""

from integration.management import wiring as shared
from integration.management.configuring import Configuring
from integration.management.limits.models import Limit
from integration.management.limits.repository import PostgresLimits
from integration.management.limits.service import LIMITS


async def limit_service() -> Configuring[Limit]:
    """The use cases of limits."""
    return shared.configuring(LIMITS, PostgresLimits(shared.database()))
