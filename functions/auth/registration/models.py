"""Registering and resetting passwords: what is kept of it, what it announces, and what can go wrong."""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from pydantic import Field

from llmo_core.errors import Invalid
from llmo_core.model import Model
from llmo_messaging.envelope import Event

VERIFICATION_LIFE = timedelta(hours=1)
RESET_LIFE = timedelta(minutes=30)


class Registration(Model):
    """Somebody who wants an account, and has yet to show that the mail to the address is theirs."""

    id: UUID
    token_hash: str
    email: str
    password_hash: str = Field(repr=False)
    name: str
    organization: str
    created_at: datetime
    expires_at: datetime


class PasswordReset(Model):
    """A link that was mailed to somebody who forgot the password."""

    token_hash: str
    user_id: UUID
    created_at: datetime
    expires_at: datetime


class NewUser(Model):
    """Somebody whose address is verified.

    Attributes:
        password_hash: None for somebody who signs in elsewhere.
        organization: What to call theirs.
    """

    email: str
    password_hash: str | None = Field(repr=False)
    name: str
    organization: str


class NewAccount(Model):
    """What a verified address becomes."""

    user_id: UUID
    org_id: UUID
    project_id: UUID


class EmailVerificationRequested(Event, name="llmo.auth.email.verification_requested"):
    """Mail this address a link with the token: whoever follows it gets the account."""

    registration_id: UUID
    email: str
    name: str
    token: str = Field(repr=False)
    expires_at: datetime


class RegistrationRepeated(Event, name="llmo.auth.registration.repeated"):
    """Somebody registered an address that has an account: mail it that there is nothing to do, or how to sign in."""

    user_id: UUID
    email: str


class RegistrationAmbiguous(Event, name="llmo.auth.registration.ambiguous"):
    """The address was registered with different passwords: mail it to register anew and follow that mail's link."""

    registration_id: UUID
    email: str


class UserRegistered(Event, name="llmo.auth.user.registered"):
    """A new user, who owns a new organization."""

    user_id: UUID
    email: str
    name: str
    org_id: UUID


class PasswordResetRequested(Event, name="llmo.auth.password.reset_requested"):
    """Mail this user a link with the token: whoever follows it may choose a new password."""

    user_id: UUID
    email: str
    token: str = Field(repr=False)
    expires_at: datetime


class PasswordResetUnknown(Event, name="llmo.auth.password.reset_unknown"):
    """A reset was asked for an address without an account. It is told of so that both cases cost the same time."""

    ip: str | None


class PasswordChanged(Event, name="llmo.auth.password.changed"):
    """Mail this user that the password is another one now, in case it was not they who changed it."""

    user_id: UUID
    email: str
    by_reset: bool


class PasswordFault(StrEnum):
    """Why a password may not be chosen."""

    LENGTH = "length"
    COMMON = "common"
    OWN_ADDRESS = "own_address"


class PasswordRefused(Invalid):
    """The password is one that is easily guessed."""

    def __init__(self, detail: str, *, fault: PasswordFault) -> None:
        super().__init__(detail)
        self.fault = fault
