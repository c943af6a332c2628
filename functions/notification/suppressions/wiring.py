"""The use case of suppressions with its adapters."""

from notification import wiring as shared
from notification.address_hashes import address_hash
from notification.suppressions.repository import PostgresSuppressed
from notification.suppressions.service import SuppressionService


async def suppression_service() -> SuppressionService:
    """The use case of suppressions."""
    settings = shared.api_settings()
    pepper = shared.parts.pepper()
    return SuppressionService(
        suppressions=PostgresSuppressed(shared.database()),
        events=shared.events(),
        transaction=shared.database().transaction,
        operator_id=settings.operator_org_id,
        address_hash=lambda address: address_hash(address, pepper),
    )
