"""What the use cases of providers need of the world around them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from integration.management.providers.models import ConnectionTest, Provider


class Providers(Protocol):
    """Providers; every method is limited to the organization it names."""

    async def page(self, org_id: UUID, *, before: UUID | None, limit: int) -> Sequence[Provider]:
        """At most `limit` providers, the newest first, that are older than the provider `before`."""
        ...

    async def find(self, org_id: UUID, provider_id: UUID) -> Provider | None:
        """The provider, unless it is removed."""
        ...

    async def add(self, provider: Provider) -> None:
        """Keep a new provider. Raises ProviderNameTaken."""
        ...

    async def change(self, provider: Provider) -> None:
        """Keep another version of a provider. Raises ProviderNameTaken."""
        ...

    async def remove(self, provider: Provider, *, at: datetime) -> None:
        """Mark a provider as removed, and forget its credentials."""
        ...


class Tests(Protocol):
    """Asks providers for their models."""

    async def test(self, provider: Provider, api_key: str | None) -> ConnectionTest:
        """Make one call, of ten seconds at most. Whatever goes wrong is in what it gives."""
        ...
