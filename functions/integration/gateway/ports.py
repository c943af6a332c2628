"""What the gateway's use case needs from outside, as ports."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from integration.gateway.call import Call
from integration.gateway.flight import Flight, Hold
from integration.gateway.models import Admission, CachedAnswer, Ending, Journaled, KeyRecord, Patience, Sharing
from integration.gateway.organization import Organization
from integration.gateway.planning import Target
from integration.gateway.similarity import Vector
from integration.gateway.sought import Candidate, Embedded
from llmo_auth.api_key import ApiKey
from llmo_messaging.envelope import Envelope


class Organizations(Protocol):
    """What organizations have set up."""

    async def find(self, org_ref: str) -> Organization:
        """An organization's configuration, as it was lately. Raises StoreUnavailable, DatabaseUnavailable."""
        ...

    def knows(self, org_ref: str) -> bool:
        """Whether it was found lately, so that finding it asks nobody."""
        ...

    def forget(self, org_ref: str) -> None:
        """Look it up anew the next time."""
        ...

    async def changed(self, org_ref: str) -> bool:
        """Whether it is not as it was found any more; then it is forgotten. Raises StoreUnavailable."""
        ...


class TargetHealth(Protocol):
    """What everybody's calls tell of targets."""

    def began(self, org_ref: str, target: Target, call_id: UUID) -> None:
        """A call to a target is under way."""
        ...

    def ended(self, org_ref: str, target: Target, call_id: UUID, ending: Ending, latency_ms: float | None) -> None:
        """A call to a target has ended, or its answer has begun after so many milliseconds."""
        ...

    async def may_probe(self, org_ref: str, target: Target) -> bool:
        """Whether this call is the one that finds out if a target works again."""
        ...


class UpstreamAnswer(Protocol):
    """A provider's successful answer whose body has not been read yet."""

    headers: Mapping[str, str]

    async def read(self) -> bytes:
        """The whole body. Raises UpstreamBroken, UpstreamTimeout."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives. Raises UpstreamBroken, UpstreamTimeout."""
        ...

    def close(self) -> None:
        """Stop reading; an unread body closes the connection, so that the provider stops too."""
        ...


class Upstream(Protocol):
    """A model provider that speaks OpenAI's API."""

    async def send(self, call: Call, target: Target, patience: Patience) -> UpstreamAnswer:
        """Make the call and return once a successful answer begins. Raises the Upstream errors."""
        ...


class Admissions(Protocol):
    """Keys, limits, budgets and cache, in one atomic store."""

    async def authenticate(self, key: ApiKey, address: str) -> None:
        """Raise InvalidApiKey unless the key is valid, or AddressNotAllowed."""
        ...

    async def admit(
        self,
        key: ApiKey,
        call: Call,
        hold: Hold,
        *,
        organization: Organization,
        targets: Sequence[str] = (),
        sharing: Sharing = Sharing.ALONE,
    ) -> Admission:
        """Admit the call and hold its worst case, or find its answer in the cache or an equal call under way.

        It tells the health of some targets.

        Raises ConfigurationChanged when the organization's configuration is another one by now; InvalidApiKey,
        AddressNotAllowed, ModelNotAllowed, RateLimited, CallTooLarge, TooManyAtOnce, BudgetExceeded, BudgetReserved,
        StoreUnavailable.
        """
        ...

    async def owner(self, key: ApiKey, address: str) -> KeyRecord:
        """Whose a key is. Raises what `authenticate` raises."""
        ...

    async def mark_active(self, key: ApiKey, address: str) -> None:
        """Have the sweeper look after what the organization's calls leave. Raises what `authenticate` raises."""
        ...


class Following(Protocol):
    """Waits for answers to equal calls."""

    async def answer(self, key: ApiKey, call: Call, owner: KeyRecord) -> CachedAnswer | None:
        """The answer to the equal call that is under way; None when it ends without one, or takes too long.

        Raises StoreUnavailable.
        """
        ...


class Settlements(Protocol):
    """Ends calls and keeps the journal of their usage events, in the same atomic store."""

    async def settle(
        self,
        flight: Flight,
        *,
        cost_pico: int,
        tokens: int,
        event: Envelope,
        store: CachedAnswer | None,
        vector: Vector | None = None,
    ) -> Sequence[Journaled] | None:
        """End an admitted call and journal its event and the alerts that it set off.

        With a vector, the stored answer may do for calls with the same meaning, too.
        Gives what was journaled, or None when it was settled before.
        """
        ...

    async def journal(self, key: ApiKey, event: Envelope) -> bytes:
        """Journal the event of a call that held nothing: the entry's id."""
        ...


class Embedder(Protocol):
    """Turns texts into vectors."""

    async def embed(self, org_ref: str, target: Target, text: str) -> Embedded | None:
        """The vector of a text; None when there is none soon enough."""
        ...


class SimilarAnswers(Protocol):
    """Answers of a project by what was asked."""

    async def candidates(
        self, org_ref: str, project_id: UUID, entries: Sequence[UUID], *, asked: bytes
    ) -> Sequence[Candidate]:
        """Those of the entries that there still are, and that nobody told apart from the message that is asked.

        Raises StoreUnavailable.
        """
        ...

    async def answer(self, org_ref: str, project_id: UUID, digest: str) -> CachedAnswer | None:
        """The stored answer to a call. Raises StoreUnavailable."""
        ...

    async def dispute(self, org_ref: str, project_id: UUID, entry: UUID) -> bool:
        """Forget an entry, and set its message apart from those that it was matched with; False without one.

        Raises StoreUnavailable.
        """
        ...


class Announcer(Protocol):
    """Publishes usage events; what cannot be published stays in the journal."""

    async def announce(self, key: ApiKey, entry: bytes | None, event: Envelope) -> None:
        """Publish one event and, once the bus has it, take its entry off the journal."""
        ...
