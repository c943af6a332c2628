"""Setting up organizations' providers, models and routes, as the management API keeps them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection, sql
from psycopg.types.json import Jsonb
from redis.asyncio import Redis

from llmo_core.clock import SystemClock
from llmo_core.ids import new_id
from llmo_data.postgres import insert
from tests.integration.organizations import Org


class SetUp:
    """An organization that sets things up; each change counts at the next call."""

    def __init__(self, connection: AsyncConnection[Any], redis: Redis, org: Org) -> None:
        self.connection = connection
        self._redis = redis
        self.org = org
        self._providers: dict[str, UUID] = {}

    async def provider(self, name: str, base_url: str, **columns: Any) -> UUID:
        """A connection to whatever answers at this URL."""
        provider_id = self._providers[name] = new_id()
        row = {"id": provider_id, "name": name, "kind": "openai_compatible", "base_url": base_url, "headers": Jsonb({})}
        await self._insert("providers", {**row, **columns})
        return provider_id

    async def model(self, name: str, provider: str, *, price: str | None = "1", **columns: Any) -> UUID:
        """A model of a provider, at a price in dollars per million input tokens; output costs twice as much."""
        model_id = new_id()
        row = {"id": model_id, "name": name, "provider_id": self._providers[provider], "upstream_model": "gpt-4o-mini"}
        await self._insert("models", {**row, **columns})
        if price is not None:
            prices = {"effective_from": datetime.fromisoformat("2026-01-01T00:00:00Z"), "input_mtok": price}
            await self.price(model_id, {**prices, "output_mtok": str(2 * float(price))})
        return model_id

    async def price(self, model_id: UUID, columns: Mapping[str, Any]) -> None:
        """Prices of a model."""
        now = SystemClock().now()
        row = {"model_id": model_id, "org_id": self.org.org_id, "created_by": self.org.user_id, "created_at": now}
        await self.connection.execute(*insert("integration.model_prices", {**row, **columns}))
        await self._count()

    async def route(self, name: str, targets: Sequence[str | Mapping[str, Any]], **columns: Any) -> UUID:
        """A route to models, or to targets with conditions."""
        made = [{"model": target} if isinstance(target, str) else target for target in targets]
        entries = [{"id": f"{name}-{number}", "weight": 1, **target} for number, target in enumerate(made)]
        route_id = new_id()
        route = {
            "id": route_id,
            "name": name,
            "strategy": "priority",
            "targets": Jsonb(entries),
            "sticky": "none",
            "attempts": 3,
            "deadline_ms": 60_000,
            "first_byte_ms": 30_000,
            "between_chunks_ms": 30_000,
            **columns,
        }
        await self._insert("routes", route)
        return route_id

    async def budget(self, limit_usd: str, **columns: Any) -> UUID:
        """A hard budget of the organization, for a month, without alerts."""
        budget_id = new_id()
        row = {"id": budget_id, "name": "Budget", "scope": "organization", "window_kind": "month", "hard": True}
        await self._insert("budgets", {**row, "limit_usd": limit_usd, "alerts": [], **columns})
        return budget_id

    async def limit(self, **columns: Any) -> UUID:
        """A limit of the organization."""
        limit_id = new_id()
        await self._insert("limits", {"id": limit_id, "name": "Limit", "scope": "organization", **columns})
        return limit_id

    async def prompt(self, name: str, *versions: Mapping[str, Any], labels: Mapping[str, int] | None = None) -> UUID:
        """A prompt with versions, the first one first."""
        prompt_id = new_id()
        row = {"id": prompt_id, "name": name, "description": "", "newest": len(versions), "labels": Jsonb(labels or {})}
        await self._insert("prompts", row)
        for number, version in enumerate(versions, 1):
            made = {"id": new_id(), "org_id": self.org.org_id, "prompt_id": prompt_id, "number": number, "note": ""}
            said = {"messages": Jsonb(version["messages"]), "defaults": Jsonb(version.get("defaults", {}))}
            by = {"created_by": self.org.user_id, "created_at": SystemClock().now()}
            await self.connection.execute(*insert("integration.prompt_versions", {**made, **said, **by}))
        return prompt_id

    async def purge(self, project_id: UUID | None = None) -> None:
        """Forget the stored answers of a project, or of all."""
        row = {"id": new_id(), "org_id": self.org.org_id, "project_id": project_id}
        made = {"purged_by": self.org.user_id, "purged_at": SystemClock().now()}
        await self.connection.execute(*insert("integration.cache_purges", {**row, **made}))
        await self._count()

    async def policy(self, project_id: UUID | None = None, **columns: Any) -> None:
        """What may be done to the calls of a project or a key, or of those that have no policy of their own."""
        now = SystemClock().now()
        row = {"org_id": self.org.org_id, "project_id": project_id, "version": 1, "cache_ttl_seconds": 60}
        made = {"compact": False, "prompt_cache": False, "cache": "exact", "updated_by": self.org.user_id}
        await self.connection.execute(*insert("integration.policies", {**row, **made, "updated_at": now, **columns}))
        await self._count()

    async def guardrail(self, name: str, kind: str, action: str, **columns: Any) -> UUID:
        """Something that is looked for in what is sent and answered."""
        guardrail_id = new_id()
        row = {"id": guardrail_id, "name": name, "stage": "both", "kind": kind, "action": action, "message": ""}
        await self._insert("guardrails", {**row, "pii": [], "words": [], "enabled": True, **columns})
        return guardrail_id

    async def content_logging(self, retention_days: int = 7, redact: Sequence[str] = ()) -> None:
        """Contents of the calls of the organization's project are kept."""
        row = {"org_id": self.org.org_id, "project_id": self.org.project_id, "retention_days": retention_days}
        made = {"redact": list(redact), "version": 1, "updated_by": self.org.user_id}
        at = {"updated_at": SystemClock().now()}
        await self.connection.execute(*insert("integration.content_logging", {**row, **made, **at}))
        await self._count()

    async def time_zone(self, name: str) -> None:
        """Where the organization's days begin."""
        now = SystemClock().now()
        row = {"org_id": self.org.org_id, "time_zone": name, "version": 1}
        made = {"updated_by": self.org.user_id, "updated_at": now}
        await self.connection.execute(*insert("integration.organization_settings", {**row, **made}))
        await self._count()

    async def change(self, table: str, row_id: UUID, **columns: Any) -> None:
        """Change a row."""
        for name, value in columns.items():
            statement = sql.SQL("UPDATE {} SET version = version + 1, {} = %s WHERE id = %s").format(
                sql.Identifier("integration", table), sql.Identifier(name)
            )
            await self.connection.execute(statement, (value, row_id))
        await self._count()

    async def _insert(self, table: str, row: Mapping[str, Any]) -> None:
        now = SystemClock().now()
        made = {"org_id": self.org.org_id, "created_by": self.org.user_id, "created_at": now, "updated_at": now}
        await self.connection.execute(*insert(f"integration.{table}", {**made, "version": 1, **row}))
        await self._count()

    async def _count(self) -> None:
        await self._redis.set(f"{{{self.org.org_ref}}}:config_version", str(new_id()))
