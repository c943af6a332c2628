"""The use cases of registering and of passwords with their adapters."""

from auth import wiring as shared
from auth.one_time_tokens import OneTimeTokens
from auth.registration.common_passwords import is_common
from auth.registration.opening import AccountOpening
from auth.registration.password_changes import PasswordService
from auth.registration.password_policy import PasswordPolicy
from auth.registration.repository import PostgresPasswordResets, PostgresRegistrations
from auth.registration.service import RegistrationService
from auth.sign_in.passwords import Argon2Passwords
from auth.sign_in.repository import PostgresSessions
from auth.wiring import once
from llmo_core.clock import SystemClock
from llmo_core.ids import new_id


@once
def account_opening() -> AccountOpening:
    """Opens accounts, for every way of verifying an address."""
    return AccountOpening(
        accounts=PostgresRegistrations(shared.database()),
        events=shared.events(),
        transaction=shared.database().transaction,
        new_id=new_id,
    )


@once
def _registration_service() -> RegistrationService:
    return RegistrationService(
        registrations=PostgresRegistrations(shared.database()),
        people=shared.people(),
        passwords=Argon2Passwords(),
        policy=PasswordPolicy(is_common),
        attempts=shared.attempts(),
        tokens=OneTimeTokens(shared.pepper()),
        events=shared.events(),
        transaction=shared.database().transaction,
        clock=SystemClock(),
        new_id=new_id,
    )


async def registration_service() -> RegistrationService:
    """The use cases of registering."""
    return _registration_service()


@once
def _password_service() -> PasswordService:
    return PasswordService(
        resets=PostgresPasswordResets(shared.database()),
        people=shared.people(),
        sessions=PostgresSessions(shared.database()),
        passwords=Argon2Passwords(),
        policy=PasswordPolicy(is_common),
        attempts=shared.attempts(),
        tokens=OneTimeTokens(shared.pepper()),
        events=shared.events(),
        transaction=shared.database().transaction,
        clock=SystemClock(),
    )


async def password_service() -> PasswordService:
    """The use cases of changing and resetting passwords."""
    return _password_service()
