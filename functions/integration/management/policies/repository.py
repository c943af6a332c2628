"""Policies in PostgreSQL: one row for each key and project that ever had one, and one for the default."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from psycopg.types.json import Jsonb

from integration.management.policies.models import Policy, Whose
from llmo_data.postgres import Database, every, one

# Row-level security limits them to the organization.
PAGE = """
    SELECT org_id, project_id, key_id, compact, trim_to_tokens, max_output_tokens, prompt_cache,
        substitute_models, substitute_up_to_tokens, cache, cache_any_temperature, cache_ttl_seconds, cache_namespace,
        semantic_mode, semantic_threshold, semantic_embedding_model, version, updated_by, updated_at
    FROM integration.policies
    WHERE removed_at IS NULL
        AND (%(after)s::uuid IS NULL
            OR coalesce(key_id, project_id, '00000000-0000-0000-0000-000000000000') > %(after)s::uuid)
    ORDER BY coalesce(key_id, project_id, '00000000-0000-0000-0000-000000000000')
    LIMIT %(limit)s
    """
FIND = """
    SELECT org_id, project_id, key_id, compact, trim_to_tokens, max_output_tokens, prompt_cache,
        substitute_models, substitute_up_to_tokens, cache, cache_any_temperature, cache_ttl_seconds, cache_namespace,
        semantic_mode, semantic_threshold, semantic_embedding_model, version, updated_by, updated_at
    FROM integration.policies
    WHERE project_id IS NOT DISTINCT FROM %(project_id)s::uuid AND key_id IS NOT DISTINCT FROM %(key_id)s::uuid
        AND removed_at IS NULL
    """
COUNT = "SELECT count(*) FROM integration.policies WHERE removed_at IS NULL"
LAST_VERSION = """
    SELECT version FROM integration.policies
    WHERE project_id IS NOT DISTINCT FROM %(project_id)s::uuid AND key_id IS NOT DISTINCT FROM %(key_id)s::uuid
    """
PUT = """
    INSERT INTO integration.policies (org_id, project_id, key_id, compact, trim_to_tokens, max_output_tokens,
        prompt_cache, substitute_models, substitute_up_to_tokens, cache, cache_any_temperature, cache_ttl_seconds,
        cache_namespace, semantic_mode, semantic_threshold, semantic_embedding_model, version, updated_by, updated_at)
    VALUES (%(org_id)s, %(project_id)s, %(key_id)s, %(compact)s, %(trim_to_tokens)s, %(max_output_tokens)s,
        %(prompt_cache)s, %(substitute_models)s, %(substitute_up_to_tokens)s, %(cache)s, %(cache_any_temperature)s,
        %(cache_ttl_seconds)s, %(cache_namespace)s, %(semantic_mode)s, %(semantic_threshold)s,
        %(semantic_embedding_model)s, %(version)s, %(updated_by)s, %(updated_at)s)
    ON CONFLICT (org_id, project_id, key_id) DO UPDATE
        SET compact = excluded.compact, trim_to_tokens = excluded.trim_to_tokens,
            max_output_tokens = excluded.max_output_tokens, prompt_cache = excluded.prompt_cache,
            substitute_models = excluded.substitute_models,
            substitute_up_to_tokens = excluded.substitute_up_to_tokens, cache = excluded.cache,
            cache_any_temperature = excluded.cache_any_temperature, cache_ttl_seconds = excluded.cache_ttl_seconds,
            cache_namespace = excluded.cache_namespace, semantic_mode = excluded.semantic_mode,
            semantic_threshold = excluded.semantic_threshold,
            semantic_embedding_model = excluded.semantic_embedding_model, version = excluded.version,
            updated_by = excluded.updated_by,
            updated_at = excluded.updated_at, removed_at = NULL
    """
REMOVE = """
    UPDATE integration.policies SET removed_at = %(at)s
    WHERE project_id IS NOT DISTINCT FROM %(project_id)s::uuid AND key_id IS NOT DISTINCT FROM %(key_id)s::uuid
    """


class PostgresPolicies:
    """Policies."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, org_id: UUID, *, after: UUID | None, limit: int) -> Sequence[Policy]:
        """At most `limit` policies, ordered by their ids, behind the one with the id `after`."""
        async with self._database.transaction(org_id) as connection:
            return [Policy(**row) for row in await every(connection, PAGE, after=after, limit=limit)]

    async def find(self, org_id: UUID, whose: Whose) -> Policy | None:
        """A policy, unless it is removed."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, FIND, **whose.model_dump())
        return Policy(**row) if row is not None else None

    async def count(self, org_id: UUID) -> int:
        """How many there are that are not removed."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, COUNT)
        return int(row["count"]) if row is not None else 0

    async def last_version(self, org_id: UUID, whose: Whose) -> int:
        """The latest version that there ever was, also of a policy that is removed; 0 of none."""
        async with self._database.transaction(org_id) as connection:
            row = await one(connection, LAST_VERSION, **whose.model_dump())
        return int(row["version"]) if row is not None else 0

    async def put(self, policy: Policy) -> None:
        """Keep a policy, in place of the one that there was."""
        async with self._database.transaction(policy.org_id) as connection:
            row = {**policy.model_dump(), "substitute_models": Jsonb(dict(policy.substitute_models))}
            await connection.execute(PUT.encode(), row)

    async def remove(self, policy: Policy, *, at: datetime) -> None:
        """Mark a policy as removed."""
        async with self._database.transaction(policy.org_id) as connection:
            await connection.execute(REMOVE.encode(), {**policy.model_dump(), "at": at})
