"""What tokens are worth (RFC 7662), and giving them back (RFC 7009)."""

from datetime import datetime
from uuid import UUID

from auth.oauth.models import InvalidClient, OauthGrantRevoked, Party, UnsupportedTokenType
from auth.oauth.ports import AccountsOf, VerificationKeys
from auth.sign_in.models import NotAMember, Session
from auth.sign_in.ports import Sessions
from auth.sign_in.starting import SessionStarter, granted, permissions_of
from llmo_auth.access_token import AccessToken, AccessTokens, key_id
from llmo_core.clock import Clock
from llmo_core.errors import Unauthenticated
from llmo_core.model import Model
from llmo_data.ports import Events, Transaction


class TokenFacts(Model):
    """What a token that is accepted says.

    Attributes:
        audience: Whom it is for; None for a refresh token, which is for us.
    """

    subject: UUID
    org_id: UUID
    client_id: UUID | None
    scope: frozenset[str]
    issued_at: datetime
    expires_at: datetime
    audience: str | None = None
    id: UUID | None = None


class InspectionService:
    """Tells clients what tokens of their own organization are worth, and takes their own tokens back."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        accounts: AccountsOf,
        starter: SessionStarter,
        tokens: AccessTokens,
        keys: VerificationKeys,
        events: Events,
        transaction: Transaction,
        clock: Clock,
    ) -> None:
        self._sessions = sessions
        self._accounts = accounts
        self._starter = starter
        self._tokens = tokens
        self._keys = keys
        self._events = events
        self._transaction = transaction
        self._clock = clock

    async def introspect(self, party: Party, text: str) -> TokenFacts | None:
        """What a token is worth at this moment; None for one that is refused, unknown, or of another organization.

        Raises InvalidClient for a public client: anybody can say that they are one.
        """
        if not party.proved:
            raise InvalidClient
        token = await self._verified(text)
        found = await self._of_access_token(token) if token is not None else await self._of_refresh_token(text)
        return found if found is not None and found.org_id == party.org_id else None

    async def _of_access_token(self, token: AccessToken) -> TokenFacts | None:
        if token.org_id is None:
            return None
        if token.session_id is None:
            account = await self._accounts.live(token.org_id, token.user_id)
            allowed = frozenset[str](account.permissions) if account is not None else None
        else:
            session = await self._sessions.find(token.user_id, token.session_id)
            allowed = await self._allowed(session, token.org_id)
        if allowed is None:
            return None
        return TokenFacts(
            subject=token.user_id,
            org_id=token.org_id,
            client_id=token.client_id,
            scope=granted(token.scope, allowed),
            issued_at=token.issued_at,
            expires_at=token.expires_at,
            audience=self._tokens.audience_of(token),
            id=token.id,
        )

    async def _of_refresh_token(self, text: str) -> TokenFacts | None:
        async with self._transaction(None):
            found = await self._sessions.shown(self._starter.digest(text))
        if found is None:
            return None
        session, token = found
        allowed = await self._allowed(session, session.org_id)
        if allowed is None or session.org_id is None or token.used_at is not None:
            return None
        if token.expires_at <= self._clock.now():
            return None
        return TokenFacts(
            subject=session.user_id,
            org_id=session.org_id,
            client_id=session.client_id,
            scope=allowed if session.scope is None else granted(session.scope, allowed),
            issued_at=token.created_at,
            expires_at=token.expires_at,
        )

    async def _allowed(self, session: Session | None, org_id: UUID | None) -> frozenset[str] | None:
        """What a session's person may do in an organization; None when it has ended, or they are not in it."""
        if session is None or not session.live(self._clock.now()):
            return None
        try:
            return permissions_of(await self._starter.membership(session.user_id, org_id))
        except NotAMember:
            return None

    async def revoke(self, party: Party, text: str) -> None:
        """End the session that a token of the client's own belongs to; what is no such token is left alone.

        Raises UnsupportedTokenType for a service account's access token, which belongs to no session.
        """
        token = await self._verified(text)
        async with self._transaction(None):
            if token is None:
                found = await self._sessions.shown(self._starter.digest(text))
                session = found[0] if found is not None else None
            elif token.client_id != party.id:
                return
            elif token.session_id is None:
                raise UnsupportedTokenType
            else:
                session = await self._sessions.find(token.user_id, token.session_id)
            if session is not None and session.client_id == party.id:
                await self._end(session, party)

    async def _end(self, session: Session, party: Party) -> None:
        if await self._sessions.revoke(session.user_id, session.id, self._clock.now()):
            revoked = OauthGrantRevoked(
                session_id=session.id, user_id=session.user_id, client_id=party.id, code_reused=False
            )
            await self._events.announce(revoked, org_id=session.org_id, aggregate_id=session.id)

    async def _verified(self, text: str) -> AccessToken | None:
        try:
            return self._tokens.verify(text, await self._keys.key(key_id(text)), self._clock.now())
        except Unauthenticated:
            return None
