"""The use cases of accounts with their adapters."""

from billing import wiring as shared
from billing.accounts.repository import PostgresAccounts
from billing.accounts.service import AccountService
from llmo_core.clock import SystemClock


async def account_service() -> AccountService:
    """The use cases of accounts."""
    return AccountService(
        accounts=PostgresAccounts(shared.database()),
        operator=shared.operator(),
        events=shared.events(),
        transaction=shared.database().transaction,
        clock=SystemClock(),
    )
