"""Tokens that service accounts get for their own credentials (RFC 6749, section 4.4; RFC 8707)."""

from collections.abc import Sequence

from auth.oauth.models import InvalidScope, InvalidTarget, Party, Tokens, UnauthorizedClient
from auth.service_accounts.models import ServiceAccount
from auth.sign_in.ports import Signs
from llmo_auth.access_token import LIFETIME, AccessToken, AccessTokens
from llmo_core.clock import Clock
from llmo_core.ids import NewId


class AccountTokenService:
    """Gives service accounts access tokens; there are no refresh tokens, as they can ask again."""

    def __init__(self, *, tokens: AccessTokens, signs: Signs, clock: Clock, new_id: NewId) -> None:
        self._tokens = tokens
        self._signs = signs
        self._clock = clock
        self._new_id = new_id

    def give(self, party: Party, *, scope: frozenset[str] | None, audiences: Sequence[str]) -> Tokens:
        """An access token for a service account itself: what it asks for of its permissions, or all of them.

        Raises UnauthorizedClient for an application, InvalidScope, InvalidTarget, NoSigningKey.
        """
        account = party.account
        if account is None:
            raise UnauthorizedClient
        service = self._service(audiences)
        permissions = frozenset(permission.value for permission in account.permissions)
        given = permissions if scope is None else permissions & scope
        if not given:
            raise InvalidScope
        return self._access(account, given, service)

    def _access(self, account: ServiceAccount, scope: frozenset[str], service: str | None) -> Tokens:
        now = self._clock.now()
        token = AccessToken(
            user_id=account.id,
            org_id=account.org_id,
            session_id=None,
            client_id=account.id,
            scope=scope,
            service=service,
            issued_at=now,
            expires_at=now + LIFETIME,
            id=self._new_id(),
        )
        return Tokens(access_token=self._signs.sign(token), expires_in=LIFETIME, scope=scope)

    def _service(self, audiences: Sequence[str]) -> str | None:
        """The service that every one of these is the address of; None for all of the API (RFC 8707)."""
        named = set(audiences) or {self._tokens.issuer}
        if len(named) > 1:
            raise InvalidTarget
        [audience] = named
        service = self._tokens.service_at(audience)
        if service is None and audience != self._tokens.issuer:
            raise InvalidTarget
        return service
