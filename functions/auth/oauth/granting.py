"""What applications get tokens for: codes and refresh tokens."""

import hmac
import re
from base64 import urlsafe_b64encode
from datetime import datetime
from hashlib import sha256

from auth.models import Origin
from auth.oauth.id_tokens import IdTokens
from auth.oauth.models import (
    AuthorizationCode,
    InvalidGrant,
    InvalidScope,
    OauthGrantCreated,
    OauthGrantRevoked,
    Party,
    Tokens,
    UnauthorizedClient,
)
from auth.oauth.ports import Applications, Codes
from auth.one_time_tokens import OneTimeTokens
from auth.sign_in.models import Amr, ClientGrant, InvalidRefreshToken, NotAMember, ScopeBeyondGrant, TokenPair
from auth.sign_in.ports import Sessions
from auth.sign_in.service import SignInService
from auth.sign_in.starting import SessionStarter
from llmo_core.clock import Clock
from llmo_core.observability import logger
from llmo_data.ports import Events, Transaction

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636, section 4.1


def challenge_of(verifier: str) -> str:
    """What a code verifier is announced as: `S256` of RFC 7636, section 4.2."""
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


class GrantService:
    """Gives applications tokens for what somebody allowed."""

    def __init__(
        self,
        *,
        applications: Applications,
        codes: Codes,
        sessions: Sessions,
        starter: SessionStarter,
        sign_in: SignInService,
        id_tokens: IdTokens,
        one_time: OneTimeTokens,
        events: Events,
        transaction: Transaction,
        clock: Clock,
    ) -> None:
        self._applications = applications
        self._codes = codes
        self._sessions = sessions
        self._starter = starter
        self._sign_in = sign_in
        self._id_tokens = id_tokens
        self._one_time = one_time
        self._events = events
        self._transaction = transaction
        self._clock = clock

    async def exchange(self, party: Party, code: str, *, redirect_uri: str, verifier: str, origin: Origin) -> Tokens:
        """Tokens for a code, once: a second use ends what the first one got, and that stands although this fails.

        Raises UnauthorizedClient for a service account, InvalidGrant, NoSigningKey.
        """
        application = party.application
        if application is None:
            raise UnauthorizedClient
        code_hash, now = self._one_time.digest("authorization code", code), self._clock.now()
        async with self._transaction(None):
            kept = await self._codes.shown(code_hash)
            outcome = None
            if kept is not None and kept.client_id == application.id and await self._applications.held(application):
                if kept.used_at is not None:
                    await self._end(kept, now)
                elif now < kept.valid_until and _matches(kept, redirect_uri, verifier):
                    outcome = await self._start(kept, origin, now)
        if outcome is None:
            raise InvalidGrant
        return outcome

    async def _start(self, code: AuthorizationCode, origin: Origin, now: datetime) -> Tokens | None:
        await self._codes.use(code, now)
        grant = ClientGrant(
            client_id=code.client_id,
            session_id=code.session_id,
            scope=code.scope,
            authenticated_at=code.authenticated_at,
        )
        try:
            started = await self._starter.start(
                code.user_id, org_id=code.org_id, origin=origin, amr=frozenset(map(Amr, code.amr)), grant=grant
            )
        except NotAMember:  # any more
            return None
        pair = started.tokens()
        created = OauthGrantCreated(
            session_id=code.session_id, user_id=code.user_id, client_id=code.client_id, scope=code.scope
        )
        await self._events.announce(created, org_id=code.org_id, aggregate_id=code.session_id)
        return _tokens(pair, self._id_tokens.of(code, pair, now))

    async def _end(self, code: AuthorizationCode, now: datetime) -> None:
        if not await self._sessions.revoke(code.user_id, code.session_id, now):
            return
        logger().warning("code used twice", extra={"user_id": str(code.user_id), "client_id": str(code.client_id)})
        revoked = OauthGrantRevoked(
            session_id=code.session_id, user_id=code.user_id, client_id=code.client_id, code_reused=True
        )
        await self._events.announce(revoked, org_id=code.org_id, aggregate_id=code.session_id)

    async def refresh(
        self, party: Party, refresh_token: str, *, scope: frozenset[str] | None, origin: Origin
    ) -> Tokens:
        """The next tokens of a session that is this application's; the refresh token is then used up.

        Raises UnauthorizedClient for a service account, InvalidGrant, InvalidScope, NoSigningKey.
        """
        if party.application is None:
            raise UnauthorizedClient
        try:
            pair = await self._sign_in.refresh(refresh_token, client_id=party.id, scope=scope, origin=origin)
        except (InvalidRefreshToken, NotAMember) as error:
            raise InvalidGrant from error
        except ScopeBeyondGrant as error:
            raise InvalidScope from error
        return _tokens(pair, None)


def _matches(code: AuthorizationCode, redirect_uri: str, verifier: str) -> bool:
    """Whether this is how the code was asked for; how long it takes tells nothing."""
    well_formed = _VERIFIER.fullmatch(verifier) is not None
    same_address = hmac.compare_digest(redirect_uri.encode(), code.redirect_uri.encode())
    same_program = hmac.compare_digest(challenge_of(verifier), code.code_challenge)
    return well_formed and same_address and same_program


def _tokens(pair: TokenPair, id_token: str | None) -> Tokens:
    return Tokens(
        access_token=pair.access_token,
        refresh_token=pair.refresh_token,
        expires_in=pair.expires_in,
        scope=pair.scope,
        id_token=id_token,
    )
