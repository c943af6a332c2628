"""Organizations for tests, written straight into the database."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from ipaddress import ip_network
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from llmo_auth import api_key
from llmo_auth.principal import Permission
from llmo_core.ids import new_id
from llmo_data.postgres import insert

PEPPER = "pepper-of-the-tests"
ALL_PERMISSIONS = tuple(sorted(Permission))


@dataclass(frozen=True, slots=True)
class Org:
    """An organization with one project, one owner and one API key.

    Attributes:
        api_key: The key's plain text.
        key_hash: What is stored of it, under `pepper`.
        pepper: The pepper of every key that tests make.
    """

    org_id: UUID
    org_ref: str
    project_id: UUID
    user_id: UUID
    key_id: UUID
    api_key: str
    key_hash: str
    pepper: str = PEPPER


class MakeOrg:
    """Creates organizations over an administrator's connection."""

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        self.connection = connection

    async def __call__(
        self,
        *,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
        key_budget_usd: Decimal | None = None,
        project_budget_usd: Decimal | None = None,
        org_budget_usd: Decimal | None = None,
        permissions: Sequence[str] = ALL_PERMISSIONS,
        allowed_models: Sequence[str] | None = None,
        allowed_cidrs: Sequence[str] | None = None,
        expires_at: datetime | None = None,
        revoked_at: datetime | None = None,
    ) -> Org:
        """Create one with new ids; each limit and budget is unlimited unless given."""
        org_id, project_id, user_id, key_id = new_id(), new_id(), new_id(), new_id()
        org_ref = api_key.new_org_ref()
        key = api_key.generate(org_ref)
        key_hash = key.digest(PEPPER.encode())
        email = f"{user_id.hex}@example.com"
        organization = {"id": org_id, "org_ref": org_ref, "name": "Acme", "monthly_budget_usd": org_budget_usd}
        project = {"id": project_id, "org_id": org_id, "name": "Default", "monthly_budget_usd": project_budget_usd}
        user = {"id": user_id, "email": email, "password_hash": "none", "name": "Ada"}
        membership = {"org_id": org_id, "user_id": user_id, "role": "owner"}
        key_row = {
            "id": key_id,
            "org_id": org_id,
            "project_id": project_id,
            "name": "First key",
            "key_hash": key_hash,
            "hint": key.hint,
            "created_by": user_id,
            "user_id": user_id,
            "permissions": list(permissions),
            "requests_per_minute": requests_per_minute,
            "tokens_per_minute": tokens_per_minute,
            "monthly_budget_usd": key_budget_usd,
            "allowed_models": None if allowed_models is None else list(allowed_models),
            "allowed_cidrs": None if allowed_cidrs is None else [ip_network(cidr) for cidr in allowed_cidrs],
            "expires_at": expires_at,
            "revoked_at": revoked_at,
        } | ({"created_at": expires_at - timedelta(days=1)} if expires_at else {})
        async with self.connection.transaction():
            # An administrator who is no superuser is held by row-level security too.
            await self.connection.execute(
                "SELECT set_config('app.org_id', %s, true), set_config('app.email', %s, true)", (str(org_id), email)
            )
            for table, row in (
                ("auth.organizations", organization),
                ("auth.projects", project),
                ("auth.users", user),
                ("auth.memberships", membership),
                ("auth.api_keys", key_row),
            ):
                await self.connection.execute(*insert(table, row))
        return Org(org_id, org_ref, project_id, user_id, key_id, key.text, key_hash)

    async def owner_leaves(self, org: Org) -> None:
        """Its owner is no member any more; the account stays."""
        async with self.connection.transaction():
            await self.connection.execute("SELECT set_config('app.org_id', %s, true)", (str(org.org_id),))
            await self.connection.execute(
                "DELETE FROM auth.memberships WHERE org_id = %s AND user_id = %s", (org.org_id, org.user_id)
            )

    async def another_project(self, org: Org) -> Org:
        """The same organization with another project, and an API key of that."""
        key, project_id, key_id = api_key.generate(org.org_ref), new_id(), new_id()
        key_hash = key.digest(PEPPER.encode())
        await self.connection.execute(
            *insert("auth.projects", {"id": project_id, "org_id": org.org_id, "name": "Other"})
        )
        row = {"id": key_id, "org_id": org.org_id, "project_id": project_id, "name": "Other", "hint": key.hint}
        made = {"key_hash": key_hash, "created_by": org.user_id, "user_id": org.user_id}
        await self.connection.execute(*insert("auth.api_keys", {**row, **made, "permissions": list(ALL_PERMISSIONS)}))
        return replace(org, project_id=project_id, key_id=key_id, api_key=key.text, key_hash=key_hash)
