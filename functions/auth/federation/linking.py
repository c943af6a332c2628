"""Linking an identity to an account."""

from uuid import UUID

from auth.federation.models import Confirmed, Identity, IdentityLinked
from auth.federation.ports import Identities
from llmo_core.clock import Clock
from llmo_core.ids import NewId
from llmo_data.ports import Events


class Linking:
    """Keeps identities and announces them, for people who sign in and for people who are signed in."""

    def __init__(self, *, identities: Identities, events: Events, clock: Clock, new_id: NewId) -> None:
        self._identities = identities
        self._events = events
        self._clock = clock
        self._new_id = new_id

    async def link(self, confirmed: Confirmed, *, user_id: UUID, email: str) -> Identity:
        """Link an identity to a user with this address, in the transaction under way. Raises IdentityTaken."""
        identity = Identity(
            id=self._new_id(),
            user_id=user_id,
            created_at=self._clock.now(),
            **confirmed.model_dump(include={"provider", "issuer", "subject", "email"}),
        )
        await self._identities.add(identity)
        linked = IdentityLinked(user_id=user_id, email=email, identity_id=identity.id, provider=identity.provider)
        await self._events.announce(linked, org_id=None, aggregate_id=user_id)
        return identity
