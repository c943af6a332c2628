"""Providers in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.types.json import Jsonb

from integration.management.providers.models import Provider, ProviderNameTaken, StoredCredentials
from integration.management.rows import Row, Rows
from llmo_data.postgres import Database

_FIELDS = frozenset(Provider.model_fields) - {"credentials"}
_COLUMNS = [*sorted(_FIELDS), "data_key", "credentials", "credentials_hint"]


class PostgresProviders:
    """Providers."""

    def __init__(self, database: Database) -> None:
        self._rows = Rows(database, "integration.providers", _COLUMNS)

    async def page(self, org_id: UUID, *, before: UUID | None, limit: int) -> Sequence[Provider]:
        """At most `limit` providers, the newest first, that are older than the provider `before`."""
        return [_provider(row) for row in await self._rows.page(org_id, before=before, limit=limit)]

    async def find(self, org_id: UUID, provider_id: UUID) -> Provider | None:
        """The provider, unless it is removed."""
        row = await self._rows.find(org_id, provider_id)
        return _provider(row) if row is not None else None

    async def add(self, provider: Provider) -> None:
        """Keep a new provider. Raises ProviderNameTaken."""
        try:
            await self._rows.add(_row(provider))
        except UniqueViolation as error:
            raise ProviderNameTaken from error

    async def change(self, provider: Provider) -> None:
        """Keep another version of a provider. Raises ProviderNameTaken."""
        try:
            await self._rows.change(_row(provider))
        except UniqueViolation as error:
            raise ProviderNameTaken from error

    async def remove(self, provider: Provider, *, at: datetime) -> None:
        """Mark a provider as removed, and forget its credentials."""
        await self._rows.change(_row(provider.changed(at, credentials=None)))
        await self._rows.remove(provider.org_id, provider.id, at=at)


def _provider(row: Row) -> Provider:
    sealed = row["credentials"] is not None
    credentials = (
        StoredCredentials(
            data_key=bytes(row["data_key"]), ciphertext=bytes(row["credentials"]), hint=row["credentials_hint"]
        )
        if sealed
        else None
    )
    return Provider(**{name: row[name] for name in _FIELDS}, credentials=credentials)


def _row(provider: Provider) -> dict[str, Any]:
    credentials = provider.credentials
    return {
        **provider.model_dump(include=set(_FIELDS)),
        "headers": Jsonb(dict(provider.headers)),
        "data_key": credentials and credentials.data_key,
        "credentials": credentials and credentials.ciphertext,
        "credentials_hint": credentials and credentials.hint,
    }
