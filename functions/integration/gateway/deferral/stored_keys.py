"""Keys of which nothing but the digest is kept, through the view that the auth service publishes for this."""

from typing import Final
from uuid import UUID

from llmo_auth.api_key import StoredKey
from llmo_data.postgres import Database, one

SELECT_KEY: Final = "SELECT org_ref, key_hash FROM auth.admission_keys WHERE key_id = %(key_id)s"


class PostgresStoredKeys:
    """Finds keys by their ids."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, key_id: UUID) -> StoredKey | None:
        """A key, whether it is valid or not; None when there is none any more. Raises DatabaseUnavailable."""
        async with self._database.transaction() as connection:
            row = await one(connection, SELECT_KEY, key_id=key_id)
        return StoredKey(row["org_ref"], "", row["key_hash"]) if row is not None else None
