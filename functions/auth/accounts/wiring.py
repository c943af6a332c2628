"""The use cases of accounts with their adapters."""

from auth import wiring as shared
from auth.accounts.closing import ClosingService
from auth.accounts.closing_repository import PostgresClosings, PostgresEmailChanges
from auth.accounts.email_changes import EmailService
from auth.accounts.profile import ProfileService
from auth.accounts.repository import PostgresAccounts
from auth.accounts.service import AccountService
from auth.api_keys.wiring import owned_keys
from auth.oauth.repository import PostgresApplications
from auth.one_time_tokens import OneTimeTokens
from auth.organizations.member_repository import PostgresMembers
from auth.organizations.repository import PostgresOrganizations
from auth.sign_in.passwords import Argon2Passwords
from auth.sign_in.repository import PostgresSessions
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
        profiles=shared.people(),
        tenants=PostgresOrganizations(shared.database()),
        events=shared.events(),
        transaction=shared.database().transaction,
    )


async def closing_service() -> ClosingService:
    """The use cases of closing organizations and deleting accounts."""
    return ClosingService(
        closings=PostgresClosings(shared.database()),
        applications=PostgresApplications(shared.database()),
        members=PostgresMembers(shared.database()),
        keys=owned_keys(),
        people=shared.people(),
        sessions=PostgresSessions(shared.database()),
        events=shared.events(),
        transaction=shared.database().transaction,
        clock=SystemClock(),
    )


async def email_service() -> EmailService:
    """The use cases of changing addresses."""
    return EmailService(
        changes=PostgresEmailChanges(shared.database()),
        people=shared.people(),
        sessions=PostgresSessions(shared.database()),
        attempts=shared.attempts(),
        tokens=OneTimeTokens(shared.pepper()),
        events=shared.events(),
        transaction=shared.database().transaction,
        clock=SystemClock(),
    )
