"""What the gateway's use case needs from outside, as ports."""

from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from integration.gateway.flight import Flight, Hold
from integration.gateway.models import Admission, CachedAnswer, Call
from integration.gateway.pricing import ModelPrices
from llmo_auth.api_key import ApiKey
from llmo_messaging.envelope import Envelope


class Prices(Protocol):
    """Knows what models cost."""

    def find(self, model: str) -> ModelPrices:
        """The prices of a model; raises ModelNotFound."""
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

    async def send(self, call: Call) -> UpstreamAnswer:
        """Make the call and return once a successful answer begins. Raises the Upstream errors."""
        ...


class Admissions(Protocol):
    """Keys, limits, budgets and cache, in one atomic store."""

    async def authenticate(self, key: ApiKey, address: str) -> None:
        """Raise InvalidApiKey unless the key is valid, or AddressNotAllowed."""
        ...

    async def admit(self, key: ApiKey, call: Call, hold: Hold) -> Admission:
        """Admit the call and hold its worst case, or find its answer in the cache.

        Raises InvalidApiKey, AddressNotAllowed, ModelNotAllowed, RateLimited, BudgetExceeded, StoreUnavailable.
        """
        ...


class Settlements(Protocol):
    """Ends calls and keeps the journal of their usage events, in the same atomic store."""

    async def settle(
        self, flight: Flight, *, cost_pico: int, tokens: int, event: Envelope, store: CachedAnswer | None
    ) -> bytes | None:
        """End an admitted call and journal its event: the entry's id, or None when it was settled before."""
        ...

    async def journal(self, key: ApiKey, event: Envelope) -> bytes:
        """Journal the event of a call that held nothing: the entry's id."""
        ...


class Announcer(Protocol):
    """Publishes usage events; what cannot be published stays in the journal."""

    async def announce(self, key: ApiKey, entry: bytes | None, event: Envelope) -> None:
        """Publish one event and, once the bus has it, take its entry off the journal."""
        ...


class TokenCounter(Protocol):
    """Counts tokens that a provider did not report."""

    async def count_text(self, model: str, text: str) -> int:
        """Tokens of a text."""
        ...

    async def count_input(self, model: str, body: bytes) -> int:
        """Tokens of a request's messages or input."""
        ...
