"""The authorizer's SQL: one look-up in the view that the auth service publishes."""

from authorizer.models import AdmissionKey
from llmo_data.postgres import Database

SELECT_KEY = """
    SELECT key_id, org_id, project_id, permissions, expires_at, revoked_at
    FROM auth.admission_keys
    WHERE key_hash = %s
    """


class PostgresAdmissionKeys:
    """API keys in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, key_hash: str) -> AdmissionKey | None:
        """The key with this digest, also when it is revoked or expired. Raises DatabaseUnavailable."""
        async with self._database.transaction() as connection:
            row = await (await connection.execute(SELECT_KEY, (key_hash,))).fetchone()
        return AdmissionKey.model_validate(row) if row is not None else None
