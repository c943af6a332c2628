"""The use cases of providers with their adapters.

What calls a provider is imported when one is called: aiohttp takes a while.
"""

from integration.management import wiring as shared
from integration.management.providers.credentials import CredentialSafe
from integration.management.providers.models import ConnectionTest, Provider
from integration.management.providers.repository import PostgresProviders
from integration.management.providers.service import ProviderService
from integration.management.wiring import once
from integration.provider_credentials import ProviderCredentials
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id


@once
def _safe() -> CredentialSafe:
    return CredentialSafe(ProviderCredentials(shared.encryption()))


class _ModelListsLater:
    async def test(self, provider: Provider, api_key: str | None) -> ConnectionTest:
        from integration.management.providers.connection import ModelLists  # noqa: PLC0415 - see above

        return await ModelLists(policy=shared.address_policy()).test(provider, api_key)


async def provider_service() -> ProviderService:
    """The use cases of providers."""
    return ProviderService(
        providers=PostgresProviders(shared.database()),
        references=shared.references(),
        safe=_safe(),
        tests=_ModelListsLater(),
        policy=shared.address_policy(),
        events=shared.events(),
        change=shared.changes().change,
        clock=SystemClock(),
        new_id=new_id,
    )
