"""API keys in PostgreSQL, through the one view that the auth service publishes for this."""

from typing import Any, Final

from llmo_auth.networks import network_bits
from llmo_core.money import to_pico
from llmo_data.postgres import Database

SELECT_KEY: Final = """
    SELECT key_id, org_id, project_id, requests_per_minute, tokens_per_minute, allowed_models,
           key_budget_usd, project_budget_usd, org_budget_usd, expires_at, revoked_at, permissions, allowed_cidrs
      FROM auth.admission_keys
     WHERE key_hash = %s
"""
_CALL_PERMISSION: Final = "llm:call"


class PostgresKeys:
    """Reads admission records."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, digest: str) -> dict[str, Any] | None:
        """The record of the key with this digest, as the admission script reads it.

        None when there is no such key, when it is revoked, or when it may not call models. Limits that are not set are
        left out. Raises DatabaseUnavailable.
        """
        async with self._database.transaction() as connection:
            cursor = await connection.execute(SELECT_KEY, (digest,))
            row = await cursor.fetchone()
        if row is None or row["revoked_at"] is not None or _CALL_PERMISSION not in row["permissions"]:
            return None
        budgets = (
            ("key", row["key_id"], row["key_budget_usd"]),
            ("project", row["project_id"], row["project_budget_usd"]),
            ("organization", row["org_id"], row["org_budget_usd"]),
        )
        record = {
            "key_id": str(row["key_id"]),
            "org_id": str(row["org_id"]),
            "project_id": str(row["project_id"]),
            "rpm": row["requests_per_minute"],
            "tpm": row["tokens_per_minute"],
            "models": row["allowed_models"],
            "networks": [network_bits(cidr) for cidr in cidrs] if (cidrs := row["allowed_cidrs"]) else None,
            "expires": int(row["expires_at"].timestamp() * 1000) if row["expires_at"] else None,
            "budgets": [
                [scope, str(owner), str(to_pico(limit))] for scope, owner, limit in budgets if limit is not None
            ],
        }
        return {name: value for name, value in record.items() if value is not None}
