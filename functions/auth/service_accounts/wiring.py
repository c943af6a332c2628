"""The use cases of service accounts with their adapters."""

from auth import wiring as shared
from auth.api_keys.wiring import owned_keys
from auth.client_secrets import ClientSecrets
from auth.organizations.member_repository import PostgresMembers
from auth.service_accounts.repository import PostgresServiceAccounts
from auth.service_accounts.service import ServiceAccountService
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id


async def service_account_service() -> ServiceAccountService:
    """The use cases of service accounts."""
    return ServiceAccountService(
        accounts=PostgresServiceAccounts(shared.database()),
        organizations=PostgresMembers(shared.database()),
        secrets=ClientSecrets(shared.pepper()),
        keys=owned_keys(),
        events=shared.events(),
        transaction=shared.database().transaction,
        clock=SystemClock(),
        new_id=new_id,
    )
