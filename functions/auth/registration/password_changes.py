"""Changing a password, and resetting one that was forgotten."""

from typing import Protocol
from uuid import UUID

from auth.models import Origin
from auth.one_time_tokens import InvalidToken, OneTimeTokens
from auth.registration.models import (
    RESET_LIFE,
    PasswordChanged,
    PasswordReset,
    PasswordResetRequested,
    PasswordResetUnknown,
)
from auth.registration.password_policy import PasswordPolicy
from auth.sign_in.models import Credentials, InvalidCredentials
from auth.sign_in.ports import Attempts, Passwords, People, Sessions
from llmo_auth.principal import Person
from llmo_core.clock import Clock
from llmo_core.errors import Unavailable
from llmo_core.observability import logger
from llmo_data.ports import Events, Transaction


class PasswordResets(Protocol):
    """Links that were mailed to people who forgot their password."""

    async def add(self, reset: PasswordReset) -> None:
        """Keep a link beside any others of the same user."""
        ...

    async def shown(self, token_hash: str) -> PasswordReset | None:
        """The reset that a token stands for."""
        ...

    async def take(self, reset: PasswordReset) -> bool:
        """Forget a reset and every other one of its user's; False when somebody was faster."""
        ...


class PasswordService:
    """Lets people choose another password."""

    def __init__(
        self,
        *,
        resets: PasswordResets,
        people: People,
        sessions: Sessions,
        passwords: Passwords,
        policy: PasswordPolicy,
        attempts: Attempts,
        tokens: OneTimeTokens,
        events: Events,
        transaction: Transaction,
        clock: Clock,
    ) -> None:
        self._resets = resets
        self._people = people
        self._sessions = sessions
        self._passwords = passwords
        self._policy = policy
        self._attempts = attempts
        self._tokens = tokens
        self._events = events
        self._transaction = transaction
        self._clock = clock

    async def forgot(self, email: str, *, origin: Origin) -> None:
        """Have a link mailed to the address when it has an account. Raises TooManyAttempts.

        Nothing tells the two cases apart: the same is answered, and about the same is done.
        """
        if not await self._attempts.may_mail(email, origin.ip):
            return
        text, token_hash = self._tokens.make("reset-password")
        now = self._clock.now()
        async with self._transaction(None):
            person = await self._people.by_email(email)
            if person is None:
                unknown = PasswordResetUnknown(ip=origin.ip)
                nobody = UUID(token_hash[:32])  # no other event is about it
                await self._events.announce(unknown, org_id=None, aggregate_id=nobody)
                return
            locked = await self._people.locked(person.user_id)
            if locked is None or locked.email != person.email:  # the address changes at this moment
                return
            reset = PasswordReset(
                token_hash=token_hash, user_id=person.user_id, created_at=now, expires_at=now + RESET_LIFE
            )
            await self._resets.add(reset)
            asked = PasswordResetRequested(
                user_id=person.user_id, email=person.email, token=text, expires_at=reset.expires_at
            )
            await self._events.announce(asked, org_id=None, aggregate_id=person.user_id)

    async def asked(self, token: str) -> PasswordReset:
        """What a mailed token would set a new password for. Nothing changes. Raises InvalidToken."""
        reset = await self._resets.shown(self._tokens.digest("reset-password", token))
        if reset is None or reset.expires_at <= self._clock.now():
            raise InvalidToken
        return reset

    async def reset(self, token: str, password: str) -> None:
        """Set a new password, end every session, and let the account sign in again at once; nobody is signed in by it.

        A token works once, and the user's other ones not at all afterwards. A password that is refused uses none up.
        Raises InvalidToken, PasswordRefused.
        """
        async with self._transaction(None):
            reset = await self.asked(token)
            person = await self._people.locked(reset.user_id)
            if person is None or not await self._resets.take(reset):  # of two at once, one gets it
                raise InvalidToken
            await self._set(person, password, keep=None)
        try:
            await self._forget_failures(person)
        except Unavailable:  # the password is set: the account waits out its delay
            logger().exception("an account's failures could not be forgotten")

    async def change(self, person: Person, *, current: str, new: str, origin: Origin) -> None:
        """Set a new password for somebody who knows the old one, and end their other sessions.

        Raises TooManyAttempts, InvalidCredentials, PasswordRefused.
        """
        known = await self._people.credentials(person.user_id)
        if known is None:
            raise InvalidCredentials
        await self._attempts.begin(known.email, origin.ip)
        if not self._passwords.verify(known.password_hash, current):
            raise InvalidCredentials
        await self._forget_failures(known)
        async with self._transaction(None):
            current_now = await self._people.locked(known.user_id)
            if current_now is None or current_now.password_hash != known.password_hash:
                raise InvalidCredentials  # a reset was faster
            await self._set(current_now, new, keep=person.session_id)

    async def _forget_failures(self, person: Credentials) -> None:
        """Let the account sign in again at once; that of somebody with a second factor waits until it was shown.

        Else whoever has the password or reads the mail could guess at codes for ever.
        """
        if not await self._people.second_factors(person.user_id):
            await self._attempts.succeeded(person.email)

    async def _set(self, person: Credentials, password: str, *, keep: UUID | None) -> None:
        self._policy.check(password, email=person.email)
        await self._people.set_password(person.user_id, self._passwords.hash(password))
        await self._sessions.revoke_all(person.user_id, self._clock.now(), keep=keep)
        changed = PasswordChanged(user_id=person.user_id, email=person.email, by_reset=keep is None)
        await self._events.announce(changed, org_id=None, aggregate_id=person.user_id)
