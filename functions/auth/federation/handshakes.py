"""Sending somebody to an identity provider, and hearing from it who they are.

Source of the guards: RFC 9700, sections 2.1 and 4.4 (state, PKCE, nonce, exact redirect URIs, mix-up defence).
"""

import hmac
import secrets
from collections.abc import Callable
from uuid import UUID

from auth.federation.models import (
    FLOW_LIFE,
    Answer,
    Begun,
    Confirmed,
    Flow,
    FlowSecrets,
    IdentityProvider,
    InvalidFlow,
    Kind,
    UnknownProvider,
)
from auth.federation.ports import Exchange, Flows, Providers
from auth.one_time_tokens import OneTimeTokens
from llmo_auth.sealing import Seal
from llmo_core.clock import Clock

_TOKEN = "federated sign-in"  # noqa: S105 - what the tokens are for
_STATE = "federated sign-in's state"
_BYTES = 32


class Handshakes:
    """Begins sign-ins with providers, and finishes each once.

    Args:
        exchange: What speaks with providers of a kind; asked for only when one is spoken with.
        redirect_uri: The URI that is registered at providers, with `{provider}` for the provider's id.
        secret: The pepper.
    """

    def __init__(
        self,
        *,
        providers: Providers,
        exchange: Callable[[Kind], Exchange],
        flows: Flows,
        redirect_uri: str,
        secret: bytes,
        clock: Clock,
    ) -> None:
        self._providers = providers
        self._exchange = exchange
        self._flows = flows
        self._redirect_uri = redirect_uri
        self._tokens = OneTimeTokens(secret)
        self._seal = Seal(secret, b"federated sign-ins")
        self._clock = clock

    def provider(self, provider_id: str) -> IdentityProvider:
        """The provider with this id. Raises UnknownProvider, ProvidersMisconfigured."""
        for provider in self._providers.all():
            if provider.id == provider_id:
                return provider
        raise UnknownProvider

    async def begin(self, provider_id: str, *, user_id: UUID | None) -> Begun:
        """Where to send somebody, and a token for the client that does it; for ten minutes, once.

        Args:
            provider_id: The provider.
            user_id: Whom the identity shall be linked to; None for a sign-in.

        Raises UnknownProvider, ProviderUnavailable.
        """
        provider = self.provider(provider_id)
        text, token_hash = self._tokens.make(_TOKEN)
        state, state_hash = self._tokens.make(_STATE)
        kept = FlowSecrets(nonce=secrets.token_urlsafe(_BYTES), verifier=secrets.token_urlsafe(_BYTES))
        url = await self._exchange(provider.kind).authorization_url(
            provider, redirect_uri=self._redirect(provider), state=state, secrets=kept
        )
        now = self._clock.now()
        flow = Flow(
            token_hash=token_hash,
            state_hash=state_hash,
            provider=provider.id,
            secrets=self._seal.close(
                kept.model_dump_json().encode(), under=text.encode(), about=bytes.fromhex(token_hash)
            ),
            user_id=user_id,
            created_at=now,
            expires_at=now + FLOW_LIFE,
        )
        await self._flows.add(flow)
        return Begun(authorization_url=url, flow_token=text)

    async def finish(self, provider_id: str, answer: Answer, *, user_id: UUID | None) -> Confirmed:
        """Who somebody is, by the word of the provider that they were sent to for this same purpose.

        Whatever comes of it, what was begun is used up, before the provider is asked: call it outside a transaction.
        Raises UnknownProvider, InvalidFlow, IdentityRefused, ProviderUnavailable.
        """
        provider = self.provider(provider_id)
        flow = await self._flows.take(self._tokens.digest(_TOKEN, answer.flow_token), user_id)
        if flow is None or flow.expires_at <= self._clock.now() or flow.provider != provider.id:
            raise InvalidFlow
        if not hmac.compare_digest(flow.state_hash, self._tokens.digest(_STATE, answer.state)):
            raise InvalidFlow
        opened = self._seal.open(flow.secrets, under=answer.flow_token.encode(), about=bytes.fromhex(flow.token_hash))
        return await self._exchange(provider.kind).confirm(
            provider,
            answer,
            redirect_uri=self._redirect(provider),
            secrets=FlowSecrets.model_validate_json(opened),
            since=flow.created_at,
        )

    def _redirect(self, provider: IdentityProvider) -> str:
        return self._redirect_uri.replace("{provider}", provider.id)
