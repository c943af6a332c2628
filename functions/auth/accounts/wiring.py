"""The use cases of accounts with their adapters."""

from auth import wiring as shared
from auth.accounts.profile import ProfileService
from auth.accounts.repository import PostgresAccounts, PostgresProfiles
from auth.accounts.service import AccountService
from auth.organizations.repository import PostgresOrganizations
from auth.sign_in.passwords import Argon2Passwords
from auth.wiring import once
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id


@once
def account_service() -> AccountService:
    """The use cases of accounts."""
    return AccountService(
        accounts=PostgresAccounts(shared.database()),
        events=shared.events(),
        transaction=shared.database().transaction,
        hash_password=Argon2Passwords().hash,
        pepper=shared.pepper(),
        clock=SystemClock(),
        new_id=new_id,
    )


async def profile_service() -> ProfileService:
    """The use cases of profiles."""
    return ProfileService(
        profiles=PostgresProfiles(shared.database()),
        tenants=PostgresOrganizations(shared.database()),
        events=shared.events(),
        transaction=shared.database().transaction,
    )
