"""Signing in and out, and keeping signed in."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from auth.models import Origin
from auth.sign_in.models import (
    GRACE,
    RECENT,
    Amr,
    Credentials,
    InvalidCredentials,
    InvalidRefreshToken,
    KeptRefreshToken,
    LoginSuspicious,
    ReauthenticationRequired,
    Session,
    Suspicion,
    TokenPair,
    UnknownSession,
)
from auth.sign_in.ports import Attempts, Passwords, People, Sessions
from auth.sign_in.starting import SessionStarter
from llmo_auth.principal import Person
from llmo_auth.sealing import Seal
from llmo_core.clock import Clock
from llmo_core.observability import logger
from llmo_data.ports import Events


class Which(StrEnum):
    """Which of a person's sessions."""

    THIS = "this"
    OTHERS = "others"
    ALL = "all"


class SignInService:
    """Gives people tokens for their passwords, and new ones for refresh tokens.

    Source of how refresh tokens rotate: RFC 9700, section 4.14.
    """

    def __init__(
        self,
        *,
        people: People,
        sessions: Sessions,
        passwords: Passwords,
        attempts: Attempts,
        starter: SessionStarter,
        events: Events,
        secret: bytes,
        clock: Clock,
    ) -> None:
        self._people = people
        self._sessions = sessions
        self._passwords = passwords
        self._attempts = attempts
        self._starter = starter
        self._events = events
        self._seal = Seal(secret, b"refresh tokens")
        self._clock = clock

    async def login(self, email: str, password: str, *, org_id: UUID | None, origin: Origin) -> TokenPair:
        """Start a session, for the given organization or the one that was joined first.

        An unknown address costs the time of a wrong password, and is answered alike. The account's failures are
        forgotten once the last factor was shown. Raises TooManyAttempts, InvalidCredentials, SecondFactorRequired,
        NotAMember, NoSigningKey.
        """
        person = await self._recognized(email, password, origin)
        async with self._sessions.transaction():
            await self._still(person)
            if person.password_hash is not None and self._passwords.outdated(person.password_hash):
                await self._people.set_password(person.user_id, self._passwords.hash(password))
            started = await self._starter.start(
                person.user_id, org_id=org_id, origin=origin, amr=frozenset({Amr.PASSWORD})
            )
        pair = started.tokens()
        await self._attempts.succeeded(email)
        return pair

    async def authenticate(self, email: str, password: str, *, origin: Origin) -> Credentials:
        """Whose address and password these are, with the same checks; no session is started.

        Raises TooManyAttempts, InvalidCredentials.
        """
        person = await self._recognized(email, password, origin)
        async with self._sessions.transaction():
            await self._still(person)
        return person

    async def _recognized(self, email: str, password: str, origin: Origin) -> Credentials:
        await self._attempts.begin(email, origin.ip)
        person = await self._people.by_email(email)
        right = self._passwords.verify(person.password_hash if person else None, password)
        if person is None or person.password_hash is None or not right:
            raise InvalidCredentials
        return person

    async def _still(self, person: Credentials) -> None:
        """Raise InvalidCredentials when the password was changed while it was looked at: its sessions have ended."""
        current = await self._people.locked(person.user_id)
        if current is None or current.password_hash != person.password_hash:
            raise InvalidCredentials

    async def refresh(
        self,
        text: str,
        *,
        origin: Origin,
        org_id: UUID | None = None,
        client_id: UUID | None = None,
        scope: frozenset[str] | None = None,
    ) -> TokenPair:
        """A new pair for a refresh token, which is then used up; `org_id` makes the session one of that organization.

        An application gets it for its own refresh tokens only, and a person for theirs. `scope` gives the access token
        no more than that.

        Within ten seconds the same token gets the same successor again, so that an answer that was lost can be asked
        for again. After that its use means that somebody else has it too: the session ends, and that is announced; both
        stand although this fails. Raises InvalidRefreshToken, NotAMember, NoSigningKey.
        """
        outcome = await self._rotate(text, org_id, client_id, scope, origin)
        if outcome is None:
            raise InvalidRefreshToken
        return outcome

    async def _rotate(
        self, text: str, org_id: UUID | None, client_id: UUID | None, scope: frozenset[str] | None, origin: Origin
    ) -> TokenPair | None:
        """None when there is nothing to give; what was found out about the token is committed all the same."""
        token_hash = self._starter.digest(text)
        async with self._sessions.transaction():
            found = await self._sessions.shown(token_hash)
            now = self._clock.now()
            if found is None:
                return None
            session, token = found
            if session.client_id != client_id:
                return None
            if not session.live(now) or (token.used_at is None and token.expires_at <= now):
                return None
            if token.used_at is not None and token.used_at + GRACE < now:
                await self._end_stolen(session, now, origin)
                return None
            member = await self._starter.continued(session, org_id)
            session = session.model_copy(update={"org_id": member and member.org_id, "last_used_at": now})
            successor = await self._successor(session, token, text, now)
            await self._sessions.touch(session)
            narrowed = session if scope is None else session.narrowed(scope)
            return self._starter.pair(narrowed, member, successor, now)

    async def _end_stolen(self, session: Session, now: datetime, origin: Origin) -> None:
        """End a session of whose refresh token somebody else has a copy."""
        user_id = session.user_id
        await self._sessions.revoke(user_id, session.id, now)
        logger().warning("refresh token used twice", extra={"user_id": str(user_id), "session_id": str(session.id)})
        person = await self._people.credentials(user_id)
        if person is not None:
            reason = Suspicion.REFRESH_TOKEN_REUSED
            suspicious = LoginSuspicious(user_id=user_id, email=person.email, reason=reason, ip=origin.ip)
            await self._events.announce(suspicious, org_id=None, aggregate_id=user_id)

    async def _successor(self, session: Session, token: KeptRefreshToken, text: str, now: datetime) -> str:
        about = session.id.bytes
        if token.successor is not None:
            return self._seal.open(token.successor, under=text.encode(), about=about).decode()
        successor = self._starter.new_text()
        sealed = self._seal.close(successor.encode(), under=text.encode(), about=about)
        used = token.model_copy(update={"used_at": now, "successor": sealed})
        await self._sessions.replace(used, self._starter.token(session, successor, now))
        return successor

    async def require_recent(self, person: Person) -> None:
        """Raise ReauthenticationRequired unless somebody proved in the last ten minutes who they are."""
        session, now = await self._sessions.find(person.user_id, person.session_id), self._clock.now()
        if session is None or not session.live(now) or session.authenticated_at + RECENT < now:
            raise ReauthenticationRequired

    async def sessions(self, person: Person) -> Sequence[Session]:
        """Where somebody is signed in, the newest session first."""
        return await self._sessions.live(person.user_id, self._clock.now())

    async def logout(self, person: Person, which: Which) -> None:
        """End somebody's session, their others, or all. Safe to repeat.

        Their refresh tokens are refused at once, their access tokens by whoever asks the authorizer anew.
        """
        own, now = person.session_id, self._clock.now()
        if which is Which.THIS:
            await self._sessions.revoke(person.user_id, own, now)
        else:
            await self._sessions.revoke_all(person.user_id, now, keep=own if which is Which.OTHERS else None)

    async def end(self, person: Person, session_id: UUID) -> None:
        """End one of somebody's sessions. Raises UnknownSession for one that has ended."""
        if not await self._sessions.revoke(person.user_id, session_id, self._clock.now()):
            raise UnknownSession
