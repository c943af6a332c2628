"""What signing in needs of the world around it."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol
from uuid import UUID

from auth.sign_in.models import Challenge, Credentials, KeptRefreshToken, Membership, Method, Session
from llmo_auth.access_token import AccessToken


class People(Protocol):
    """Users, and what they are in which organization."""

    async def by_email(self, email: str) -> Credentials | None:
        """The credentials of the user with this address, in any case of letters."""
        ...

    async def credentials(self, user_id: UUID) -> Credentials | None:
        """The credentials of a user."""
        ...

    async def locked(self, user_id: UUID) -> Credentials | None:
        """The same, and nobody else changes them before the transaction ends."""
        ...

    async def memberships(self, user_id: UUID) -> Sequence[Membership]:
        """The user's organizations, the one joined first at the beginning."""
        ...

    async def second_factors(self, user_id: UUID) -> Sequence[Method]:
        """What somebody can show as a second factor; nothing when they have none."""
        ...

    async def set_password(self, user_id: UUID, password_hash: str) -> None:
        """Replace a password's hash."""
        ...


class Sessions(Protocol):
    """Sessions with their refresh tokens."""

    def transaction(self) -> AbstractAsyncContextManager[object]:
        """Makes what is done in it one commit."""
        ...

    async def start(self, session: Session, token: KeptRefreshToken) -> None:
        """Keep a new session with its first refresh token."""
        ...

    async def shown(self, token_hash: str) -> tuple[Session, KeptRefreshToken] | None:
        """The session of a refresh token, locked for the transaction, and the token as it is then."""
        ...

    async def replace(self, used: KeptRefreshToken, successor: KeptRefreshToken) -> None:
        """Mark a token as used, and keep its successor."""
        ...

    async def touch(self, session: Session) -> None:
        """Keep when a session was last used, and its organization."""
        ...

    async def find(self, user_id: UUID, session_id: UUID) -> Session | None:
        """One of a user's sessions, also when it has ended."""
        ...

    async def authenticated(self, user_id: UUID, session_id: UUID, at: datetime) -> None:
        """Keep when somebody proved again who they are."""
        ...

    async def live(self, user_id: UUID, now: datetime) -> Sequence[Session]:
        """The user's sessions that have not ended, the newest first."""
        ...

    async def revoke(self, user_id: UUID, session_id: UUID, at: datetime) -> bool:
        """End one of a user's sessions; False when it had ended before, or is not theirs."""
        ...

    async def revoke_all(self, user_id: UUID, at: datetime, *, keep: UUID | None) -> None:
        """End every session of a user but one, and what waits for a second factor or for a person to allow it."""
        ...


class Challenges(Protocol):
    """Of whom a second factor is asked."""

    async def add(self, challenge: Challenge) -> None:
        """Keep a challenge."""
        ...

    async def shown(self, token_hash: str) -> Challenge | None:
        """The challenge that a token stands for."""
        ...

    async def count_wrong_answer(self, challenge: Challenge) -> None:
        """Count a wrong answer."""
        ...

    async def end(self, challenge: Challenge) -> None:
        """Forget a challenge."""
        ...


class Passwords(Protocol):
    """Hashes of passwords."""

    def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password is right. None costs as much as any hash, and is never right."""
        ...

    def outdated(self, password_hash: str) -> bool:
        """Whether a hash was made with lower parameters than are used now."""
        ...

    def hash(self, password: str) -> str:
        """A new hash."""
        ...


class Attempts(Protocol):
    """How often it was tried to sign in."""

    async def begin(self, email: str, ip: str | None) -> None:
        """Count an attempt before it is made. Raises TooManyAttempts."""
        ...

    async def count_network(self, ip: str | None) -> None:
        """Count an attempt of somebody who is not known yet. Raises TooManyAttempts."""
        ...

    async def may_mail(self, email: str, ip: str | None) -> bool:
        """Count a request that mails an address; False when it gets too many. Raises TooManyAttempts."""
        ...

    async def guessed(self, email: str) -> bool:
        """Count a second factor that was wrong beside the right password; True for every fifth in a row."""
        ...

    async def succeeded(self, email: str) -> None:
        """Forget the account's failures."""
        ...


class Signs(Protocol):
    """Signs access tokens."""

    def sign(self, token: AccessToken) -> str:
        """The token as text. Raises NoSigningKey."""
        ...
