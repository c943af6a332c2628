"""Registering: from an address and a password to a user with an organization."""

from collections.abc import Sequence
from typing import Protocol

from auth.models import Origin
from auth.one_time_tokens import InvalidToken, OneTimeTokens
from auth.registration.models import (
    VERIFICATION_LIFE,
    EmailVerificationRequested,
    NewAccount,
    NewUser,
    Registration,
    RegistrationAmbiguous,
    RegistrationRepeated,
)
from auth.registration.opening import AccountOpening, NewAccounts, named_after
from auth.registration.password_policy import PasswordPolicy
from auth.sign_in.ports import Attempts, Passwords, People
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_data.ports import Events, Transaction


class Registrations(NewAccounts, Protocol):
    """Registrations that wait for their address to be verified."""

    async def add(self, registration: Registration) -> None:
        """Keep a registration beside any others of the same address."""
        ...

    async def pending(self, email: str) -> Sequence[Registration]:
        """The registrations of an address, the newest first, also those whose token has expired."""
        ...

    async def shown(self, token_hash: str) -> Registration | None:
        """The registration that a token stands for."""
        ...


class RegistrationService:
    """Registers people, and verifies their addresses. No answer tells whether an address has an account."""

    def __init__(
        self,
        *,
        registrations: Registrations,
        people: People,
        passwords: Passwords,
        policy: PasswordPolicy,
        attempts: Attempts,
        tokens: OneTimeTokens,
        events: Events,
        transaction: Transaction,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._registrations = registrations
        self._opening = AccountOpening(accounts=registrations, events=events, transaction=transaction, new_id=new_id)
        self._people = people
        self._passwords = passwords
        self._policy = policy
        self._attempts = attempts
        self._tokens = tokens
        self._events = events
        self._transaction = transaction
        self._clock = clock
        self._new_id = new_id

    async def register(
        self, *, email: str, password: str, name: str | None, organization: str | None, origin: Origin
    ) -> None:
        """Have a link mailed to the address; when it has an account already, the mail says that instead.

        Safe to repeat: each mail's link leads to an account with the password that was given with it, so people should
        follow the link of their own registration only. Raises
        PasswordRefused, TooManyAttempts.
        """
        self._policy.check(password, email=email)
        if not await self._attempts.may_mail(email, origin.ip):
            return
        called = named_after(email, name=name, organization=organization)
        await self._ask(email, password_hash=self._passwords.hash(password), name=called[0], organization=called[1])

    async def resend(self, email: str, *, origin: Origin) -> None:
        """Have a registration's mail sent again, with a new link. Raises TooManyAttempts.

        When the address was registered with different passwords, one of them may be a stranger's: then the mail says
        to register again.
        """
        if not await self._attempts.may_mail(email, origin.ip):
            return
        pending = await self._registrations.pending(email)
        if len({registration.password_hash for registration in pending}) > 1:
            ambiguous = RegistrationAmbiguous(registration_id=pending[0].id, email=email)
            await self._events.announce(ambiguous, org_id=None, aggregate_id=pending[0].id)
        elif pending:
            known = pending[0]
            await self._ask(
                known.email, password_hash=known.password_hash, name=known.name, organization=known.organization
            )

    async def _ask(self, email: str, *, password_hash: str, name: str, organization: str) -> None:
        text, token_hash = self._tokens.make("verify-email")
        now = self._clock.now()
        registration = Registration(
            id=self._new_id(),
            token_hash=token_hash,
            email=email,
            password_hash=password_hash,
            name=name,
            organization=organization,
            created_at=now,
            expires_at=now + VERIFICATION_LIFE,
        )
        async with self._transaction(None):
            known = await self._people.by_email(email)
            if known is not None:
                repeated = RegistrationRepeated(user_id=known.user_id, email=known.email)
                await self._events.announce(repeated, org_id=None, aggregate_id=known.user_id)
                return
            await self._registrations.add(registration)
            asked = EmailVerificationRequested(
                registration_id=registration.id, email=email, name=name, token=text, expires_at=registration.expires_at
            )
            await self._events.announce(asked, org_id=None, aggregate_id=registration.id)

    async def asked(self, token: str) -> Registration:
        """What a mailed token would open an account for. Nothing changes. Raises InvalidToken."""
        registration = await self._registrations.shown(self._tokens.digest("verify-email", token))
        if registration is None or registration.expires_at <= self._clock.now():
            raise InvalidToken
        return registration

    async def verify(self, token: str) -> NewAccount:
        """Make the account that a mailed token stands for. Raises InvalidToken; a token works once."""
        registration = await self.asked(token)
        user = NewUser(**registration.model_dump(include=set(NewUser.model_fields)))
        account = await self._opening.open(user)
        if account is None:
            raise InvalidToken
        return account
