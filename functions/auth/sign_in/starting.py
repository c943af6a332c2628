"""Starting sessions, and the tokens that belong to them."""

import secrets
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from auth.models import Origin
from auth.one_time_tokens import OneTimeTokens
from auth.sign_in.models import (
    CHALLENGE_LIFE,
    REFRESH_TOKEN_LIFE,
    SESSION_LIFE,
    Amr,
    Challenge,
    ClientGrant,
    KeptRefreshToken,
    Membership,
    NotAMember,
    Question,
    Session,
    SessionStarted,
    Started,
    TokenPair,
)
from auth.sign_in.ports import Challenges, People, Sessions, Signs
from llmo_auth.access_token import LIFETIME, AccessToken
from llmo_auth.principal import IDENTITY_SCOPES
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_core.observability import logger
from llmo_data.ports import Events

CHALLENGE = "second-factor"  # what its tokens are for

_TOKEN_BYTES = 32


def permissions_of(member: Membership | None) -> frozenset[str]:
    """What somebody may do in an organization; in none they may do nothing."""
    return member.permissions if member is not None else frozenset()


def granted(scope: Iterable[str], allowed: frozenset[str]) -> frozenset[str]:
    """What there is of a scope for somebody with these permissions."""
    return frozenset(scope) & (allowed | IDENTITY_SCOPES)


class SessionStarter:
    """Starts a session for somebody who has proved who they are, in whatever way.

    Args:
        secret: The pepper, under which refresh tokens are digested.
    """

    def __init__(
        self,
        *,
        people: People,
        sessions: Sessions,
        challenges: Challenges,
        signs: Signs,
        events: Events,
        secret: bytes,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._people = people
        self._sessions = sessions
        self._challenges = challenges
        self._one_time = OneTimeTokens(secret)
        self._signs = signs
        self._events = events
        self._clock = clock
        self._new_id = new_id

    async def start(
        self,
        user_id: UUID,
        *,
        org_id: UUID | None,
        origin: Origin,
        amr: frozenset[Amr],
        grant: ClientGrant | None = None,
    ) -> Started:
        """Start a session, for the given organization or the one that was joined first, or for none.

        Whoever has a second factor and did not show it (`mfa` in `amr`) gets a question in place of tokens. It joins
        the transaction under way: take `tokens()` of what it gives after the commit. With a grant it is that of an
        application, for the given organization or for none, and for nothing else: nobody is asked, for whoever granted
        it was asked before. Raises NotAMember, NoSigningKey.
        """
        if grant is None and Amr.MULTIPLE not in amr:
            question = await self._ask(user_id, org_id, amr)
            if question is not None:
                return Started(question=question)
        member = await self.membership(user_id, org_id) if grant is None or org_id is not None else None
        now = self._clock.now()
        session = Session(
            id=grant.session_id if grant is not None else self._new_id(),
            user_id=user_id,
            org_id=member and member.org_id,
            created_at=now,
            authenticated_at=grant.authenticated_at if grant is not None else now,
            last_used_at=now,
            expires_at=now + SESSION_LIFE,
            ip=origin.ip,
            user_agent=origin.user_agent,
            client_id=grant and grant.client_id,
            scope=grant and grant.scope,
        )
        text = self.new_text()
        pair = self.pair(session, member, text, now)
        await self._sessions.start(session, self.token(session, text, now))
        started = SessionStarted(
            user_id=user_id,
            session_id=session.id,
            client_id=session.client_id,
            amr=tuple(sorted(amr)),
            ip=origin.ip,
            user_agent=origin.user_agent,
        )
        await self._events.announce(started, org_id=session.org_id, aggregate_id=user_id)
        about = {"user_id": str(user_id), "session_id": str(session.id), "amr": sorted(amr)}
        logger().info("signed in", extra=about)
        return Started(pair=pair)

    async def _ask(self, user_id: UUID, org_id: UUID | None, amr: frozenset[Amr]) -> Question | None:
        methods = await self._people.second_factors(user_id)
        if not methods:
            return None
        text, token_hash = self._one_time.make(CHALLENGE)
        now = self._clock.now()
        challenge = Challenge(
            token_hash=token_hash,
            user_id=user_id,
            org_id=org_id,
            amr=amr,
            created_at=now,
            expires_at=now + CHALLENGE_LIFE,
        )
        await self._challenges.add(challenge)
        return Question(mfa_token=text, methods=methods)

    async def continued(self, session: Session, org_id: UUID | None) -> Membership | None:
        """What somebody is in the organization that their session goes on for, the one that was asked for or the last.

        That of an application stays where it was allowed. Raises NotAMember.
        """
        if session.client_id is None:
            return await self.membership(session.user_id, org_id, last=session.org_id)
        if session.org_id is None:
            return None
        return await self.membership(session.user_id, session.org_id)

    async def membership(self, user_id: UUID, org_id: UUID | None, *, last: UUID | None = None) -> Membership | None:
        """What somebody is in the organization that was asked for; else in the last one, the one joined first, or none.

        Raises NotAMember.
        """
        memberships = await self._people.memberships(user_id)
        if org_id is not None:
            memberships = [member for member in memberships if member.org_id == org_id]
            if not memberships:
                raise NotAMember
        if not memberships:
            return None
        return next((member for member in memberships if member.org_id == last), memberships[0])

    def pair(self, session: Session, member: Membership | None, refresh_token: str, now: datetime) -> TokenPair:
        """A new access token of a session, beside a refresh token. Raises NoSigningKey."""
        allowed = permissions_of(member)
        scope = allowed if session.scope is None else granted(session.scope, allowed)
        token = AccessToken(
            user_id=session.user_id,
            org_id=session.org_id,
            session_id=session.id,
            client_id=session.client_id,
            scope=scope,
            issued_at=now,
            expires_at=now + LIFETIME,
            id=self._new_id(),
        )
        signed = self._signs.sign(token)
        return TokenPair(access_token=signed, refresh_token=refresh_token, expires_in=LIFETIME, scope=scope)

    def token(self, session: Session, text: str, now: datetime) -> KeptRefreshToken:
        """A refresh token as it is kept."""
        return KeptRefreshToken(
            token_hash=self.digest(text),
            session_id=session.id,
            user_id=session.user_id,
            created_at=now,
            expires_at=min(now + REFRESH_TOKEN_LIFE, session.expires_at),
        )

    def digest(self, text: str) -> str:
        """What a refresh token is kept as."""
        return self._one_time.digest("refresh token", text)

    @staticmethod
    def new_text() -> str:
        """A new refresh token."""
        return f"llmor_{secrets.token_urlsafe(_TOKEN_BYTES)}"
