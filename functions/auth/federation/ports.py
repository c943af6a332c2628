"""What signing in with identity providers needs of the world around it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from auth.federation.models import Answer, Confirmed, Flow, FlowSecrets, Identity, IdentityProvider


class Providers(Protocol):
    """The identity providers of the deployment."""

    def all(self) -> Sequence[IdentityProvider]:
        """Every one, in the operator's order. Raises ProvidersMisconfigured."""
        ...


class Exchange(Protocol):
    """Speaks with providers of one kind."""

    async def authorization_url(
        self, provider: IdentityProvider, *, redirect_uri: str, state: str, secrets: FlowSecrets
    ) -> str:
        """Where to send somebody. Raises ProviderUnavailable."""
        ...

    async def confirm(
        self, provider: IdentityProvider, answer: Answer, *, redirect_uri: str, secrets: FlowSecrets, since: datetime
    ) -> Confirmed:
        """Who somebody is, for the code that they came back with; nothing that was issued before `since` counts.

        Raises IdentityRefused, ProviderUnavailable.
        """
        ...


class Flows(Protocol):
    """Sign-ins that are under way; every method is one transaction."""

    async def add(self, flow: Flow) -> None:
        """Keep one."""
        ...

    async def take(self, token_hash: str, user_id: UUID | None) -> Flow | None:
        """Use one up that is for this person, or for nobody yet: of two at once, one gets it."""
        ...


class Identities(Protocol):
    """Identities by their issuers and subjects."""

    async def shown(self, issuer: str, subject: str) -> Identity | None:
        """Whosever identity this is."""
        ...

    async def of(self, user_id: UUID) -> Sequence[Identity]:
        """Somebody's identities, the oldest first."""
        ...

    async def add(self, identity: Identity) -> None:
        """Keep one. Raises IdentityTaken."""
        ...

    async def used(self, identity: Identity, at: datetime) -> None:
        """Keep when an identity was used."""
        ...

    async def remove(self, identity: Identity) -> None:
        """Forget one."""
        ...
